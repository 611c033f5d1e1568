"""Lanes and flows read what waits for them, sources where they are."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from messagefoundry.contracts.ciphers import UnreadableValue
from messagefoundry.contracts.units import ReadBookmark, RefillFlow, RefillLane, WaitingItem, WaitingMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.testing.memory.tables import StoredWork, Tables

T = TypeVar("T")


def read_bookmark(tables: Tables, cipher: Cipher, unit: ReadBookmark) -> None:
    """Where the source of an inbound is."""
    unit.bookmark = tables.bookmarks.get(unit.inbound, "")


def refill_lane(tables: Tables, cipher: Cipher, unit: RefillLane) -> None:
    """The next items of a lane."""
    waiting = [row for row in tables.waiting("outbound") if row.lane == unit.lane]
    rows = _unordered(waiting, unit) if unit.unordered else [row for row in waiting if row.id > unit.after]
    taken = _window(rows, [row.size for row in rows], unit.limit, unit.max_bytes)
    payloads = _bodies(tables, cipher, [row.id for row in taken])
    unit.items = [
        WaitingItem(
            row.id,
            row.message_id,
            payloads[row.id],
            row.content_type,
            row.attempts,
            row.due,
            row.simulate,
            tables.messages[row.message_id].depth if unit.depths else 0,
        )
        for row in taken
        if row.id in payloads
    ]
    unreadable = [row for row in taken if row.id not in payloads]
    unit.unreadable = [row.id for row in unreadable]
    unit.unreadable_messages = [row.message_id for row in unreadable]
    unit.last = max((row.id for row in taken if not (unit.unordered and row.attempts)), default=unit.after)
    unit.complete = len(taken) == len(rows)
    later = [row.due for row in waiting if row.attempts and row.due > unit.now and row.id not in unit.exclude]
    unit.next_due = min(later, default=0)


def _unordered(waiting: Sequence[StoredWork], unit: RefillLane) -> list[StoredWork]:
    """Never tried, or due again, by when that was; an id tells when its row was queued."""
    free = [row for row in waiting if row.id not in unit.exclude]
    ready = [row for row in free if (row.due <= unit.now if row.attempts else row.id > unit.after)]
    return sorted(ready, key=lambda row: (row.due or row.id, row.id))


def refill_flow(tables: Tables, cipher: Cipher, unit: RefillFlow) -> None:
    """The next messages of a flow, and Handlers to be run again, by their place in it."""
    received = [(row.order, row, None) for row in tables.unrouted(unit.inbound)]
    routed = [(row.id, tables.messages[row.message_id], row) for row in tables.waiting("routed")]
    mine = [entry for entry in routed if entry[2].inbound == unit.inbound]
    rows = sorted((entry for entry in [*received, *mine] if entry[0] > unit.after), key=lambda entry: entry[0])
    taken = _window(rows, [message.size for _, message, _ in rows], unit.limit, unit.max_bytes)
    raws = _bodies(tables, cipher, [message.id for _, message, _ in taken])
    unit.messages = [
        WaitingMessage(
            order,
            message.id,
            raws[message.id],
            message.content_type,
            message.encoding,
            message.received_at,
            message.attempts,
            None if work is None else work.id,
            "" if work is None else work.handler,
            message.parent_id,
            message.depth,
        )
        for order, message, work in taken
        if message.id in raws
    ]
    unreadable = [(message.id, work) for _, message, work in taken if message.id not in raws]
    unit.unreadable = [key if work is None else work.id for key, work in unreadable]
    unit.unreadable_messages = [key for key, _ in unreadable]
    unit.last = taken[-1][0] if taken else unit.after
    unit.complete = len(taken) == len(rows)


def _bodies(tables: Tables, cipher: Cipher, ids: Sequence[int]) -> dict[int, bytes]:
    """Those bodies that are there and can be opened."""
    found: dict[int, bytes] = {}
    for key in ids:
        with suppress(KeyError, UnreadableValue):
            found[key] = cipher.open(tables.bodies[key], "body", key)
    return found


def _window(rows: Sequence[T], sizes: Sequence[int], limit: int, max_bytes: int) -> Sequence[T]:
    """The first rows that fit, at least one if there is any."""
    total = 0
    for index, size in enumerate(sizes[:limit]):
        total += size
        if index and total > max_bytes:
            return rows[:index]
    return rows[:limit]
