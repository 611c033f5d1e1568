"""Messages come in: received, refused, or begun again after an unclean stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.units import MarkAttempt, Receive, Refuse
    from messagefoundry_sql.batch import Batch

_REPEAT = "UPDATE message SET repeats = repeats + 1 WHERE inbound = ? AND digest = ? AND digest IS NOT NULL"

_REFUSE = """INSERT INTO message (id, ingress_id, inbound, received_at, content_type, encoding, control_id,
    message_type, peer, size, refusal, refused_condition, refused_reason, digest)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_MARK = """UPDATE message SET attempts = attempts + 1 WHERE id = ? AND refusal IS NULL AND (routing IS NULL OR EXISTS (
    SELECT 1 FROM work WHERE work.message_id = message.id AND work.state = 'waiting' AND work.stage = 'routed'))"""


def receive(batch: Batch, units: Sequence[Receive]) -> None:
    """New messages. Their "received" is read off the row itself: an event for each would cost a sixth of the commit."""
    seal, messages, bodies, bookmarks = batch.cipher.seal, batch.messages, batch.bodies, batch.bookmarks
    for unit in units:
        key = unit.id
        messages += (
            key,
            key,
            unit.inbound,
            unit.received_at,
            unit.content_type,
            unit.encoding,
            unit.control_id,
            unit.message_type,
            unit.peer,
            len(unit.raw),
            unit.parent_id,
        )
        bodies += (key, seal(unit.raw, "body", key))
        if unit.bookmark:
            bookmarks[unit.inbound] = unit.bookmark


def refuse(batch: Batch, unit: Refuse) -> None:
    """A refused message, or one more repeat of it."""
    if batch.changed(_REPEAT, unit.inbound, unit.digest):
        return
    key, seal = unit.id, batch.cipher.seal
    reason = batch.seal_text(unit.reason, "reason", key)
    row = (key, key, unit.inbound, unit.received_at, unit.content_type, unit.encoding, unit.control_id)
    refusal = (unit.code, unit.condition, reason, unit.digest)
    batch.run(_REFUSE, *row, unit.message_type, unit.peer, len(unit.raw), *refusal)
    batch.bodies += (key, seal(unit.raw, "body", key))
    batch.touched.add(key)


def mark_attempt(batch: Batch, unit: MarkAttempt) -> None:
    """One more run of a message that is not routed yet, or that has a `routed` row to be run again."""
    batch.expect(1, _MARK, unit.message_id)
    ((unit.attempts,),) = batch.rows("SELECT attempts FROM message WHERE id = ?", unit.message_id)
