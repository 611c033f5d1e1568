"""What differs between two messages, field by field."""

from typing import NamedTuple

from .escapes import Escapes, escapes_of
from .fieldtext import Level, read
from .lines import HEADERS
from .message import Message


class FieldChange(NamedTuple):
    """One field that differs. Its repr shows the path only: the values are content."""

    path: str
    """`SEG-field`, or `SEG[n]-field` in the n-th segment of that id from the second on."""
    before: str | None
    """The field's text; None when its segment is not there."""
    after: str | None
    """The field's text; None when its segment is not there."""

    def __repr__(self) -> str:
        return f"<FieldChange {self.path}>"


def diff(before: Message, after: Message) -> list[FieldChange]:
    """The fields that differ, in the order of `before`, then what only `after` has.

    Segments are compared by id and occurrence. When the fields agree and the segments stand in another order,
    the one change has the path "segment order" and no values. A difference in delimiters alone shows as MSH-1, MSH-2.
    """
    other = after.copy()
    other.redelimit(before.delimiters.field + before.delimiters.encoding_characters)
    old, new = before.split_segments(), other.split_segments()
    changes = _delimiters(before, after)
    for key in dict.fromkeys([*old, *new]):
        changes += _fields(key, old.get(key), new.get(key), escapes_of(before.delimiters, before.charset))
    if not changes and list(old) != list(new):
        changes.append(FieldChange("segment order", None, None))
    return changes


def _delimiters(before: Message, after: Message) -> list[FieldChange]:
    paths = ("MSH-1", "MSH-2")
    return [FieldChange(path, before[path], after[path]) for path in paths if before[path] != after[path]]


def _fields(key: tuple[str, int], old: list[str] | None, new: list[str] | None, escapes: Escapes) -> list[FieldChange]:
    if old == new:
        return []
    segment, occurrence = key
    name = segment if occurrence == 1 else f"{segment}[{occurrence}]"
    first = 2 if segment in HEADERS else 1
    changes = []
    for number in range(first, max(len(old or ()), len(new or ()), first + 1)):
        was, now = _at(old, number), _at(new, number)
        if was != now and (was or now or number == first):
            texts = (None if notation is None else read(notation, Level.FIELD, escapes) for notation in (was, now))
            changes.append(FieldChange(f"{name}-{number + first - 1}", *texts))
    return changes


def _at(fields: list[str] | None, number: int) -> str | None:
    if fields is None:
        return None
    return fields[number] if number < len(fields) else ""
