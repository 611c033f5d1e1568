"""Lanes and flows read what waits for them, sources where they are. A read sees the units before it in its batch, and
none after it.

One body that cannot be read must not keep a lane or a flow from all others: its row is named and passed over.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.ciphers import UnreadableValue
from messagefoundry.contracts.units import ReadBookmark, RefillFlow, RefillLane, WaitingItem, WaitingMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry_sql.batch import Batch

_ITEM = "SELECT id, message_id, size, content_type, attempts, due, simulate FROM work"
_IN_LANE = "WHERE state = 'waiting' AND stage = 'outbound' AND lane = ?"
_BACKING_OFF = f"{_IN_LANE} AND attempts > 0"

_RECEIVED = """SELECT ingress_id, id, size, content_type, encoding, received_at, attempts, NULL, '',
    parent_id, depth FROM message
    WHERE routing IS NULL AND refusal IS NULL AND inbound = ? AND ingress_id > ? ORDER BY ingress_id """

_ROUTED = """SELECT work.id, message.id, message.size, message.content_type, message.encoding, message.received_at,
    message.attempts, work.id, work.handler, message.parent_id, message.depth
    FROM work JOIN message ON message.id = work.message_id
    WHERE work.state = 'waiting' AND work.stage = 'routed' AND work.inbound = ? AND work.id > ? ORDER BY work.id """


def refill_lane(batch: Batch, unit: RefillLane) -> None:
    """Fill in the next items of a lane."""
    rows = _unordered(batch, unit) if unit.unordered else _in_order(batch, unit)
    taken = _window(rows, unit.limit, unit.max_bytes)
    payloads = _bodies(batch, [row[0] for row in taken])
    depths = _depths(batch, [row[1] for row in taken]) if unit.depths else {}
    unit.items = [
        WaitingItem(
            key, message_id, payloads[key], content_type, attempts, due, bool(simulate), depths.get(message_id, 0)
        )
        for key, message_id, _, content_type, attempts, due, simulate in taken
        if key in payloads
    ]
    _name_unreadable(unit, [(row[0], row[1]) for row in taken if row[0] not in payloads])
    unit.last = max((row[0] for row in taken if not (unit.unordered and row[4])), default=unit.after)
    unit.complete = len(taken) == len(rows)
    unit.next_due = _next_due(batch, unit)


def refill_flow(batch: Batch, unit: RefillFlow) -> None:
    """Fill in the next messages of a flow: received ones, and Handlers to be run again, by their place in the flow."""
    limit, wanted = batch.dialect.limit, (unit.inbound, unit.after, unit.limit + 1)
    rows = sorted(batch.rows(_RECEIVED + limit, *wanted) + batch.rows(_ROUTED + limit, *wanted))
    taken = _window(rows, unit.limit, unit.max_bytes)
    raws = _bodies(batch, list({row[1] for row in taken}))
    unit.messages = [WaitingMessage(order, key, raws[key], *rest) for order, key, _, *rest in taken if key in raws]
    _name_unreadable(unit, [(row[7] or row[1], row[1]) for row in taken if row[1] not in raws])
    unit.last = taken[-1][0] if taken else unit.after
    unit.complete = len(taken) == len(rows)


def read_bookmark(batch: Batch, unit: ReadBookmark) -> None:
    """Fill in the bookmark of an inbound."""
    rows = batch.rows("SELECT value FROM bookmark WHERE inbound = ?", unit.inbound)
    unit.bookmark = rows[0][0] if rows else ""


def _name_unreadable(unit: RefillLane | RefillFlow, rows: Sequence[tuple[int, int]]) -> None:
    unit.unreadable = [key for key, _ in rows]
    unit.unreadable_messages = [message_id for _, message_id in rows]


def _in_order(batch: Batch, unit: RefillLane) -> list[Any]:
    query = f"{_ITEM} {_IN_LANE} AND id > ? ORDER BY id {batch.dialect.limit}"
    return batch.rows(query, unit.lane, unit.after, unit.limit + 1)


def _unordered(batch: Batch, unit: RefillLane) -> list[Any]:
    """Items never tried and items whose time has come, by when that was: an id tells when its row was queued."""
    free = f"AND NOT {batch.dialect.among('id')}"
    excluded, most = batch.dialect.listed(list(unit.exclude)), unit.limit + 1
    untried = f"{_ITEM} {_IN_LANE} AND attempts = 0 AND id > ? {free} ORDER BY id {batch.dialect.limit}"
    due = f"{_ITEM} {_BACKING_OFF} AND due <= ? {free} ORDER BY due, id {batch.dialect.limit}"
    rows = batch.rows(untried, unit.lane, unit.after, excluded, most)
    rows += batch.rows(due, unit.lane, unit.now, excluded, most)
    return sorted(rows, key=lambda row: (row[5] or row[0], row[0]))


def _next_due(batch: Batch, unit: RefillLane) -> int:
    query = f"SELECT due FROM work {_BACKING_OFF} AND due > ? AND NOT {batch.dialect.among('id')} ORDER BY due"
    excluded = batch.dialect.listed(list(unit.exclude))
    rows = batch.rows(f"{query} {batch.dialect.limit}", unit.lane, unit.now, excluded, 1)
    return int(rows[0][0]) if rows else 0


def _window(rows: list[Any], limit: int, max_bytes: int) -> list[Any]:
    """The first of `rows` that fit in a window, at least one if there is any; a row's third column is its size."""
    total = 0
    for index, row in enumerate(rows[:limit]):
        total += row[2]
        if index and total > max_bytes:
            return rows[:index]
    return rows[:limit]


def _depths(batch: Batch, message_ids: Sequence[int]) -> dict[int, int]:
    query = f"SELECT id, depth FROM message WHERE {batch.dialect.among('id')}"
    return dict(batch.rows(query, batch.dialect.listed(message_ids))) if message_ids else {}


def _bodies(batch: Batch, ids: Sequence[int]) -> dict[int, bytes]:
    """Those bodies that are there and can be opened."""
    found: dict[int, bytes] = {}
    for key, sealed in batch.rows(batch.sql.bodies, batch.dialect.listed(ids)) if ids else []:
        with suppress(UnreadableValue):
            found[key] = batch.cipher.open(sealed, "body", key)
    return found
