"""The order of the boxes in their columns: parts that belong together stay together, and links cross little.

Barycentre ordering: every column in turn is sorted by the mean place of what its boxes are linked to in the column
before or behind, over and over; then neighbours change places for as long as that saves a crossing. The order with the
fewest crossings wins.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

from messagefoundry.cli.graph_picture.untangle import untangled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.cli.graph_picture.boxes import Key, Links

Columns = list[list["Key"]]
ROUNDS = 24


def bands(columns: Sequence[Sequence[Key]], links: Links) -> list[Columns]:
    """The parts that hang together, each as columns in order; what is linked to nothing makes the last band."""
    near = neighbours(links)
    found: list[Columns] = []
    seen: set[Key] = set()
    for column in columns:
        for key in column:
            if key in near and key not in seen:
                band = _connected(key, near)
                seen.update(band)
                found.append(_ordered(columns, band, near))
    alone = [[key for key in column if key not in near] for column in columns]
    return [*found, alone] if any(alone) else found


def neighbours(links: Links) -> dict[Key, list[Key]]:
    """What each part is linked to, on either side."""
    near: dict[Key, list[Key]] = defaultdict(list)
    for source, target in links:
        near[source].append(target)
        near[target].append(source)
    return dict(near)


def crossings(columns: Columns, near: Mapping[Key, Sequence[Key]]) -> int:
    """How often links cross."""
    return sum(_between(left, right, near) for left, right in pairwise(columns))


def _between(left: Sequence[Key], right: Sequence[Key], near: Mapping[Key, Sequence[Key]]) -> int:
    place = {key: number for number, key in enumerate(right)}
    ends: list[int] = []
    found = 0
    for key in left:
        here = sorted(place[each] for each in near[key] if each in place)
        found += sum(len(ends) - bisect_right(ends, end) for end in here)
        for end in here:
            insort(ends, end)
    return found


def _connected(start: Key, near: Mapping[Key, Sequence[Key]]) -> list[Key]:
    """All that hangs together with `start`, the nearest first: a good order to begin with."""
    found = [start]
    seen = {start}
    for key in found:
        fresh = [each for each in near[key] if each not in seen]
        seen.update(fresh)
        found += fresh
    return found


def _ordered(columns: Sequence[Sequence[Key]], band: Sequence[Key], near: Mapping[Key, Sequence[Key]]) -> Columns:
    """The best order found for a band; that of the declarations where nothing is gained.

    Begun is with what was declared first, and with what is farthest from it: in a chain that begins in its middle both
    halves would lie on top of each other, which no sorting undoes.
    """
    members = set(band)
    declared = [[key for key in column if key in members] for column in columns]
    found = [(crossings(declared, near), declared)]
    for start in (band, _connected(band[-1], near)):
        found += _sorted([[key for key in start if key[0] == number] for number in range(len(columns))], near)
    return min(found, key=itemgetter(0))[1]


def _sorted(order: Columns, near: Mapping[Key, Sequence[Key]]) -> list[tuple[int, Columns]]:
    """What every round of sorting comes to, with the crossings that are left; without any there is no further round."""
    found: list[tuple[int, Columns]] = []
    while len(found) < ROUNDS and (not found or found[-1][0]):
        tidy = untangled(order, near)
        found.append((crossings(tidy, near), tidy))
        order = _swept(order, near)
    return found


def _swept(columns: Columns, near: Mapping[Key, Sequence[Key]]) -> Columns:
    """Sort every column by the one before it, from left to right, then by the one behind it, from right to left."""
    columns = list(columns)
    there = range(1, len(columns))
    back = range(len(columns) - 2, -1, -1)
    for number, beside in [*((each, each - 1) for each in there), *((each, each + 1) for each in back)]:
        place = {key: at for at, key in enumerate(columns[beside])}
        columns[number] = _by_barycentre(columns[number], place, near)
    return columns


def _by_barycentre(column: Sequence[Key], place: Mapping[Key, int], near: Mapping[Key, Sequence[Key]]) -> list[Key]:
    """A part without links to that side keeps to the one before it."""
    means: dict[Key, float] = {}
    last = -1.0
    for key in column:
        places = [place[each] for each in near[key] if each in place]
        means[key] = last = sum(places) / len(places) if places else last
    return sorted(column, key=means.__getitem__)
