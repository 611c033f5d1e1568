"""An operator takes a message's work out of the way. It stays replayable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry_sql import trail
from messagefoundry_sql.statements import NOT_ROUTED_YET

if TYPE_CHECKING:
    from messagefoundry.contracts.units import DeadLetter, Mint
    from messagefoundry_sql.batch import Batch

_WAITING = "SELECT id, message_id, inbound, lane FROM work WHERE message_id = ? AND state = 'waiting' ORDER BY id"
_RECEIVED = f"SELECT id, inbound FROM message WHERE id = ? AND {NOT_ROUTED_YET}"
_KILL = "UPDATE work SET state = 'dead', error = ?, changed_at = ? WHERE id = ? AND state = 'waiting'"
_STOP_ROUTING = "UPDATE message SET routing = 'UNROUTED', attempts = 0 WHERE id = ? AND routing IS NULL"


@dataclass(frozen=True, slots=True)
class Death:
    """Why and when rows die, and with which word on the trail."""

    word: str
    detail: str
    error: str
    at: int
    mint: Mint


def dead_letter(batch: Batch, unit: DeadLetter) -> None:
    """What waits of one message, in one lane or everywhere. A message in RECEIVED dies at ingress."""
    assert unit.minted is not None
    error = unit.reason or f"dead-lettered by {unit.actor}"
    death = Death(trail.DEAD_LETTER, trail.by(unit.actor, unit.reason), error, unit.at, unit.minted)
    for work_id, message_id, inbound, lane in batch.rows(_WAITING, unit.message_id):
        if not unit.to or lane == unit.to:
            kill_work(batch, death, work_id, message_id, lane or inbound)
            unit.work_ids.append(work_id)
            (unit.lanes if lane else unit.inbounds).add(lane or inbound)
    for message_id, inbound in [] if unit.to else batch.rows(_RECEIVED, unit.message_id):
        unit.work_ids.append(kill_received(batch, death, message_id, inbound))
        unit.inbounds.add(inbound)
    unit.count = len(unit.work_ids)


def kill_work(batch: Batch, death: Death, work_id: int, message_id: int, connection: str) -> None:
    """A waiting row dies where it is."""
    batch.run(_KILL, batch.seal_text(death.error, "error", work_id), death.at, work_id)
    batch.events += (death.mint(), message_id, death.at, death.word, connection, death.detail, None)
    batch.touched.add(message_id)


def kill_received(batch: Batch, death: Death, message_id: int, inbound: str) -> int:
    """A message that is not routed yet dies at ingress; the id of the dead row."""
    batch.run(_STOP_ROUTING, message_id)
    work_id = death.mint()
    batch.work += (work_id, message_id, inbound, "ingress", "", "", "dead", "")
    batch.work += (batch.seal_text(death.error, "error", work_id), False, death.at, 0)
    batch.events += (death.mint(), message_id, death.at, death.word, inbound, death.detail, None)
    batch.touched.add(message_id)
    return work_id
