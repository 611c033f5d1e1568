"""The options of `MLLP(...)` and `Tcp(...)`. Times are in seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry.message import CharsetError, codec_for
from messagefoundry_mllp import checks
from messagefoundry_mllp.framing import MLLP_FRAMING, STX_ETX_FRAMING, VT_FS_FRAMING, Framing

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(min_length=1)]
MIB = 1024 * 1024

_INBOUND = frozenset({"max_connections", "receive_timeout"})
_OUTBOUND = frozenset(
    {
        "connect_timeout",
        "timeout_seconds",
        "persistent",
        "idle_timeout_seconds",
        "max_connection_age_seconds",
        "capture_response",
        "reingress_to",
        "tls_verify",
        "tls_check_hostname",
    }
)
_PRESETS = {"stx_etx": STX_ETX_FRAMING, "vt_fs": VT_FS_FRAMING, "mllp": MLLP_FRAMING}


class StreamSettings(ConnectorSettings):
    """What MLLP and raw TCP have in common."""

    model_config = ConfigDict(hide_input_in_errors=True)
    inbound_only: ClassVar[frozenset[str]] = _INBOUND
    outbound_only: ClassVar[frozenset[str]] = _OUTBOUND

    host: Name | None = None
    """The partner's name or address, for an outbound. An inbound takes none: it listens where the operator says."""
    port: int = Field(ge=0, le=65_535)
    """The TCP port to listen on, or to connect to; 0 lets the system choose one to listen on."""
    encoding: str = "utf-8"
    """Character set of messages that name none; if given for an outbound, edited messages are written in it."""
    max_connections: Count = 256
    """Peers at one time; one more is accepted and closed at once."""
    receive_timeout: Seconds = 60
    """Seconds from a frame's first byte to its last; an idle connection stays open."""
    max_frame_bytes: Count = 16 * MIB
    """Longest frame; a longer one is refused, and its connection closed."""
    connect_timeout: Seconds = 10
    """Seconds until the connection, TLS included, must be there."""
    timeout_seconds: Seconds = 30
    """Seconds for which a reply is waited for; without one the message is tried again."""
    persistent: bool = True
    """Keep the connection for the next message; else each message has one of its own."""
    idle_timeout_seconds: Seconds = 60
    """Seconds after which an unused connection is closed."""
    max_connection_age_seconds: Seconds | None = None
    """Seconds after which a connection is replaced before the next send; never, unless given."""
    capture_response: bool = False
    """Say that Handlers use the partner's reply (`response_get`); it is kept on the message's trail in any case."""
    reingress_to: Name | None = None
    """The Loopback inbound to which the reply goes as a message."""
    tls: bool = False
    """Speak TLS 1.2 or newer."""
    tls_cert_file: Name | None = None
    """PEM file with our own certificate and its chain; an inbound with TLS needs it."""
    tls_key_file: Name | None = None
    """PEM file with its private key; not needed when the key is in `tls_cert_file`."""
    tls_key_password: str | None = Field(default=None, repr=False)
    """Password of an encrypted key; give it through env()."""
    tls_ca_file: Name | None = None
    """PEM file of an authority. Inbound: peers must have its certificate. Outbound: instead of the system's."""
    tls_verify: bool = True
    """Verify the partner's certificate."""
    tls_check_hostname: bool = True
    """Verify that the certificate is for `host`."""
    tls_allow_expired: bool = False
    """Accept a peer's certificate outside its days of validity while its chain and name still verify."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            codec_for(value)
        except CharsetError as error:
            raise ValueError(str(error)) from None
        return value

    def block_format(self) -> Framing:
        """How messages are framed."""
        return MLLP_FRAMING

    def endpoint(self, around: Surroundings) -> str:
        """Host and port, and "TLS" where it is used."""
        host = around.bind_host if around.direction == "inbound" else self.host or "?"
        place = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        return f"{place} (TLS)" if self.tls else place

    def listens_on(self) -> int | None:
        """The port that an inbound binds."""
        return self.port

    def problems(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """Options of the other direction, places that cannot be used, and certificates that do not work."""
        yield from checks.misplaced_options(self, around)
        yield from checks.place(self, around)
        yield from checks.certificates(self, around)


class MLLPSettings(StreamSettings):
    """HL7 v2 over MLLP: `MLLP(port=2575)` for an inbound, `MLLP(host="lab", port=2575)` for an outbound."""

    inbound_only: ClassVar[frozenset[str]] = _INBOUND | {
        "max_messages_per_second",
        "message_burst",
        "reply_from",
        "reply_timeout",
        "batch_ack",
    }
    outbound_only: ClassVar[frozenset[str]] = _OUTBOUND | {
        "no_ack",
        "nak",
        "encoding_characters",
        "hl7_raw_separators",
        "verify_ack_control_id",
        "send_min_interval_seconds",
    }

    max_messages_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Messages of all peers together; what comes faster is answered AE. No limit unless given."""
    message_burst: Count | None = None
    """How many may come at once before the rate counts; one second's worth unless given."""
    reply_from: Name | None = None
    """The outbound Connection whose reply is the answer to this inbound's sender."""
    reply_timeout: Seconds = 30
    """Seconds for which that reply is waited for; without one the answer is AE."""
    batch_ack: Literal["all", "errors"] = "all"
    """The answer to a batch holds the acknowledgment of each message, or of those alone that were refused."""
    no_ack: bool = False
    """The partner sends no acknowledgments: a message is delivered when it is written."""
    nak: Mapping[Literal["AE", "AR"], Literal["retry", "dead"]] = Field(default_factory=dict)
    """What follows a negative answer, where it is not {'AE': 'retry', 'AR': 'dead'}. CE is as AE, CR as AR."""
    encoding_characters: str | None = None
    """MSH-1 and MSH-2 to re-encode outgoing messages with, such as "|^~\\\\&"."""
    hl7_raw_separators: bool = False
    """Write reserved characters as they are instead of escaped."""
    verify_ack_control_id: bool = True
    """A reply counts only if its MSA-2 is the message's MSH-10."""
    send_min_interval_seconds: Seconds | None = None
    """Least seconds from one send to the next; none unless given."""

    @field_validator("encoding_characters")
    @classmethod
    def _five_characters(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if len(set(value)) != 5 or len(value) != 5 or any(not "!" <= one <= "~" or one.isalnum() for one in value):
            raise ValueError("give five different punctuation characters, MSH-1 and then MSH-2, such as '|^~\\\\&'")
        return value

    def problems(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """As for every stream, and options that need another."""
        yield from super().problems(around)
        if self.message_burst is not None and self.max_messages_per_second is None:
            yield "message_burst has no meaning without max_messages_per_second", "give max_messages_per_second too"
        if self.reply_from is not None and around.direction == "inbound":
            yield from checks.useless_options(self, "reply_from", ("batch_ack",))
        if self.no_ack and around.direction == "outbound":
            yield from checks.useless_options(self, "no_ack", ("nak", "verify_ack_control_id", "timeout_seconds"))


def _marker(value: Any) -> Any:
    """Accept a byte as a number, and characters for the bytes of the same numbers."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255:
        return bytes([value])
    if isinstance(value, str):
        try:
            return value.encode("latin-1")
        except UnicodeEncodeError:
            raise ValueError("write bytes, a number below 256, or characters below U+0100") from None
    return value


Marker = Annotated[bytes, BeforeValidator(_marker)]


class TcpSettings(StreamSettings):
    """Messages of any content over TCP, in frames: `Tcp(port=6000, framing="stx_etx")`."""

    outbound_only: ClassVar[frozenset[str]] = _OUTBOUND | {"expect_reply"}

    framing: Literal["stx_etx", "vt_fs", "mllp"] = "stx_etx"
    """STX … ETX, VT … FS, or that of MLLP: VT … FS CR."""
    start: Marker | None = None
    """Bytes before a message, instead of the framing's; empty for none."""
    end: Annotated[Marker, Field(min_length=1)] | None = None
    """Bytes after a message, instead of the framing's."""
    trailer: Marker | None = None
    """Bytes after `end`, instead of the framing's; may be missing on receipt."""
    expect_reply: bool = False
    """Wait for one frame after each message; without, a message is delivered when it is written."""

    def block_format(self) -> Framing:
        """The framing named, with the bytes given instead of its own."""
        preset = _PRESETS[self.framing]
        return Framing(
            preset.start if self.start is None else self.start,
            preset.end if self.end is None else self.end,
            preset.trailer if self.trailer is None else self.trailer,
        )
