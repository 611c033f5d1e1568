"""Messages come in: received, refused, or begun again after an unclean stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.contracts import units as kinds
from messagefoundry_sql import trail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.units import ForgetOnce, MarkAttempt, Receive, ReceiveBatch, ReceiveOnce, Refuse
    from messagefoundry_sql.batch import Batch

_SAME = "inbound = ? AND digest = ? AND digest IS NOT NULL"
_REPEAT = f"UPDATE message SET repeats = repeats + 1 WHERE {_SAME}"
_REFUSE = f"""INSERT INTO message (id, ingress_id, inbound, received_at, content_type, encoding, control_id,
    message_type, peer, size, refusal, refused_condition, refused_reason, digest, parent_id)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM message WHERE {_SAME})"""
_REFUSED_BODY = "INSERT INTO body (id, sealed) SELECT ?, ? WHERE EXISTS (SELECT 1 FROM message WHERE id = ?)"

_SPLIT = "UPDATE message SET routing = 'SPLIT' WHERE id = ?"

_FORGET = "DELETE FROM arrival WHERE id IN (SELECT id FROM arrival WHERE id < ? ORDER BY id {limit})"

_MARK = """UPDATE message SET attempts = attempts + 1 WHERE id = ? AND refusal IS NULL AND (routing IS NULL OR EXISTS (
    SELECT 1 FROM work WHERE work.message_id = message.id AND work.state = 'waiting' AND work.stage = 'routed'))"""


def receive(batch: Batch, units: Sequence[Receive]) -> None:
    """New messages. Their "received" is read off the row itself: an event for each would cost a sixth of the commit."""
    seal, messages, bodies = batch.cipher.seal, batch.messages, batch.bodies
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
            unit.depth,
        )
        bodies += (key, seal(unit.raw, "body", key))
        if unit.bookmark:
            _bookmark(batch, unit)


def _bookmark(batch: Batch, unit: Receive) -> None:
    """The one of the last message counts, whichever kind of unit is applied first."""
    before, _ = batch.bookmarks.get(unit.inbound, (0, ""))
    if unit.id > before:
        batch.bookmarks[unit.inbound] = (unit.id, unit.bookmark)


def receive_once(batch: Batch, units: Sequence[ReceiveOnce]) -> None:
    """New messages, and repeats of earlier ones: those become events of the first."""
    known = _arrived(batch, units)
    fresh = []
    for unit in units:
        unit.clear()
        before = [(key, digest) for key, digest in known.setdefault(unit.identity, []) if key >= unit.since]
        unit.repeat_of = next((key for key, digest in before if digest == unit.digest), None)
        if unit.repeat_of is None:
            unit.reused = bool(before)
            known[unit.identity].append((unit.id, unit.digest))
            batch.arrivals += (unit.id, unit.identity, unit.digest)
            fresh.append(unit)
        else:
            _repeat(batch, unit, unit.repeat_of)
    receive(batch, fresh)


def _arrived(batch: Batch, units: Sequence[ReceiveOnce]) -> dict[int, list[tuple[int, bytes]]]:
    """What came before with one of these identities, and is no ERROR: ids, ascending, and digests."""
    known: dict[int, list[tuple[int, bytes]]] = {}
    batch.flush()  # what the units before these added is looked up too
    identities = batch.dialect.listed([unit.identity for unit in units])
    for key, identity, digest in sorted(batch.rows(batch.sql.arrived, identities)):
        known.setdefault(identity, []).append((key, bytes(digest)))
    return known


def _repeat(batch: Batch, unit: ReceiveOnce, first_id: int) -> None:
    detail = f"from {unit.peer}" if unit.peer else ""
    batch.events += (unit.id, first_id, unit.received_at, trail.REPEATED, unit.inbound, detail, None)
    if unit.bookmark:
        _bookmark(batch, unit)


def forget_once(batch: Batch, unit: ForgetOnce) -> None:
    """What told repeats of old messages goes, the oldest first."""
    unit.count = batch.changed(_FORGET.format(limit=batch.dialect.limit), unit.before, unit.limit)


def receive_batch(batch: Batch, unit: ReceiveBatch) -> None:
    """A batch and its members; the batch itself is never routed."""
    whole, members = unit.batch, unit.members
    receive(batch, [whole])
    batch.flush()
    batch.run(_SPLIT, whole.id)
    batch.touched.add(whole.id)
    if once := [member for member in members if isinstance(member, kinds.ReceiveOnce)]:
        receive_once(batch, once)
    receive(batch, [member for member in members if type(member) is kinds.Receive])
    for member in members:
        if isinstance(member, kinds.Refuse):
            refuse(batch, member)
    repeats = sum(isinstance(member, kinds.ReceiveOnce) and member.repeat_of is not None for member in members)
    count = f"{len(members)} message{'' if len(members) == 1 else 's'}"
    detail = f"{count}, {repeats} of them repeats" if repeats else count
    batch.events += (unit.id, whole.id, whole.received_at, trail.SPLIT, whole.inbound, detail, None)


def refuse(batch: Batch, unit: Refuse) -> None:
    """A refused message, or one more repeat of it: the database decides, for a batch may have thousands of them."""
    key, seal = unit.id, batch.cipher.seal
    batch.run(_REPEAT, unit.inbound, unit.digest)
    reason = batch.seal_text(unit.reason, "reason", key)
    row = (key, key, unit.inbound, unit.received_at, unit.content_type, unit.encoding, unit.control_id)
    refusal = (unit.code, unit.condition, reason, unit.digest, unit.parent_id)
    batch.run(_REFUSE, *row, unit.message_type, unit.peer, len(unit.raw), *refusal, unit.inbound, unit.digest)
    batch.run(_REFUSED_BODY, key, seal(unit.raw, "body", key), key)
    batch.touched.add(key)


def mark_attempt(batch: Batch, unit: MarkAttempt) -> None:
    """One more run of a message that is not routed yet, or that has a `routed` row to be run again."""
    batch.expect(1, _MARK, unit.message_id)
    ((unit.attempts,),) = batch.rows("SELECT attempts FROM message WHERE id = ?", unit.message_id)
