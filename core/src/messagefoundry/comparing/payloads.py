"""What differs between two outputs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from messagefoundry.message import Message, MessageError

from .alignment import aligned
from .changes import BytesDiffer, Change, FieldChange, SegmentAdded, SegmentRemoved, SpellingDiffers
from .contents import bytes_differ
from .fields import field_changes
from .ignoring import NOTHING, Ignoring
from .places import Place, segment_name


def compare_payloads(
    before: bytes,
    after: bytes,
    *,
    encodings: tuple[str, str] = ("utf-8", "utf-8"),
    ignoring: Ignoring = NOTHING,
) -> tuple[Change, ...]:
    """The changes, none when there is nothing to tell apart; `encodings` applies where MSH-18 names no character set.

    Two HL7 v2 messages are compared by field, anything else by its bytes.
    """
    if before == after:
        return ()
    try:
        old, new = Message(before, encoding=encodings[0]), Message(after, encoding=encodings[1])
        found = compare_messages(old, new, ignoring=ignoring)
        hidden = not found and bool(ignoring.patterns) and bool(compare_messages(old, new))
    except (MessageError, UnicodeError):
        return (bytes_differ(before, after),)
    return tuple(found) or (() if hidden else (SpellingDiffers(),))


def compare_messages(before: Message, after: Message, *, ignoring: Ignoring = NOTHING) -> list[Change]:
    """The changes that make `before` into `after`, in the order of the segments.

    Each message is read in its own delimiters; values are given in those of `before`, whose change is one of MSH-1 or
    MSH-2. Raises EditError when neither message can be written in the delimiters of the other.
    """
    delimiters = before.delimiters
    if after.delimiters != delimiters:
        after, characters = after.copy(), after.delimiters
        after.redelimit(delimiters.field + delimiters.encoding_characters)
        changes: list[Change] = list(_of_delimiters(before, characters.field, characters.encoding_characters))
    else:
        changes = []
    old, new = _segments(before), _segments(after)
    changes += _of_segments(before, old, new, ignoring)
    return [change for change in changes if not _ignored(change, ignoring)]


def _of_delimiters(before: Message, field: str, encoding_characters: str) -> Iterator[Change]:
    own = before.delimiters
    for number, (was, now) in enumerate(((own.field, field), (own.encoding_characters, encoding_characters)), start=1):
        if was != now:
            yield FieldChange(Place("MSH", field=number), was, now)


def _segments(message: Message) -> list[str]:
    return [line for line in message.encode().split("\r") if line]


def _of_segments(before: Message, old: Sequence[str], new: Sequence[str], ignoring: Ignoring) -> Iterator[Change]:
    separator = before.delimiters.field
    places, new_places = _places(old, separator), _places(new, separator)
    pairs = [(-1, -1), *aligned(old, new, separator), (len(old), len(new))]
    for (first, other), (last, other_last) in pairwise(pairs):
        yield from (SegmentRemoved(places[index], old[index]) for index in range(first + 1, last))
        yield from (SegmentAdded(new_places[index], index, new[index]) for index in range(other + 1, other_last))
        if last < len(old) and old[last] != new[other_last]:
            yield from field_changes(old[last], new[other_last], places[last], before.delimiters, ignoring)


def _places(lines: Sequence[str], separator: str) -> list[Place]:
    seen: Counter[str] = Counter()
    found = []
    for line in lines:
        name = segment_name(line, separator)
        seen[name] += 1
        found.append(Place(name, seen[name]))
    return found


def _ignored(change: Change, ignoring: Ignoring) -> bool:
    return not isinstance(change, SpellingDiffers | BytesDiffer) and ignoring.covers(change.place)
