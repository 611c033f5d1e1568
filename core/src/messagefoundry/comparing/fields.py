"""What differs between two segments with the same id: by field, repetition, component and subcomponent."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Literal

from messagefoundry.message import Delimiters

from .changes import FieldChange
from .ignoring import Ignoring
from .places import UNNAMED, Place

HEADERS = frozenset(("MSH", "BHS", "FHS"))
"""The segments whose first field is the field separator itself."""

Level = tuple[Literal["repetition", "component", "subcomponent"], str]


def field_changes(
    before: str, after: str, place: Place, delimiters: Delimiters, ignoring: Ignoring
) -> Iterator[FieldChange]:
    """Compare two segments in the same delimiters; `place` is the segment's.

    A change is as deep as both sides have structure: where one of them is empty, the other is the change as a whole.
    """
    if place.segment == UNNAMED:
        yield FieldChange(place, before, after)
        return
    old, new = before.split(delimiters.field), after.split(delimiters.field)
    offset = place.segment in HEADERS
    levels = _levels(delimiters)
    for index in range(1 + offset, max(len(old), len(new))):
        was, now = _at(old, index), _at(new, index)
        if was != now:
            yield from _deeper(was, now, replace(place, field=index + offset), levels, ignoring)


def _levels(delimiters: Delimiters) -> Sequence[Level]:
    return (
        ("repetition", delimiters.repetition),
        ("component", delimiters.component),
        ("subcomponent", delimiters.subcomponent),
    )


def _at(fields: Sequence[str], index: int) -> str | None:
    return fields[index] if index < len(fields) else None


def _deeper(
    before: str | None, after: str | None, place: Place, levels: Sequence[Level], ignoring: Ignoring
) -> Iterator[FieldChange]:
    if not levels or not ((before and after) or ignoring.looks_into(place)):
        yield FieldChange(place, before, after)
        return
    (level, separator), *deeper = levels
    old, new = _parts(before, separator), _parts(after, separator)
    if len(old) <= 1 and len(new) <= 1:
        yield from _deeper(before, after, place, deeper, ignoring)
        return
    for number, (was, now) in enumerate(zip_longest(old, new), start=1):
        if was != now:
            yield from _deeper(was, now, _numbered(place, level, number), deeper, ignoring)


def _parts(text: str | None, separator: str) -> list[str]:
    if text is None:
        return []
    return text.split(separator) if separator else [text]


def _numbered(place: Place, level: str, number: int) -> Place:
    match level:
        case "repetition":
            return replace(place, repetition=number)
        case "component":
            return replace(place, component=number)
        case _:
            return replace(place, subcomponent=number)
