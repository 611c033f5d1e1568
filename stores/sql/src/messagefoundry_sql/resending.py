"""Operators send a stored payload again, as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry_sql import trail
from messagefoundry_sql.replaying import SUPERSEDE, copy_payload

if TYPE_CHECKING:
    from messagefoundry.contracts.units import Mint, Resend
    from messagefoundry_sql.batch import Batch

_PAYLOADS = """SELECT id, inbound, lane, handler, state, content_type, size, simulate FROM work
    WHERE message_id = ? AND stage = 'outbound' ORDER BY id"""


def resend(batch: Batch, unit: Resend) -> None:
    """Queue again what each message last had for its lanes.

    A lane in which the message waits already gets nothing more. A dead row whose payload is queued again for its own
    lane is superseded: replaying it too would send twice.
    """
    mint = unit.minted
    assert mint is not None
    for message_id in dict.fromkeys(unit.message_ids):
        rows = batch.rows(_PAYLOADS, message_id)
        for lane, row in _chosen(rows, unit.to).items():
            _queue(batch, unit, message_id, lane, row, mint)


def _chosen(rows: list[Any], to: str) -> dict[str, Any]:
    """The newest row for each lane that is to get one."""
    newest = {row[2]: row for row in rows}
    waiting = {row[2] for row in rows if row[4] == "waiting"}
    if to and rows:
        newest = {to: newest.get(to, rows[-1])}
    return {lane: row for lane, row in newest.items() if lane not in waiting}


def _queue(batch: Batch, unit: Resend, message_id: int, lane: str, row: Any, mint: Mint) -> None:
    old_id, inbound, old_lane, handler, state, content_type, size, simulated = row
    simulate = bool(simulated) if unit.simulated is None else lane in unit.simulated
    new_id = mint()
    batch.work += (new_id, message_id, inbound, "outbound", lane, handler, "waiting", content_type)
    batch.work += (None, simulate, unit.at, size)
    copy_payload(batch, old_id, new_id)
    batch.events += (new_id, message_id, unit.at, trail.RESEND, lane, trail.by(unit.actor), None)
    if state == "dead" and lane == old_lane:
        batch.run(SUPERSEDE, unit.at, old_id)
    batch.touched.add(message_id)
    unit.lanes.add(lane)
    unit.count += 1
