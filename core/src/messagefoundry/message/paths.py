"""Paths: `SEG-field[.component[.subcomponent]]`, every number counted from 1."""

import re
from functools import lru_cache
from typing import NamedTuple

from .errors import PathError

_PATH = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9][0-9]{0,3})(?:\.([1-9][0-9]{0,3})(?:\.([1-9][0-9]{0,3}))?)?")
_NEARLY = re.compile(r"([A-Za-z][A-Za-z0-9]{2})((?:[.\-_/: ]{1,2}[0-9]{1,5}){1,3})")
_SUBSCRIPT = re.compile(r"[A-Za-z][A-Za-z0-9]{2}(?:[.\-0-9]{0,12}[\[(][0-9]{1,4}[\])]){1,2}[.\-0-9]{0,12}")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")


class Path(NamedTuple):
    """One place in a segment; 0 where the path names no component or subcomponent."""

    segment: str
    field: int
    component: int = 0
    subcomponent: int = 0

    def __str__(self) -> str:
        numbers = ".".join(str(number) for number in self[1:] if number)
        return f"{self.segment}-{numbers}"


@lru_cache(maxsize=2048)
def parse_path(path: str) -> Path:
    """Read a path such as `PID-3.1`. PathError, with the mend, for anything else."""
    found = _PATH.fullmatch(path) if isinstance(path, str) else None
    if found is None:
        raise PathError(_mend(path))
    segment, field, component, subcomponent = found.groups()
    return Path(segment, int(field), int(component or 0), int(subcomponent or 0))


def segment_id(name: str) -> str:
    """`name` when it is a segment id (a capital letter and two capital letters or digits), else PathError."""
    if not isinstance(name, str) or not _SEGMENT.fullmatch(name):
        raise PathError("a segment id is a capital letter and two capital letters or digits, such as OBX")
    return name


def counted(number: int, what: str) -> int:
    """`number` when it counts from 1, else PathError."""
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise PathError(f"{what} is a whole number counted from 1")
    return number


def _mend(path: object) -> str:
    if not isinstance(path, str):
        return f"a path is text such as 'PID-3.1', not {type(path).__name__}"
    if _SUBSCRIPT.fullmatch(path):
        return (
            f"{path!r} is not a path: name a repetition or an occurrence of the segment with "
            "field(path, occurrence=..., repetition=...) or set(path, value, occurrence=..., repetition=...)"
        )
    nearly = _NEARLY.fullmatch(path)
    if nearly is None:
        return "not a path: a path is SEG-field[.component[.subcomponent]], such as 'PID-3' or 'PID-3.1'"
    numbers = [int(number) for number in re.findall("[0-9]+", nearly[2])]
    if not all(1 <= number <= 9999 for number in numbers):
        return f"{path!r} is not a path: fields, components and subcomponents are counted from 1 to 9999"
    return f"{path!r} is not a path: write {str(Path(nearly[1].upper(), *numbers))!r}"
