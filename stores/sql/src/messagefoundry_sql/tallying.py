"""How many messages have each disposition, asked again and again, without counting all of history each time.

Messages are counted in blocks of neighbouring ids. A block is counted again only when an event has come since that
belongs to one of its messages: every change of a disposition leaves one, and a new message is in the last block. This
costs writers nothing, where an index of dispositions would cost two changes for each message.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any

from messagefoundry_sql import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Executable

BLOCK_MESSAGES = 20_000
OVERLAP = 2_000_000
"""Ids, which are microseconds: how much later than a higher id a lower one may be committed, within a split batch."""

EVENTS_AT_ONCE = 5_000
RECOUNT_SECONDS = 3600.0
"""Everything is counted anew so often, whatever has happened."""

Counts = Counter[tuple[str | None, bool]]


class Tally:
    """The counts of one reader. `ask` gives the rows of a query."""

    def __init__(self, ask: Callable[[Executable], Sequence[Any]]) -> None:
        self._ask = ask
        self._fresh_until = 0.0
        self._forget()

    def dispositions(self) -> dict[str, int]:
        """As `StoreReader.dispositions`."""
        if time.monotonic() > self._fresh_until:
            self._forget()
        newest = int(self._ask(queries.newest_event())[0][0] or 0)
        for place in self._changed():
            self._blocks[place] = self._counted(self._ends[place - 1] if place else None, self._ends[place])
        self._seen = newest
        self._close_blocks()
        total = self._counted(self._ends[-1] if self._ends else None, None)
        for block in self._blocks:
            total.update(block)
        return _by_name(total)

    def _forget(self) -> None:
        self._ends: list[int] = []
        self._blocks: list[Counts] = []
        self._seen = 0
        self._fresh_until = time.monotonic() + RECOUNT_SECONDS

    def _changed(self) -> set[int]:
        """Which blocks have messages that something has happened to since."""
        if not self._ends:
            return set()
        places: set[int] = set()
        after, full = self._seen - OVERLAP, True
        while full:  # so many at a time: since the last look there may have been millions
            touched = self._ask(queries.touched_since(after, EVENTS_AT_ONCE))
            places.update(bisect_left(self._ends, message_id) for _, message_id in touched)
            full = len(touched) == EVENTS_AT_ONCE
            after = touched[-1][0] if full else after
        return places - {len(self._ends)}

    def _close_blocks(self) -> None:
        """Make a block of each full number of messages behind the last."""
        while True:
            after = self._ends[-1] if self._ends else None
            found = self._ask(queries.nth_message(after, BLOCK_MESSAGES))
            if not found:
                return
            end = int(found[0][0])
            self._blocks.append(self._counted(after, end))
            self._ends.append(end)

    def _counted(self, after: int | None, until: int | None) -> Counts:
        rows = self._ask(queries.dispositions(after, until))
        return Counter({(disposition, bool(refused)): count for disposition, refused, count in rows})


def _by_name(total: Counts) -> dict[str, int]:
    """NULL stands for all messages; those that have no other disposition are PROCESSED."""
    every = total.pop((None, False), 0)
    named: Counter[str] = Counter()
    for (disposition, refused), count in total.items():
        named["REFUSED" if refused else str(disposition)] += count
    if processed := every - named.total():
        named["PROCESSED"] = processed
    return {name: count for name, count in named.items() if count}
