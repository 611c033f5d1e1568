"""Which segment of one message became which of another."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from .places import segment_name

Key = Callable[[str], Hashable]
Pair = tuple[int, int]


def aligned(before: Sequence[str], after: Sequence[str], separator: str) -> list[Pair]:
    """Pairs of indexes, ascending in both; only segments with the same id are paired.

    First equal lines, then lines that differ in their set id alone, then equal ids and set ids, then equal ids; each
    time those that are unique before those that repeat, and only between the pairs found so far. Takes time
    proportional to the size of the messages, whatever is in them.
    """
    pairs: list[Pair] = [(-1, -1), (len(before), len(after))]
    for name in (_line, _without_set_id, _id_and_set_id, _id):
        key: Key = partial(name, separator)
        for repeating in (False, True):
            found = [pair for gap in pairwise(pairs) for pair in _within(before, after, gap, key, repeating)]
            pairs = sorted([*pairs, *found])
    return pairs[1:-1]


def _line(_: str, line: str) -> Hashable:
    return line


def _without_set_id(separator: str, line: str) -> Hashable:
    name, number, rest = _split(line, separator)
    return (name, rest) if number.isdigit() and rest else line


def _id_and_set_id(separator: str, line: str) -> Hashable:
    _, number, _ = _split(line, separator)
    return (segment_name(line, separator), number if number.isdigit() else "")


def _id(separator: str, line: str) -> Hashable:
    return segment_name(line, separator)


def _split(line: str, separator: str) -> tuple[str, str, str]:
    name, _, rest = line.partition(separator)
    number, _, rest = rest.partition(separator)
    return name, number, rest


def _within(
    before: Sequence[str], after: Sequence[str], gap: tuple[Pair, Pair], key: Key, repeating: bool
) -> Iterator[Pair]:
    """The pairs between two pairs."""
    (first, other), (last, other_last) = gap
    if last - first == 1 or other_last - other == 1:
        return
    old = _by_key(before, range(first + 1, last), key)
    new = _by_key(after, range(other + 1, other_last), key)
    candidates = [
        pair
        for name, places in old.items()
        if name in new and (repeating or len(places) == len(new[name]) == 1)
        for pair in zip(places, new[name], strict=False)
    ]
    yield from _ascending(sorted(candidates))


def _by_key(lines: Sequence[str], places: range, key: Key) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = defaultdict(list)
    for place in places:
        found[key(lines[place])].append(place)
    return found


def _ascending(pairs: Sequence[Pair]) -> list[Pair]:
    """The most pairs whose second numbers ascend as their first ones do."""
    tails: list[int] = []
    last: list[int] = []
    earlier: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(tails, place)
        earlier.append(last[length - 1] if length else -1)
        tails[length : length + 1] = [place]
        last[length : length + 1] = [number]
    chosen = []
    number = last[-1] if last else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = earlier[number]
    return chosen[::-1]
