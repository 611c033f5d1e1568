"""Messages come in, are handed off and settled: the units of every day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import StaleUnit
from messagefoundry.contracts.stores import ConnectionEvent
from messagefoundry.testing.memory.keeping import keep
from messagefoundry.testing.memory.tables import StoredEvent, StoredMessage, StoredWork

if TYPE_CHECKING:
    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import (
        HandOff,
        HoldConnection,
        MarkAttempt,
        MarkRunning,
        NoteConnection,
        NoteLateAnswer,
        Receive,
        Refuse,
        SettleDead,
        SettleDelivered,
        SettleRetry,
    )
    from messagefoundry.testing.memory.tables import Tables


def seal_text(cipher: Cipher, text: str, kind: str, identity: int) -> bytes:
    """Seal text of any characters: what UTF-8 cannot say, and an exception's text may hold, is escaped."""
    return cipher.seal(text.encode(errors="backslashreplace"), kind, identity)


def receive(tables: Tables, cipher: Cipher, unit: Receive) -> None:
    """A new message. Its "received" is read off the row."""
    tables.add_message(_message(unit), cipher.seal(unit.raw, "body", unit.id))
    if unit.bookmark:
        tables.bookmarks[unit.inbound] = unit.bookmark


def _message(unit: Receive | Refuse) -> StoredMessage:
    place = (unit.inbound, unit.received_at, unit.content_type, unit.encoding)
    row = (unit.id, unit.id, *place, unit.control_id, unit.message_type, unit.peer, len(unit.raw), unit.parent_id)
    return StoredMessage(*row, depth=getattr(unit, "depth", 0))


def refuse(tables: Tables, cipher: Cipher, unit: Refuse) -> None:
    """A refused message, or one more repeat of it."""
    for row in tables.messages.values():
        if row.digest == unit.digest and row.inbound == unit.inbound:
            tables.messages[row.id] = replace(row, repeats=row.repeats + 1)
            return
    reason = seal_text(cipher, unit.reason, "reason", unit.id)
    row = replace(_message(unit), refusal=unit.code, condition=unit.condition, reason=reason, digest=unit.digest)
    tables.add_message(row, cipher.seal(unit.raw, "body", unit.id))


def hand_off(tables: Tables, cipher: Cipher, unit: HandOff) -> None:
    """Every outcome of one message, or of one Handler that was run again."""
    message = tables.messages.get(unit.message_id)
    if unit.routed_id is None:
        if message is None or not message.unrouted:
            raise StaleUnit
        tables.messages[message.id] = replace(message, routing=unit.routing, attempts=0)
    else:
        _finish_routed(tables, unit, unit.routed_id)
    _add_work(tables, cipher, unit)
    for passed in unit.passed:
        receive(tables, cipher, passed)
    keep(tables, cipher, unit)
    word = "failed" if unit.failed else "routed" if unit.outgoing or unit.passed else unit.routing.lower()
    tables.add_event(StoredEvent(unit.id, unit.message_id, unit.at, word, unit.inbound, unit.detail))


def _finish_routed(tables: Tables, unit: HandOff, routed_id: int) -> None:
    """One Handler alone ran again: it may turn its message into PROCESSED, never back."""
    work = tables.work.get(routed_id)
    if work is None or (work.message_id, work.stage, work.state) != (unit.message_id, "routed", "waiting"):
        raise StaleUnit
    tables.work[routed_id] = replace(work, state="done", changed_at=unit.at, error=None)
    message = tables.messages[unit.message_id]
    if message.routing is not None:
        routing = "PROCESSED" if unit.routing == "PROCESSED" else message.routing
        tables.messages[message.id] = replace(message, routing=routing, attempts=0)


def _add_work(tables: Tables, cipher: Cipher, unit: HandOff) -> None:
    for out in unit.outgoing:
        place = (out.id, unit.message_id, unit.inbound, "outbound", out.lane, out.handler, "waiting", out.content_type)
        row = StoredWork(*place, unit.at, len(out.payload), out.simulate)
        tables.add_work(row, cipher.seal(out.payload, "body", out.id))
    for failed in unit.failed:
        place = (failed.id, unit.message_id, unit.inbound, failed.stage, "", failed.handler, "dead", "")
        tables.add_work(StoredWork(*place, unit.at, error=seal_text(cipher, failed.error, "error", failed.id)))


def deliver(tables: Tables, cipher: Cipher, unit: SettleDelivered) -> None:
    """An item is delivered, and its reply may be a message that comes in."""
    _settle(tables, cipher, unit, "delivered", "delivered")
    if unit.reingressed is not None:
        receive(tables, cipher, unit.reingressed)


def retry(tables: Tables, cipher: Cipher, unit: SettleRetry) -> None:
    """An item waits for another attempt."""
    _settle(tables, cipher, unit, "waiting", "retry")


def die(tables: Tables, cipher: Cipher, unit: SettleDead) -> None:
    """An item is not tried again by itself."""
    _settle(tables, cipher, unit, "dead", "dead")


def _settle(
    tables: Tables, cipher: Cipher, unit: SettleDelivered | SettleRetry | SettleDead, state: str, word: str
) -> None:
    work = tables.work.get(unit.work_id)
    if work is None or (work.message_id, work.state) != (unit.message_id, "waiting"):
        raise StaleUnit
    text, due = getattr(unit, "error", None), getattr(unit, "due", work.due)
    error = None if text is None else seal_text(cipher, text, "error", work.id)
    tables.work[work.id] = replace(work, state=state, attempts=unit.attempt, due=due, error=error, changed_at=unit.at)
    _tell(tables, cipher, unit, word)


def answer_late(tables: Tables, cipher: Cipher, unit: NoteLateAnswer) -> None:
    """An answer that changes nothing any more."""
    _tell(tables, cipher, unit, "answered late")


def _tell(
    tables: Tables, cipher: Cipher, unit: SettleDelivered | SettleRetry | SettleDead | NoteLateAnswer, word: str
) -> None:
    reply = None if unit.reply is None else cipher.seal(unit.reply, "reply", unit.id)
    tables.add_event(StoredEvent(unit.id, unit.message_id, unit.at, word, unit.lane, unit.detail, reply))


def mark_attempt(tables: Tables, cipher: Cipher, unit: MarkAttempt) -> None:
    """One more run of a message that is not routed yet, or that has a Handler to be run again."""
    message = tables.messages.get(unit.message_id)
    if message is None or message.refusal is not None:
        raise StaleUnit
    if not message.unrouted and not any(row.stage == "routed" for row in tables.work_of(message.id, "waiting")):
        raise StaleUnit
    unit.attempts = message.attempts + 1
    tables.messages[message.id] = replace(message, attempts=unit.attempts)


def note(tables: Tables, cipher: Cipher, unit: NoteConnection) -> None:
    """Something happened to a Connection."""
    tables.connection_events[unit.id] = ConnectionEvent(unit.id, unit.connection, unit.at, unit.kind, unit.detail)


def hold(tables: Tables, cipher: Cipher, unit: HoldConnection) -> None:
    """An operator's stop or start."""
    tables.held[unit.connection] = unit.held
    word = "held" if unit.held else "released"
    event = ConnectionEvent(unit.id, unit.connection, unit.at, word, f"by {unit.actor}")
    tables.connection_events[unit.id] = event


def mark_running(tables: Tables, cipher: Cipher, unit: MarkRunning) -> None:
    """The mark that a clean stop takes away."""
    unit.was_running, tables.running = tables.running, unit.running
