"""What authors write in Handlers and declarations: Sends, policies and enumerations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Any

from messagefoundry.message import PathError, parse_path
from messagefoundry.wiring.checked import checked_value
from messagefoundry.wiring.misuse import MisuseError

if TYPE_CHECKING:
    from messagefoundry.contracts.codecs import AnyMessage


class AckMode(StrEnum):
    """How an inbound answers its senders (HL7 v2.5.1 §2.9.2 original, §2.9.3 enhanced)."""

    ORIGINAL = "original"
    ENHANCED = "enhanced"
    NONE = "none"


class AckAfter(StrEnum):
    """When an inbound acknowledges: when the message is stored, or when everything sent of it has an outcome."""

    INGEST = "ingest"
    DELIVERED = "delivered"


class AckOnDeadline(StrEnum):
    """How a sender is answered whose message is not delivered by the deadline; it goes on all the same."""

    AA = "AA"
    AE = "AE"
    AR = "AR"


class OrderingMode(StrEnum):
    """How a lane orders its work: strictly, or rotating past what fails."""

    FIFO = "fifo"
    UNORDERED = "unordered"


class InternalErrorPolicy(StrEnum):
    """What a lane does when the connector itself breaks: dead-letter and go on, or stop and keep the item."""

    CONTINUE = "continue"
    STOP = "stop"


class ContentType(StrEnum):
    """What the messages of an inbound are."""

    HL7V2 = "hl7v2"
    JSON = "json"
    XML = "xml"
    TEXT = "text"
    X12 = "x12"
    FHIR = "fhir"
    BINARY = "binary"
    DICOM = "dicom"


@checked_value()
@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How failed deliveries are tried again: exponential back-off in seconds, `max_attempts=None` for ever."""

    max_attempts: int | None = None
    backoff_seconds: float = 5
    backoff_multiplier: float = 2
    max_backoff_seconds: float = 300

    def __post_init__(self) -> None:
        if self.max_attempts is not None and self.max_attempts < 1:
            raise ValueError("max_attempts must be at least 1, or None to retry for ever")
        if self.backoff_seconds < 0 or self.max_backoff_seconds < 0 or self.backoff_multiplier < 1:
            raise ValueError("backoff seconds must not be negative, and the multiplier at least 1")


@checked_value()
@dataclass(frozen=True, slots=True)
class BuildupThreshold:
    """When waiting work is too much: alert at this depth, or when the oldest has waited this many seconds."""

    max_depth: int | None = None
    max_oldest_seconds: float | None = 300


@checked_value(max_oldest_seconds=60)
@dataclass(frozen=True, slots=True)
class StallThreshold:
    """When the oldest undelivered message of a lane is too old, whatever the lane does: seconds, None for never."""

    max_oldest_seconds: float | None = None

    def __post_init__(self) -> None:
        limit = self.max_oldest_seconds
        if limit is not None and (not isinstance(limit, int | float) or not 0 < limit < inf):
            raise ValueError("max_oldest_seconds must be a number above 0")


LONGEST_WINDOW_SECONDS = 366 * 24 * 60 * 60


@checked_value(window_seconds=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class Dedupe:
    """Which messages of an inbound are repeats: those that came within `window_seconds`, told by the value of `key`.

    `key` is a path such as MSH-10. A repeat comes from the same MSH-3 and MSH-4 and differs in MSH-7 at most.
    """

    key: str = "MSH-10"
    window_seconds: float

    def __post_init__(self) -> None:
        seconds, most = self.window_seconds, LONGEST_WINDOW_SECONDS
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= most:
            raise ValueError(f"window_seconds must be a number of seconds above 0, at most {most:,}")
        try:
            parse_path(self.key)
        except PathError as error:
            raise ValueError(f"key: {error}") from None


@checked_value(max_count=2, max_wait_ms=1)
@dataclass(frozen=True, slots=True)
class BatchConfig:
    """How an outbound gathers messages into HL7 batches: up to `max_count`, or what has come in `max_wait_ms`."""

    max_count: int
    max_wait_ms: int

    def __post_init__(self) -> None:
        if not isinstance(self.max_count, int) or not 2 <= self.max_count <= 1000:
            raise ValueError("max_count must be a whole number from 2 to 1000")
        if not isinstance(self.max_wait_ms, int) or self.max_wait_ms < 1:
            raise ValueError("max_wait_ms must be a whole number of milliseconds above 0")


class Send:
    """A Handler's decision to send `message` to outbound Connection `to`, as the message is at this moment.

    `message` may be a Message, a RawMessage, text or bytes. What happens to it afterwards changes nothing here.
    """

    __slots__ = ("message", "to")

    def __init__(self, to: str, message: AnyMessage | str | bytes) -> None:
        if not isinstance(to, str) or not to:
            raise MisuseError("Send(to, message): `to` is the name of an outbound Connection")
        copy = getattr(message, "copy", None)
        self.to = to
        self.message: Any = message if isinstance(message, str | bytes) else copy() if copy else message
        if not isinstance(self.message, str | bytes) and not hasattr(self.message, "encode_bytes"):
            kind = type(message).__name__
            raise MisuseError(f"Send(to, message): a {kind} cannot be sent; give a message, text or bytes")

    def __repr__(self) -> str:
        return f"Send({self.to!r})"
