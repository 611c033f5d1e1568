"""Router and Handlers have run: their outcome becomes work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry_sql import trail
from messagefoundry_sql.keeping import keep_meta, keep_states
from messagefoundry_sql.receiving import receive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.units import HandOff
    from messagefoundry_sql.batch import Batch

_FINISH_ROUTED = """UPDATE work SET state = 'done', changed_at = ?, error = NULL
    WHERE id = ? AND message_id = ? AND stage = 'routed' AND state = 'waiting'"""

_AFTER_ROUTED = """UPDATE message SET attempts = 0, routing = CASE ? WHEN 'PROCESSED' THEN 'PROCESSED' ELSE routing END
    WHERE id = ? AND routing IS NOT NULL"""


def hand_off(batch: Batch, units: Sequence[HandOff]) -> None:
    """Every outcome of each message: what its lanes get, what failed, and what it counts as in the end."""
    first: dict[str, list[int]] = {}
    for unit in units:
        if unit.routed_id is None:
            first.setdefault(unit.routing, []).append(unit.message_id)
        else:
            _run_again(batch, unit, unit.routed_id)
        _add_work(batch, unit)
        if unit.passed:
            receive(batch, unit.passed)
        if unit.states:
            keep_states(batch, unit.states, unit.at)
        if unit.meta:
            keep_meta(batch, unit.message_id, unit.meta)
        batch.events += (unit.id, unit.message_id, unit.at, _word(unit), unit.inbound, unit.detail, None)
        batch.touched.add(unit.message_id)
    for routing, ids in first.items():
        batch.expect(len(ids), batch.sql.hand_off, routing, batch.dialect.listed(ids))


def _run_again(batch: Batch, unit: HandOff, routed_id: int) -> None:
    """One Handler alone ran again. It may turn the message into PROCESSED, never back."""
    batch.expect(1, _FINISH_ROUTED, unit.at, routed_id, unit.message_id)
    batch.run(_AFTER_ROUTED, unit.routing, unit.message_id)


def _add_work(batch: Batch, unit: HandOff) -> None:
    seal, work, message_id, inbound, at = batch.cipher.seal, batch.work, unit.message_id, unit.inbound, unit.at
    for out in unit.outgoing:
        key, payload = out.id, out.payload
        work += (key, message_id, inbound, "outbound", out.lane, out.handler, "waiting", out.content_type)
        work += (None, out.simulate, at, len(payload))
        batch.bodies += (key, seal(payload, "body", key))
    for failed in unit.failed:
        key = failed.id
        work += (key, message_id, inbound, failed.stage, "", failed.handler, "dead", "")
        work += (batch.seal_text(failed.error, "error", key), False, at, 0)


def _word(unit: HandOff) -> str:
    if unit.failed:
        return trail.FAILED
    return trail.ROUTED if unit.outgoing or unit.passed else unit.routing.lower()
