"""Fewer crossings by changing the places of two boxes that stand next to each other."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.cli.graph_picture.boxes import Key

PASSES = 20


def untangled(columns: Sequence[Sequence[Key]], near: Mapping[Key, Sequence[Key]]) -> list[list[Key]]:
    """The columns after every change that saves a crossing."""
    tidy = [list(column) for column in columns]
    for _ in range(PASSES):
        if not any([_switched(column, _ends(number, tidy, near)) for number, column in enumerate(tidy)]):
            break
    return tidy


Ends = dict["Key", tuple[list[int], list[int]]]
"""The places of what a box is linked to in the column before, and in the one behind, in order."""


def _ends(number: int, columns: Sequence[Sequence[Key]], near: Mapping[Key, Sequence[Key]]) -> Ends:
    before, behind = (
        {key: place for place, key in enumerate(columns[beside])} if 0 <= beside < len(columns) else {}
        for beside in (number - 1, number + 1)
    )
    return {
        key: (
            sorted(before[each] for each in near[key] if each in before),
            sorted(behind[each] for each in near[key] if each in behind),
        )
        for key in columns[number]
    }


def _switched(column: list[Key], ends: Ends) -> bool:
    changed = False
    for place in range(len(column) - 1):
        upper, lower = column[place], column[place + 1]
        as_it_is = sum(_crossed(above, below) for above, below in zip(ends[upper], ends[lower], strict=True))
        changed_over = sum(_crossed(above, below) for above, below in zip(ends[lower], ends[upper], strict=True))
        if changed_over < as_it_is:
            column[place : place + 2] = [lower, upper]
            changed = True
    return changed


def _crossed(above: Sequence[int], below: Sequence[int]) -> int:
    """How often the links of a box cross those of the box below it."""
    return sum(bisect_left(below, end) for end in above)
