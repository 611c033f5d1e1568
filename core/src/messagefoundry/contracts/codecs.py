"""Content types: how raw bytes are judged on receipt, answered, and shown to Routers and Handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.message import AcknowledgmentMode, Refusal


class Summary(NamedTuple):
    """What is known of a message before anybody parses it; safe to log (see semantics: MSH-3..12 alone)."""

    control_id: str = ""
    message_type: str = ""
    encoding: str = "utf-8"
    header: Any = None
    """The codec's own view of the header, given back to `acknowledge`."""

    def __repr__(self) -> str:
        """Without the header."""
        return f"Summary({self.control_id!r}, {self.message_type!r}, {self.encoding!r})"


class AnyMessage(Protocol):
    """What Routers and Handlers are given, whatever its content type."""

    def copy(self) -> Self:
        """An independent message with the same content."""

    def encode_bytes(self, encoding: str | None = None) -> bytes:
        """The bytes to send: exactly those received when nobody edited them."""


class Codec(Protocol):
    """How one content type is handled. Pure: no I/O, no clock."""

    def summarize(self, raw: bytes, *, encoding: str) -> Summary:
        """Judge a received message. Raises Refused with the reason when it may not be accepted."""

    def parse(self, raw: bytes, *, encoding: str) -> AnyMessage:
        """The message for Routers and Handlers."""

    def acknowledge(
        self,
        raw: bytes,
        summary: Summary | None,
        refusal: Refusal | None,
        mode: AcknowledgmentMode,
        *,
        control_id: bytes,
        timestamp: bytes,
    ) -> tuple[str, bytes | None]:
        """The answer to the sender: (MSA-1 or "", the bytes or None for no answer). `refusal` None means accepted."""


class Members(NamedTuple):
    """The messages of a batch in their order, each with its exact bytes; the repr shows none.

    `control_id` is the batch's own, as it may be shown, and `encoding` the character set of messages that name none.
    `envelope` is the codec's own view of the batch, given back to `acknowledge_batch`.
    """

    messages: Sequence[bytes]
    encoding: str = "utf-8"
    control_id: str = ""
    envelope: Any = None

    def __repr__(self) -> str:
        """Without the messages."""
        return f"<{len(self.messages)} members of a batch>"


@runtime_checkable
class BatchCodec(Codec, Protocol):
    """A codec whose messages also come in batches: `summarize` raises Refused with RefusalKind.BATCH for one."""

    def split(self, raw: bytes, *, encoding: str) -> Members:
        """Take a batch apart. Raises Refused when it cannot be taken as a whole; its messages are not judged yet."""

    def acknowledge_batch(
        self, members: Members, acknowledgments: Sequence[bytes], *, control_id: bytes, timestamp: bytes
    ) -> bytes:
        """One answer to a batch, which holds those to its messages."""
