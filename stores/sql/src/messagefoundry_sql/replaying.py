"""Operators run messages and dead rows again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.ciphers import UnreadableValue
from messagefoundry_sql import trail

if TYPE_CHECKING:
    from messagefoundry.contracts.units import Replay, ReplayDead
    from messagefoundry_sql.batch import Batch

_REPLAYABLE = """SELECT id, inbound FROM message
    WHERE {ids} AND routing IS NOT NULL AND routing <> 'SPLIT' AND refusal IS NULL"""
_RECEIVE_AGAIN = "UPDATE message SET routing = NULL, attempts = 0, ingress_id = ? WHERE id = ? AND routing IS NOT NULL"
_WAITING = "SELECT id, lane FROM work WHERE message_id = ? AND state = 'waiting' ORDER BY id"
_SUPERSEDE_ALL = """UPDATE work SET state = 'replayed', changed_at = ?
    WHERE message_id = ? AND state IN ('waiting', 'dead')"""

_DEAD = """SELECT id, message_id, inbound, stage, lane, handler, content_type, simulate, size FROM work
    WHERE {ids} AND state = 'dead'"""
SUPERSEDE = "UPDATE work SET state = 'replayed', changed_at = ? WHERE id = ?"


def replay(batch: Batch, unit: Replay) -> None:
    """Messages join their flow's tail, in the order given.

    Refused ones were never accepted, and a batch is replayed by its members: both are passed over.
    """
    query = _REPLAYABLE.format(ids=batch.dialect.among("id"))
    inbounds = dict(batch.rows(query, batch.dialect.listed(unit.message_ids)))
    for message_id, new_id in zip(unit.message_ids, unit.ids, strict=True):
        inbound = inbounds.pop(message_id, None)
        if inbound is not None:
            batch.run(_RECEIVE_AGAIN, new_id, message_id)
            _supersede_all(batch, unit, message_id)
            batch.events += (new_id, message_id, unit.at, trail.REPLAY, inbound, trail.by(unit.actor), None)
            batch.touched.add(message_id)
            unit.inbounds.add(inbound)
            unit.count += 1


def _supersede_all(batch: Batch, unit: Replay, message_id: int) -> None:
    """What the message has waiting or dead makes way: its Handlers will queue today's outcome."""
    for work_id, lane in batch.rows(_WAITING, message_id):
        unit.work_ids.append(work_id)
        if lane:
            unit.lanes.add(lane)
    batch.run(_SUPERSEDE_ALL, unit.at, message_id)


def replay_dead(batch: Batch, unit: ReplayDead) -> None:
    """Dead rows join the tail of their lane or flow, in the order given."""
    query = _DEAD.format(ids=batch.dialect.among("id"))
    dead = {row[0]: row for row in batch.rows(query, batch.dialect.listed(unit.work_ids))}
    for work_id, new_id in zip(unit.work_ids, unit.ids, strict=True):
        row = dead.pop(work_id, None)
        if row is not None:
            batch.run(SUPERSEDE, unit.at, work_id)
            _AGAIN[row[3]](batch, unit, row, new_id)
            connection = row[4] or row[2]
            batch.events += (new_id, row[1], unit.at, trail.REPLAY, connection, trail.by(unit.actor), None)
            batch.touched.add(row[1])
            unit.count += 1


def _from_ingress(batch: Batch, unit: ReplayDead, row: Any, new_id: int) -> None:
    batch.run(_RECEIVE_AGAIN, new_id, row[1])
    unit.inbounds.add(row[2])


def _from_routed(batch: Batch, unit: ReplayDead, row: Any, new_id: int) -> None:
    _, message_id, inbound, _, _, handler, content_type, simulate, size = row
    batch.work += (new_id, message_id, inbound, "routed", "", handler, "waiting", content_type)
    batch.work += (None, simulate, unit.at, size)
    unit.inbounds.add(inbound)


def _from_outbound(batch: Batch, unit: ReplayDead, row: Any, new_id: int) -> None:
    _, message_id, inbound, _, lane, handler, content_type, simulate, size = row
    batch.work += (new_id, message_id, inbound, "outbound", lane, handler, "waiting", content_type)
    batch.work += (None, simulate, unit.at, size)
    copy_payload(batch, row[0], new_id)
    unit.lanes.add(lane)


def copy_payload(batch: Batch, old_id: int, new_id: int) -> None:
    """Give `new_id` the payload of `old_id`: opened and sealed again, for an envelope is bound to its row.

    Raises UnreadableValue when it is missing or cannot be opened.
    """
    rows = batch.rows("SELECT sealed FROM body WHERE id = ?", old_id)
    if not rows:
        raise UnreadableValue(f"body {old_id} is missing from the store")
    batch.bodies += (new_id, batch.cipher.seal(batch.cipher.open(rows[0][0], "body", old_id), "body", new_id))


_AGAIN = {"ingress": _from_ingress, "routed": _from_routed, "outbound": _from_outbound}
