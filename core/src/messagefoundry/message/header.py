"""MSH read straight from the bytes, without building a Message: for the receive path and for logs."""

import re
from typing import Final

from .delimiters import Delimiters
from .errors import HeaderError

_BEFORE_MSH = re.compile(rb"(?:\xef\xbb\xbf|[\r\n\t \x0b])*")
_NOTHING: Final = [b""] * 20

USUAL_START: Final = b"MSH|^~\\&|"
"""How MSH nearly always begins: with delimiters that need no examination."""


class Header:
    """The fields of one MSH segment as bytes, escapes not decoded. Its repr shows no field.

    `fields` is MSH split at `separator` (MSH-n at n - 1, to 18 at least), `start` the offset at which MSH begins.
    """

    __slots__ = ("delimiters", "fields", "separator", "start")

    def __init__(self, fields: list[bytes], separator: bytes, delimiters: Delimiters, start: int) -> None:
        """Keep what `peek` found."""
        self.fields: Final = fields
        self.separator: Final = separator
        self.delimiters: Final = delimiters
        self.start: Final = start

    def __repr__(self) -> str:
        return "<Header of an HL7 message>"

    def field(self, number: int) -> bytes:
        """MSH-`number`, 2 to 18; b"" when it is empty or absent."""
        return self.fields[number - 1]

    def component(self, number: int, component: int) -> bytes:
        """One component of the first repetition of MSH-`number`; b"" when absent."""
        return self._nth(self._first(number), self.delimiters.component, component)

    def _first(self, number: int) -> bytes:
        value = self.fields[number - 1]
        return self._nth(value, self.delimiters.repetition, 1) if value else value

    @staticmethod
    def _nth(value: bytes, separator: str, number: int) -> bytes:
        parts = value.split(separator.encode(), number) if separator else [value]
        return parts[number - 1] if number <= len(parts) else b""

    @property
    def sending_application(self) -> bytes:
        """MSH-3."""
        return self.fields[2]

    @property
    def sending_facility(self) -> bytes:
        """MSH-4."""
        return self.fields[3]

    @property
    def receiving_application(self) -> bytes:
        """MSH-5."""
        return self.fields[4]

    @property
    def receiving_facility(self) -> bytes:
        """MSH-6."""
        return self.fields[5]

    @property
    def timestamp(self) -> bytes:
        """MSH-7."""
        return self.fields[6]

    @property
    def message_type(self) -> bytes:
        """MSH-9, all components."""
        return self.fields[8]

    @property
    def message_code(self) -> bytes:
        """MSH-9.1."""
        return self.component(9, 1)

    @property
    def trigger_event(self) -> bytes:
        """MSH-9.2."""
        return self.component(9, 2)

    @property
    def is_acknowledgment(self) -> bool:
        """Whether MSH-9.1 is ACK or MCF."""
        return self.fields[8][:3] in (b"ACK", b"MCF") and self.message_code in (b"ACK", b"MCF")

    @property
    def control_id(self) -> bytes:
        """MSH-10, unchanged."""
        return self.fields[9]

    @property
    def processing_id(self) -> bytes:
        """MSH-11."""
        return self.fields[10]

    @property
    def version(self) -> bytes:
        """MSH-12.1."""
        return self.component(12, 1)

    @property
    def accept_acknowledgment(self) -> bytes:
        """MSH-15 (table 0155)."""
        return self.fields[14]

    @property
    def application_acknowledgment(self) -> bytes:
        """MSH-16 (table 0155)."""
        return self.fields[15]

    @property
    def character_set(self) -> bytes:
        """The first repetition of MSH-18 (table 0211)."""
        return self._first(18)

    def for_log(self, number: int, *, limit: int = 64) -> str:
        """MSH-`number`, 3 to 12, as it may appear in logs, events and file names."""
        if not 3 <= number <= 12:
            raise ValueError("only MSH-3 to MSH-12 may be shown")
        return for_log(self.fields[number - 1], limit=limit)


def peek(raw: bytes) -> Header:
    """Read MSH of `raw`: whole messages, or the beginning of one of which no more is wanted.

    A byte order mark, blank lines, blanks and a VT before MSH are skipped; segments may end in CR, LF or CRLF.
    HeaderError when there is no readable MSH. Costs the length of MSH, not of the message.
    """
    start = 0 if raw.startswith(b"MSH") else _start(raw)
    line = raw[start : _end(raw, start)]
    separator = line[3:4]
    if not separator:
        raise HeaderError("MSH ends before its field separator")
    fields = line.split(separator, 19)
    delimiters = Delimiters.of(separator + fields[1][:6])
    if len(fields) < 20:
        fields += _NOTHING[len(fields) :]
    return Header(fields, separator, delimiters, start)


def _end(raw: bytes, start: int) -> int:
    """Where the segment that begins at `start` ends."""
    end = raw.find(b"\r", start)
    if end < 0:
        end = len(raw)
    newline = raw.find(b"\n", start, end)
    return newline if newline >= 0 else end


def control_id_of(raw: bytes) -> bytes:
    """MSH-10 of `raw`, unchanged; b"" when it is empty or there is no readable MSH."""
    if not raw.startswith(USUAL_START):
        try:
            return peek(raw).control_id
        except HeaderError:
            return b""
    fields = raw[: _end(raw, 0)].split(b"|", 10)
    return fields[9] if len(fields) > 9 else b""


def _start(raw: bytes) -> int:
    found = _BEFORE_MSH.match(raw)
    start = found.end() if found else 0
    if raw.startswith(b"MSH", start):
        return start
    if b"\0" in raw[:8] or raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise HeaderError("no readable MSH: this looks like UTF-16 or UTF-32, which HL7 v2 over MLLP cannot carry")
    raise HeaderError("no readable MSH: a message begins with MSH and its field separator")


def for_log(value: bytes | str, *, limit: int = 64) -> str:
    """`value` without control and format characters, at most `limit` characters long."""
    text = value[: limit * 4 + 4].decode("utf-8", "replace") if isinstance(value, bytes) else value[: limit + 1]
    if not text.isprintable():
        text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
