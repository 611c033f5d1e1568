"""Makes one message of another with the changes that were reported between them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from messagefoundry.comparing import UNNAMED, Change, FieldChange, SegmentAdded, SegmentRemoved
from messagefoundry.comparing.fields import HEADERS
from messagefoundry.comparing.places import segment_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.message import Delimiters, Message


def segments(message: Message) -> list[str]:
    return [line for line in message.encode().split("\r") if line]


def applied(before: Message, changes: Sequence[Change]) -> list[str]:
    """The segments of the other message, in the delimiters of this one."""
    delimiters = before.delimiters
    edits: dict[tuple[str, int], list[FieldChange]] = defaultdict(list)
    gone = set()
    for change in changes:
        if isinstance(change, FieldChange):
            edits[change.place.segment, change.place.occurrence].append(change)
        elif isinstance(change, SegmentRemoved):
            gone.add((change.place.segment, change.place.occurrence))
    lines = []
    seen: dict[str, int] = defaultdict(int)
    for line in segments(before):
        name = segment_name(line, delimiters.field)
        seen[name] += 1
        if (name, seen[name]) not in gone:
            lines.append(edited(line, edits[name, seen[name]], delimiters))
    for change in changes:
        if isinstance(change, SegmentAdded):
            lines.insert(change.index, change.line)
    return lines


def edited(line: str, changes: Sequence[FieldChange], delimiters: Delimiters) -> str:
    fields: list[Any] = list(line.split(delimiters.field))
    separators = [delimiters.repetition, delimiters.component, delimiters.subcomponent]
    touched = {}
    for change in changes:
        place = change.place
        if place.segment == UNNAMED:
            assert line == change.before
            return str(change.after)
        if place.segment == "MSH" and place.field <= 2:
            continue
        index = place.field - (place.segment in HEADERS)
        fields += [None] * (index + 1 - len(fields))
        if index not in touched:
            touched[index] = None if fields[index] is None else parsed(fields[index], separators)
        numbers = [place.repetition, place.component, place.subcomponent]
        touched[index] = put(touched[index], numbers, change.after, separators)
    for index, node in touched.items():
        fields[index] = written(node, separators)
    return delimiters.field.join(field for field in fields if field is not None)


def parsed(text: str, separators: Sequence[str]) -> Any:
    if not separators:
        return text
    parts = text.split(separators[0]) if separators[0] else [text]
    return [parsed(part, separators[1:]) for part in parts]


def written(node: Any, separators: Sequence[str]) -> str | None:
    if not separators or node is None:
        return node  # type: ignore[no-any-return]
    parts = [text for each in node if (text := written(each, separators[1:])) is not None]
    return separators[0].join(parts) if parts else None


def put(node: Any, numbers: Sequence[int], text: str | None, separators: Sequence[str]) -> Any:
    if not any(numbers):
        return None if text is None else parsed(text, separators)
    number = max(numbers[0], 1)
    node = list(node or [])
    node += [None] * (number - len(node))
    node[number - 1] = put(node[number - 1], numbers[1:], text, separators[1:])
    return node
