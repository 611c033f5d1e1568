"""Acknowledgments for messages received (HL7 v2.5.1 §2.9.2 original mode, §2.9.3 enhanced mode).

what was decided            original   enhanced (by MSH-15)
accepted                    AA         CA
an error                    AE         CE
rejected                    AR         CR
"""

import re
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from .header import Header


class AcknowledgmentMode(StrEnum):
    """How an inbound answers."""

    ORIGINAL = "original"
    """AA, AE or AR, whatever MSH-15 and MSH-16 say."""
    ENHANCED = "enhanced"
    """CA, CE or CR when MSH-15 asks for it; original rules when MSH-15 and MSH-16 are both empty."""
    NONE = "none"
    """Nothing."""


class RefusalKind(Enum):
    """Why a message is refused before acceptance: code of table 0357, whether it is a rejection, a sentence.

    The sentence goes into the acknowledgment; it has letters, digits and blanks only, as no delimiter may be in it.
    """

    UNSUPPORTED_MESSAGE_TYPE = 200, True, "Message type not supported here"
    UNSUPPORTED_EVENT = 201, True, "Event not supported here"
    UNSUPPORTED_PROCESSING_ID = 202, True, "Processing id not supported here"
    UNSUPPORTED_VERSION = 203, True, "Version not supported here"
    NO_HEADER = 100, True, "No readable MSH segment"
    UNPARSABLE = 100, False, "The message cannot be read"
    UNDECODABLE = 102, False, "The message is not in its character set"
    SEGMENT_SEQUENCE = 100, False, "A segment is missing or out of place"
    REQUIRED_FIELD_MISSING = 101, False, "A required field is missing"
    DATA_TYPE = 102, False, "A value is not of its data type"
    TABLE_VALUE_NOT_FOUND = 103, False, "A value is not in its table"
    TOO_LARGE = 207, False, "The message is too large"
    BATCH = 207, False, "A batch is not one message"
    NOT_ENDED = 207, False, "A message was not ended before the next one"
    MISCOUNTED = 100, False, "A batch does not hold as many as it says"
    TOO_MANY = 207, False, "A batch holds too many messages"
    UNANSWERABLE = 207, False, "A batch cannot be answered by a partner"
    STORE_UNAVAILABLE = 207, False, "The message could not be stored and should be sent again"
    RATE_LIMIT = 207, False, "Too many messages at the moment and it should be sent again"
    SHUTTING_DOWN = 207, False, "Shutting down and it should be sent again"
    INTERNAL = 207, False, "Application internal error"
    VALIDATION_TIMEOUT = 207, False, "The message could not be validated in time"
    DELIVERY_FAILED = 207, False, "The message could not be delivered"
    DELIVERY_REJECTED = 207, True, "The receiving system rejected the message"
    NOT_DELIVERED_YET = 207, False, "The message is stored and not delivered yet"
    REJECTED_FOR_TIME = 207, True, "The message was not delivered in time"

    def __init__(self, code: int, rejects: bool, sentence: str) -> None:
        """Name the parts of a member."""
        self.code = code
        self.rejects = rejects
        self.sentence = sentence


class ErrorLocation(NamedTuple):
    """Where in the refused message the error is (ERL, §2.A.28); None or "" where it says no more."""

    segment: str = ""
    sequence: int | None = None
    """Which of the segments of this id; without an id, which of all segments."""
    field: int | None = None
    repetition: int | None = None
    component: int | None = None
    subcomponent: int | None = None

    @property
    def name(self) -> str:
        """For people: "PID-5.1", "OBX[3]-11" in the third OBX, "PID-3(2).4" in the second repetition, "segment 7"."""
        if not self.segment:
            return f"segment {self.sequence}" if self.sequence else ""
        occurrence = f"[{self.sequence}]" if self.sequence and self.sequence > 1 else ""
        repetition = f"({self.repetition})" if self.repetition and self.repetition > 1 else ""
        field = f"-{self.field}{repetition}" if self.field else ""
        inside = "".join(f".{number}" for number in (self.component, self.subcomponent) if number)
        return f"{self.segment}{occurrence}{field}{inside}"


class Accepted(NamedTuple):
    """The verdict that the message is ours now."""


class Refusal(NamedTuple):
    """The verdict that the message was refused."""

    kind: RefusalKind
    location: ErrorLocation | None = None


Verdict = Accepted | Refusal
ACCEPTED: Final = Accepted()

_TABLE_0357 = {
    100: b"Segment sequence error",
    101: b"Required field missing",
    102: b"Data type error",
    103: b"Table value not found",
    200: b"Unsupported message type",
    201: b"Unsupported event code",
    202: b"Unsupported processing id",
    203: b"Unsupported version id",
    207: b"Application internal error",
}
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){0,2}")
_UNREADABLE: Final = "2.5.1"


def acknowledge(
    header: Header | None, mode: AcknowledgmentMode, verdict: Verdict, *, control_id: bytes, timestamp: bytes
) -> bytes | None:
    """The acknowledgment on receipt, without framing; None when the message is not answered.

    `header` is None when there is no readable MSH: answered AR with default delimiters and an empty MSA-2.
    `control_id` becomes MSH-10 of the acknowledgment and `timestamp` MSH-7; both are taken as they are.
    """
    if mode is AcknowledgmentMode.NONE:
        return None
    if header is None:
        return _unreadable(control_id, timestamp)
    letter = b"A"
    if mode is AcknowledgmentMode.ENHANCED and (header.accept_acknowledgment or header.application_acknowledgment):
        if not _wanted(header.accept_acknowledgment.strip() or b"NE", verdict):
            return None
        letter = b"C"
    elif header.is_acknowledgment:
        return None
    return _built(header, letter, verdict, control_id, timestamp)


def acknowledge_delivery(header: Header, verdict: Verdict, *, control_id: bytes, timestamp: bytes) -> bytes | None:
    """In enhanced mode, the application acknowledgment after delivery: AA, AE or AR when MSH-16 asks for it.

    None when it does not, as when MSH-16 is empty.
    """
    if not _wanted(header.application_acknowledgment.strip() or b"NE", verdict):
        return None
    return _built(header, b"A", verdict, control_id, timestamp)


def _wanted(condition: bytes, verdict: Verdict) -> bool:
    """Table 0155; a value that it does not have counts as AL, since somebody may be waiting."""
    if condition == b"SU":
        return isinstance(verdict, Accepted)
    if condition == b"ER":
        return isinstance(verdict, Refusal)
    return condition != b"NE"


def _built(header: Header, letter: bytes, verdict: Verdict, control_id: bytes, timestamp: bytes) -> bytes:
    fields = header.fields
    separator = header.separator
    declared = fields[17]
    head = separator.join(
        (
            b"MSH",
            fields[1],
            fields[4],
            fields[5],
            fields[2],
            fields[3],
            timestamp,
            b"",
            _message_type(fields[11][:20], fields[8][:40], header.delimiters.component.encode()),
            control_id,
            fields[10],
            fields[11],
        )
    )
    if declared:
        head += separator * 6 + declared
    if isinstance(verdict, Accepted):
        return b"%b\rMSA%b%bA%b%b\r" % (head, separator, letter, separator, fields[9])
    return head + _refusal(header, letter, verdict)


@lru_cache(maxsize=256)
def _message_type(version: bytes, message_type: bytes, component: bytes) -> bytes:
    trigger = message_type.split(component, 2)[1:2]
    known = _version(version, component)
    if not trigger or not trigger[0] or known < (2, 3, 1):
        return b"ACK"
    parts = (b"ACK", trigger[0], b"ACK") if known >= (2, 4) else (b"ACK", trigger[0])
    return component.join(parts)


def _version(version: bytes, component: bytes) -> tuple[int, ...]:
    text = version.split(component, 1)[0].decode("latin-1").strip()
    return tuple(int(part) for part in text.split(".")) if _NUMBER.fullmatch(text) else ()


def _refusal(header: Header, letter: bytes, refusal: Refusal) -> bytes:
    kind = refusal.kind
    separator = header.separator
    component = header.delimiters.component.encode()
    modern = _version(header.field(12)[:20], component) >= (2, 5)
    code = letter + (b"R" if kind.rejects else b"E")
    text = b"" if modern else separator + kind.sentence.encode()
    acknowledgment = b"MSA%b%b%b%b%b" % (separator, code, separator, header.control_id, text)
    error = _err(header, refusal, component) if modern else _err_1(header, refusal, component)
    return b"\r%b\rERR%b%b\r" % (acknowledgment, separator, error)


def _err(header: Header, refusal: Refusal, component: bytes) -> bytes:
    """ERR-1 to ERR-8 from v2.5 (§2.15.5): ERR-2 location, ERR-3 code, ERR-4 severity, ERR-8 sentence for people."""
    code = component.join(_coded(refusal))
    location = component.join(_located(refusal)).rstrip(component)
    return header.separator.join((b"", location, code, b"E", b"", b"", b"", refusal.kind.sentence.encode()))


def _err_1(header: Header, refusal: Refusal, component: bytes) -> bytes:
    """ERR-1 before v2.5: segment, sequence, field, and the code as subcomponents."""
    subcomponent = header.delimiters.subcomponent.encode()
    coded = subcomponent.join(_coded(refusal)) if subcomponent else _coded(refusal)[0]
    return component.join((*_located(refusal)[:3], coded))


def _coded(refusal: Refusal) -> tuple[bytes, bytes, bytes]:
    code = refusal.kind.code
    return str(code).encode(), _TABLE_0357[code], b"HL70357"


def _located(refusal: Refusal) -> list[bytes]:
    location = refusal.location
    if location is None or not _SEGMENT.fullmatch(location.segment):
        return [b""] * 6
    return [location.segment.encode(), *(b"%d" % number if number else b"" for number in location[1:])]


def _unreadable(control_id: bytes, timestamp: bytes) -> bytes:
    kind = RefusalKind.NO_HEADER
    code = b"^".join(_coded(Refusal(kind)))
    return rb"MSH|^~\&|||||%b||ACK|%b|P|%b" % (
        timestamp,
        control_id,
        _UNREADABLE.encode(),
    ) + b"\rMSA|AR|\rERR|||%b|E||||%b\r" % (code, kind.sentence.encode())
