"""Taking a batch apart: [FHS] { [BHS] { message } [BTS] } [FTS], as HL7 v2.5.1 §2.10.3 has it.

Every header and trailer may be missing, as senders leave them out: messages one after the other are a batch too. What
is said of how many there are has to be true, and nothing may stand between header, messages and trailer.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .acknowledge import ErrorLocation, Refusal, RefusalKind
from .errors import UnreadableError

BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b"\r\n\t "
_VT: Final = b"\x0b"
_PUNCTUATION: Final = rb"[!-/:-@\[-`{-~]"
_ENVELOPE: Final = rb"(?=(?:MSH|[BF]HS)" + _PUNCTUATION + rb"|[BF]TS(?:" + _PUNCTUATION + rb"|[\r\n]|\Z))"
_LEAD = re.compile(rb"(?:\xef\xbb\xbf|[\r\n\t \x0b])*")
_FIRST = re.compile(_ENVELOPE)
_NEXT = re.compile(rb"[\r\n\x0b][\t ]*(\xef\xbb\xbf)?" + _ENVELOPE)
_SEGMENT_END = re.compile(rb"[\t ]*(?:\r\n?|\n)?")
_LINE = re.compile(rb"[^\r\n]*")


class BatchError(UnreadableError):
    """This is no batch that may be accepted: `refusal` says why, the text says more, without content."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        """Refuse the whole batch."""
        self.refusal: Final = refusal
        super().__init__(detail)


class BatchHeader(NamedTuple):
    """BHS, or FHS where there is none: `fields` has BHS-n at n - 1, to 12 at least. Its repr shows no field."""

    fields: list[bytes]
    separator: bytes

    def __repr__(self) -> str:
        """Without the fields."""
        return "<BatchHeader>"


class Batch(NamedTuple):
    """What a batch holds: messages with their exact bytes, from MSH to the end of the last segment, in their order.

    `header` is that of the first batch or else of the file, None when there is neither. With `utf8` a byte order mark
    stands before everything. The repr shows no content.
    """

    members: list[bytes]
    header: BatchHeader | None
    utf8: bool

    def __repr__(self) -> str:
        """Without content."""
        return f"<Batch of {len(self.members)} messages>"


def split_batch(raw: bytes) -> Batch:
    """Take a batch apart. BatchError when it cannot be taken as a whole; a bad message is a member like the others.

    Costs time in proportion to the length. A batch without any message is one only if a trailer counts none.
    """
    start = _lead(raw)
    reading = _Reading()
    for piece, place in _pieces(raw, start):
        reading.take(piece, place)
    if not reading.members and not reading.says_none:
        raise BatchError(Refusal(RefusalKind.NO_HEADER), "there is no message in it")
    return Batch(reading.members, reading.header, BOM in raw[:start])


def _lead(raw: bytes) -> int:
    """Where the first header or message begins."""
    found = _LEAD.match(raw)
    start = found.end() if found else 0
    if not _FIRST.match(raw, start):
        raise _stray(start)
    return start


def _pieces(raw: bytes, start: int) -> Iterator[tuple[bytes, int]]:
    """Headers, messages and trailers, each with what follows it until the next begins, and where it begins."""
    for found in _NEXT.finditer(raw, start):
        mark = found.start(1)
        end = mark if mark >= 0 else found.end()
        yield raw[start:end], start
        start = end
    yield raw[start:], start


class _Reading:
    """What was read of a batch so far."""

    __slots__ = ("_batches", "_messages", "_of_file", "_open", "_trailers", "header", "members", "says_none")

    def __init__(self) -> None:
        self.members: list[bytes] = []
        self.header: BatchHeader | None = None
        self.says_none = False
        self._of_file = False
        self._open = False
        self._messages = 0
        self._batches = 0
        self._trailers: dict[str, int] = {}

    def take(self, piece: bytes, place: int) -> None:
        """Read the next header, message or trailer, which begins at byte `place`."""
        content = len(piece.rstrip(_BLANK + _VT))
        if _VT in piece[content:]:
            raise BatchError(Refusal(RefusalKind.NOT_ENDED), "the next message begins inside of it")
        mark = len(BOM) if piece.startswith(BOM) else 0
        if piece.startswith(b"MSH", mark):
            self._take_message(piece, content)
        else:
            self._take_envelope(_line(piece[mark:], place + mark))

    def _take_message(self, piece: bytes, content: int) -> None:
        if not self._open:
            self._begin_batch()
        self._messages += 1
        end = _SEGMENT_END.match(piece, content)
        self.members.append(piece[: end.end()] if end else piece)

    def _take_envelope(self, line: bytes) -> None:
        match line[:3]:
            case b"FHS":
                self._end_file()
                self._keep_header(line, of_file=True)
            case b"BHS":
                self._begin_batch()
                self._keep_header(line, of_file=False)
            case b"BTS":
                self._batches += not self._open
                self._count("BTS", line, self._messages if self._open else 0, "message")
                self._open = False
            case _:
                self._count("FTS", line, self._batches, "batch")
                self._end_file()

    def _begin_batch(self) -> None:
        self._open = True
        self._messages = 0
        self._batches += 1

    def _end_file(self) -> None:
        self._open = False
        self._batches = 0

    def _keep_header(self, line: bytes, *, of_file: bool) -> None:
        if self.header is None or (self._of_file and not of_file):
            separator = line[3:4]
            fields = line.split(separator, 12)
            self.header = BatchHeader(fields + [b""] * (12 - len(fields)), separator)
            self._of_file = of_file

    def _count(self, name: str, line: bytes, there: int, what: str) -> None:
        """Hold what a trailer says in its first field against what is there; it may say nothing."""
        sequence = self._trailers[name] = self._trailers.get(name, 0) + 1
        said = line[4:].split(line[3:4], 1)[0].strip() if len(line) > 4 else b""
        if not said:
            return
        if not said.isdigit():
            raise _miscounted(name, sequence, f"{name}-1 is not a number")
        if (said.lstrip(b"0") or b"0") != b"%d" % there:
            number = said[:20].decode("ascii")
            raise _miscounted(name, sequence, f"{name}-1 says {number}, and {_counted(there, what)} came")
        self.says_none = self.says_none or not there


def _line(piece: bytes, place: int) -> bytes:
    """The one segment of a header or trailer. BatchError when there is more."""
    found = _LINE.match(piece)
    line = found.group() if found else piece
    if rest := piece[len(line) :].lstrip(_BLANK):
        raise _stray(place + len(piece) - len(rest))
    return line


def _counted(number: int, what: str) -> str:
    plural = {"message": "messages", "batch": "batches"}[what]
    return f"{number} {what if number == 1 else plural}"


def _miscounted(name: str, sequence: int, detail: str) -> BatchError:
    return BatchError(Refusal(RefusalKind.MISCOUNTED, ErrorLocation(name, sequence, 1)), detail)


def _stray(place: int) -> BatchError:
    return BatchError(Refusal(RefusalKind.SEGMENT_SEQUENCE), f"what stands at byte {place} is in no message")
