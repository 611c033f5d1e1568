"""Reading and writing by path: what a Message and a Group of its segments have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NoReturn

from .errors import EditError, MissingSegmentError
from .escapes import Escapes
from .fieldtext import Level, read, write
from .lines import HEADERS
from .paths import Path, counted, parse_path
from .places import pick, put


class Access(ABC):
    """Places by path. Numbers count from 1; `occurrence` chooses among segments of one id."""

    __slots__ = ()

    def __getitem__(self, path: str) -> str | None:
        """The text at `path`: of the first such segment and, below field level, of the first repetition.

        None when the segment is not there or ends before the place; "" when the place is there and empty;
        '""' (the HL7 null, §2.5.3) as it stands. PathError when `path` is not a path.
        """
        return self.field(path)

    def __setitem__(self, path: str, value: str | None) -> None:
        """Write text at `path`; see `set`."""
        self.set(path, value)

    def __iter__(self) -> Iterator[NoReturn]:
        """Refuse: what would be iterated over is named by `segments()`, `groups()` and `repetitions(path)`."""
        raise TypeError("a message is not iterated over: use segments(), groups() or repetitions(path)")

    def field(self, path: str, *, occurrence: int = 1, repetition: int | None = None) -> str | None:
        """The text at `path`, as `msg[path]`, of a given occurrence of the segment and repetition of the field.

        Without `repetition`, a path to a field names the whole field with all its repetitions.
        """
        place = parse_path(path)
        notation = self._notation(place, occurrence, repetition)
        if notation is None or (place.segment in HEADERS and place.field <= 2):
            return notation
        return read(notation, _level(place, repetition), self._escapes())

    def set(self, path: str, value: str | None, *, occurrence: int = 1, repetition: int | None = None) -> None:
        """Write `value` at `path`; components, repetitions and fields before it are added empty where missing.

        At field level `^` and `&` are structure; below, they are data and escaped, as everything else that needs
        it. Text read from a message takes its structure and escapes along. None and "" empty the place, and
        change nothing where there is none. Without `repetition`, a path to a field replaces all its repetitions.
        Writing what is there already is no edit.

        MissingSegmentError when the segment is not there; EditError for MSH-1 and MSH-2 (use `redelimit`).
        """
        place = parse_path(path)
        if place.segment in HEADERS and place.field <= 2:
            return self._keep_delimiters(place, value, occurrence, repetition)
        notation = write(value, _level(place, repetition), self._escapes())
        index = self._locate(place.segment, counted(occurrence, "occurrence"))
        if index is None:
            return self._missing(place, occurrence) if notation else None
        fields = self._fields(index)
        number = place.field - (place.segment in HEADERS)
        old = fields[number] if number < len(fields) else ""
        repetition = None if repetition is None else counted(repetition, "repetition")
        new = put(old, place, repetition, notation, self._escapes().delimiters)
        if new != old:
            self._replace(index, number, new)

    def repetitions(self, path: str, *, occurrence: int = 1) -> list[str]:
        """The text of each repetition of a field, or of one component of each ("" where it is absent).

        Empty when the segment is not there or the field has no value.
        """
        place = parse_path(path)
        field = self._notation(place._replace(component=0, subcomponent=0), occurrence, None)
        if not field:
            return []
        if place.segment in HEADERS and place.field <= 2:
            return [field]
        escapes = self._escapes()
        separator = escapes.delimiters.repetition
        parts = field.split(separator) if separator else [field]
        level = _level(place, 1)
        found = (pick(part, place, 1, escapes.delimiters) or "" for part in parts)
        return [read(notation, level, escapes) for notation in found]

    def add_repetition(self, path: str, value: str, *, occurrence: int = 1) -> None:
        """Append a repetition to a field; the first one when the field has no value. `value` as for `set`.

        EditError when `path` names a component; MissingSegmentError when the segment is not there.
        """
        place = parse_path(path)
        if place.component:
            raise EditError(f"{place} is a component: repetitions are added to a field, {place.segment}-{place.field}")
        if self._locate(place.segment, counted(occurrence, "occurrence")) is None:
            self._missing(place, occurrence)
        count = len(self.repetitions(path, occurrence=occurrence))
        self.set(path, value, occurrence=occurrence, repetition=count + 1)

    def _notation(self, place: Path, occurrence: int, repetition: int | None) -> str | None:
        index = self._locate(place.segment, counted(occurrence, "occurrence"))
        if index is None:
            return None
        if repetition is not None:
            counted(repetition, "repetition")
        fields = self._fields(index)
        delimiters = self._escapes().delimiters
        if place.segment in HEADERS and place.field <= 2:
            whole = (repetition or 1) == (place.component or 1) == (place.subcomponent or 1) == 1
            found = delimiters.field if place.field == 1 else "".join(fields[1:2])
            return found if whole and found else None
        number = place.field - (place.segment in HEADERS)
        return pick(fields[number], place, repetition, delimiters) if number < len(fields) else None

    def _keep_delimiters(self, place: Path, value: str | None, occurrence: int, repetition: int | None) -> None:
        if value != self._notation(place, occurrence, repetition):
            raise EditError(f"{place} declares the delimiters of the whole message: change them with redelimit()")

    def _missing(self, place: Path, occurrence: int) -> NoReturn:
        lacks = f"fewer than {occurrence} segments" if occurrence > 1 else "no segment"
        raise MissingSegmentError(
            f"{place} cannot be written: the message has {lacks} {place.segment}; "
            f"call add_segment() first, or test count_segments({place.segment!r})"
        )

    @abstractmethod
    def _escapes(self) -> Escapes: ...

    @abstractmethod
    def _locate(self, segment: str, occurrence: int) -> int | None: ...

    @abstractmethod
    def _fields(self, index: int) -> list[str]: ...

    @abstractmethod
    def _replace(self, index: int, number: int, notation: str) -> None: ...


def _level(place: Path, repetition: int | None) -> Level:
    if place.subcomponent:
        return Level.SUBCOMPONENT
    if place.component:
        return Level.COMPONENT
    return Level.FIELD if repetition is None else Level.REPETITION
