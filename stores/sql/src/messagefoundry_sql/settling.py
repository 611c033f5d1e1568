"""Lanes report what became of an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry_sql import trail
from messagefoundry_sql.receiving import receive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.units import NoteLateAnswer, SettleDead, SettleDelivered, SettleRetry
    from messagefoundry_sql.batch import Batch

_RETRY = """UPDATE work SET attempts = ?, due = ?, error = ?, changed_at = ?
    WHERE id = ? AND message_id = ? AND state = 'waiting'"""

_DIE = """UPDATE work SET state = 'dead', attempts = ?, error = ?, changed_at = ?
    WHERE id = ? AND message_id = ? AND state = 'waiting'"""


def deliver(batch: Batch, units: Sequence[SettleDelivered]) -> None:
    """Delivered items: one statement for all that needed the same number of attempts, which is most often one."""
    tried: dict[int, list[int]] = {}
    for unit in units:
        tried.setdefault(unit.attempt, []).append(unit.work_id)
        _note(batch, unit, trail.DELIVERED)
        batch.touched.add(unit.message_id)
        if unit.reingressed is not None:
            receive(batch, [unit.reingressed])
    at = units[-1].at
    for attempt, ids in tried.items():
        batch.expect(len(ids), batch.sql.deliver, attempt, at, batch.dialect.listed(ids))


def retry(batch: Batch, units: Sequence[SettleRetry]) -> None:
    """Items that wait for another attempt. Their messages' dispositions stay as they are."""
    for unit in units:
        error = batch.seal_text(unit.error, "error", unit.work_id)
        batch.expect(1, _RETRY, unit.attempt, unit.due, error, unit.at, unit.work_id, unit.message_id)
        _note(batch, unit, trail.RETRY)


def die(batch: Batch, units: Sequence[SettleDead]) -> None:
    """Items that are not tried again by themselves."""
    for unit in units:
        error = batch.seal_text(unit.error, "error", unit.work_id)
        batch.expect(1, _DIE, unit.attempt, error, unit.at, unit.work_id, unit.message_id)
        _note(batch, unit, trail.DEAD)
        batch.touched.add(unit.message_id)


def answer_late(batch: Batch, units: Sequence[NoteLateAnswer]) -> None:
    """Answers that change nothing any more."""
    for unit in units:
        _note(batch, unit, trail.LATE)


def _note(batch: Batch, unit: SettleDelivered | SettleRetry | SettleDead | NoteLateAnswer, word: str) -> None:
    reply = unit.reply
    sealed = None if reply is None else batch.cipher.seal(reply, "reply", unit.id)
    batch.events += (unit.id, unit.message_id, unit.at, word, unit.lane, unit.detail, sealed)
