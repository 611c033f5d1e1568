"""The HL7 v2 message: read lazily, edited in place, written back as exactly the bytes that came in."""

from itertools import pairwise
from typing import Final

from . import charsets
from .access import Access
from .delimiters import Delimiters
from .encoding import bytes_of, raw_of, text_of
from .errors import EditError
from .escapes import Escapes, escapes_of
from .groups import Group
from .header import peek
from .lines import HEADERS, identifier, normalised, places
from .paths import segment_id

_MSH: Final = "MSH"


class Message(Access):
    """One HL7 v2 message (v2.5.1 chapter 2).

    Nothing is split before it is asked for, and until the first edit the message is the bytes it came in as.
    The first edit normalises it: CR between segments, no byte order mark, blank lines before MSH gone.
    Its repr shows type and size, never content.
    """

    __slots__ = ("_codec", "_delimiters", "_edited", "_index", "_layout", "_lines", "_owned", "_raw", "_text")

    def __init__(self, raw: bytes | str, *, encoding: str = "utf-8") -> None:
        """Read a message; `encoding` applies when MSH-18 does not name a character set in which `raw` decodes.

        HeaderError when there is no readable MSH, DecodeError when no character set fits (text: when it cannot be
        encoded), CharsetError when `encoding` or MSH-18 names one that HL7 v2 cannot use.
        """
        if isinstance(raw, str):
            raw = raw_of(raw, encoding)
        elif not isinstance(raw, bytes):
            raise TypeError(f"a message is bytes or text, not {type(raw).__name__}")
        header = peek(raw)
        self._text, self._codec = text_of(raw, header, encoding)
        self._raw = raw
        self._delimiters = header.delimiters
        self._edited = False
        self._lines: list[str | list[str]] | None = None
        self._index: dict[str, list[int]] | None = None
        self._owned: set[int] | None = None
        self._layout = 0

    @classmethod
    def parse(cls, raw: bytes | str, *, encoding: str = "utf-8") -> "Message":
        """Read a message; see the constructor."""
        return cls(raw, encoding=encoding)

    def __repr__(self) -> str:
        return f"<Message of {len(self._raw)} bytes{', edited' if self._edited else ''}>"

    @property
    def raw(self) -> bytes:
        """The bytes that came in, whatever has been edited since."""
        return self._raw

    @property
    def edited(self) -> bool:
        """Whether anything has been changed."""
        return self._edited

    @property
    def delimiters(self) -> Delimiters:
        """What MSH-1 and MSH-2 declare."""
        return self._delimiters

    @property
    def charset(self) -> str:
        """Python's name of the message's own character set."""
        return self._codec

    def message_code(self) -> str | None:
        """MSH-9.1, such as ADT."""
        return self["MSH-9.1"]

    def trigger_event(self) -> str | None:
        """MSH-9.2, such as A01."""
        return self["MSH-9.2"]

    def message_type(self) -> str | None:
        """MSH-9.1 and MSH-9.2 with ^ between, whatever the delimiters, such as ADT^A01; without MSH-9.2, MSH-9.1."""
        code, trigger = self["MSH-9.1"], self["MSH-9.2"]
        return f"{code}^{trigger}" if trigger else code

    def control_id(self) -> str | None:
        """MSH-10."""
        return self["MSH-10"]

    def segments(self) -> list[str]:
        """The ids of all segments in order, blank lines left out."""
        return self._ids(0, len(self._all()))

    def split_segments(self) -> dict[tuple[str, int], list[str]]:
        """Every segment by id and occurrence (from 1), split at its field separators; for reading only."""
        found: dict[tuple[str, int], list[str]] = {}
        seen: dict[str, int] = {}
        for index, line in enumerate(self._all()):
            if line:
                name = identifier(line, self._delimiters.field)
                seen[name] = occurrence = seen.get(name, 0) + 1
                found[name, occurrence] = self._fields(index)
        return found

    def count_segments(self, segment: str) -> int:
        """How many segments have this id."""
        return len(self._places(segment_id(segment)))

    def add_segment(self, line: str, *, index: int | None = None) -> None:
        """Insert a segment in this message's own notation, such as `ZPI|1|VIP`, at the end or at `index`.

        `index` is the new segment's place in `segments()` (0 is MSH, so at least 1). The line is taken as it is:
        for values that may hold delimiters, add the bare id and `set` the fields. EditError for a line with a line
        break in it, without a segment id, a second MSH, or an index outside the message.
        """
        line = self._checked(line)
        lines = self._all()
        if index is None:
            at = len(lines)
            while not lines[at - 1]:
                at -= 1
        else:
            filled = [number for number, old in enumerate(lines) if old]
            if not 1 <= index <= len(filled):
                raise EditError(f"a segment is inserted at 1 (behind MSH) to {len(filled)} (the end), not there")
            at = filled[index] if index < len(filled) else filled[-1] + 1
        self._own_lines().insert(at, line)
        self._relaid()

    def delete_segments(self, segment: str) -> int:
        """Remove all segments with this id; how many there were. EditError for MSH."""
        if segment_id(segment) == _MSH:
            raise EditError("MSH cannot be deleted")
        gone = set(self._places(segment))
        if gone:
            lines = self._own_lines()
            lines[:] = [line for number, line in enumerate(lines) if number not in gone]
            self._relaid()
        return len(gone)

    def groups(self, boundary: str = "OBR") -> list[Group]:
        """The runs of segments that begin with each `boundary` segment and end before the next one, or at the end.

        Segments before the first are in no group. Paths and occurrences of a Group count within it.
        """
        edges = [*self._places(segment_id(boundary)), len(self._all())]
        return [Group(self, start, end) for start, end in pairwise(edges)]

    def redelimit(self, characters: str) -> None:
        r"""Write the whole message with other delimiters: MSH-1 and MSH-2, such as `|^~\&`.

        Structure and text stay the same. HeaderError when these characters cannot be used.
        """
        target = escapes_of(Delimiters.of(characters), self._codec)
        source = self._escapes()
        if target is source:
            return
        lines: list[str | list[str]] = []
        for number, line in enumerate(self._all()):
            if not line:
                lines.append("")
                continue
            fields = self._fields(number)
            first = 2 if fields[0] in HEADERS else 1
            head = [fields[0], target.delimiters.encoding_characters][:first]
            lines.append(head + [target.translate(field, source) for field in fields[first:]])
        self._lines = lines
        self._delimiters = target.delimiters
        self._relaid()

    def encode(self) -> str:
        """The message as text, CR between segments."""
        if self._lines is None:
            return normalised(self._text)
        separator = self._delimiters.field
        return "\r".join([line if isinstance(line, str) else separator.join(line) for line in self._lines])

    def encode_bytes(self, encoding: str | None = None) -> bytes:
        """The bytes to send: unedited, those that came in; edited, in the message's own character set.

        `encoding`, for an edited message, is another character set, and MSH-18 is rewritten to match (emptied when
        table 0211 has no name for it). EncodeError for a character that it does not have, naming the place.
        """
        if not self._edited:
            return self._raw
        if encoding is None:
            return bytes_of(self.encode(), self._codec, self._delimiters.field)
        codec = charsets.codec_for(encoding)
        other = self.copy()
        declared = other.field("MSH-18", repetition=1) or ""
        if charsets.codec_of_table_0211(declared.encode()) != codec:
            other["MSH-18"] = charsets.table_0211_name(codec)
        return bytes_of(other.encode(), codec, self._delimiters.field)

    def copy(self) -> "Message":
        """An independent message; what both have in common is shared until one of them is edited."""
        other = Message.__new__(Message)
        other._raw = self._raw
        other._text = self._text
        other._codec = self._codec
        other._delimiters = self._delimiters
        other._edited = self._edited
        other._lines = self._lines
        other._index = self._index
        other._owned = self._owned = None
        other._layout = 0
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: object) -> "Message":
        return self.copy()

    def _all(self) -> list[str | list[str]]:
        if self._lines is None:
            self._lines = list(normalised(self._text).split("\r"))
            self._text = ""
        return self._lines

    def _own_lines(self) -> list[str | list[str]]:
        lines = self._all()
        if self._owned is None:
            self._lines = lines = list(lines)
            self._owned = set()
        return lines

    def _relaid(self) -> None:
        self._edited = True
        self._index = None
        self._owned = set()
        self._layout += 1

    def _ids(self, start: int, end: int) -> list[str]:
        return [identifier(line, self._delimiters.field) for line in self._all()[start:end] if line]

    def _places(self, segment: str) -> list[int]:
        if self._index is None:
            self._index = places(self._all(), self._delimiters.field)
        return self._index.get(segment, [])

    def _escapes(self) -> Escapes:
        return escapes_of(self._delimiters, self._codec)

    def _locate(self, segment: str, occurrence: int) -> int | None:
        places = self._places(segment)
        return places[occurrence - 1] if occurrence <= len(places) else None

    def _fields(self, index: int) -> list[str]:
        lines = self._all()
        line = lines[index]
        if isinstance(line, str):
            lines[index] = line = line.split(self._delimiters.field)
        return line

    def _replace(self, index: int, number: int, notation: str) -> None:
        lines = self._own_lines()
        fields = self._fields(index)
        assert self._owned is not None
        if index not in self._owned:
            lines[index] = fields = list(fields)
            self._owned.add(index)
        if number >= len(fields):
            fields += [""] * (number + 1 - len(fields))
        fields[number] = notation
        self._edited = True

    def _checked(self, line: str) -> str:
        if not isinstance(line, str):
            raise EditError(f"a segment is a line of text, not {type(line).__name__}")
        line = line.rstrip("\r\n")
        if "\r" in line or "\n" in line:
            raise EditError("the line holds a line break: add segments one by one")
        if line[3:4] not in ("", self._delimiters.field) or not line[:3].isascii():
            raise EditError("a segment begins with its id of three characters and the field separator of this message")
        if segment_id(line[:3]) == _MSH:
            raise EditError("a message has one MSH")
        return line
