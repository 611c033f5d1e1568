"""Operators and reloads: replay, resend, dead-letter, and the sweep of what the graph no longer has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from messagefoundry.testing.memory.happening import seal_text
from messagefoundry.testing.memory.tables import StoredEvent, StoredMessage, StoredWork

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import DeadLetter, Mint, Replay, ReplayDead, Resend, SweepRemoved
    from messagefoundry.testing.memory.tables import Tables


def replay(tables: Tables, cipher: Cipher, unit: Replay) -> None:
    """Messages join their flow's tail; what they have dead or waiting is superseded."""
    for message_id, new_id in zip(unit.message_ids, unit.ids, strict=True):
        message = tables.messages.get(message_id)
        if message is not None and message.routing not in (None, "SPLIT"):
            _receive_again(tables, message, new_id)
            waiting = tables.work_of(message_id, "waiting")
            unit.work_ids += [row.id for row in waiting]
            unit.lanes |= {row.lane for row in waiting if row.lane}
            for row in tables.work_of(message_id, "waiting", "dead"):
                tables.work[row.id] = replace(row, state="replayed", changed_at=unit.at)
            _note(tables, new_id, message_id, unit.at, "replay", message.inbound, f"by {unit.actor}")
            unit.inbounds.add(message.inbound)
            unit.count += 1


def _receive_again(tables: Tables, message: StoredMessage, new_id: int) -> None:
    if message.routing is not None:
        tables.messages[message.id] = replace(message, routing=None, attempts=0, order=new_id)


def replay_dead(tables: Tables, cipher: Cipher, unit: ReplayDead) -> None:
    """Dead rows go back to the stage where they died, at the tail."""
    for work_id, new_id in zip(unit.work_ids, unit.ids, strict=True):
        row = tables.work.get(work_id)
        if row is not None and row.state == "dead":
            tables.work[work_id] = replace(row, state="replayed", changed_at=unit.at)
            if row.stage == "ingress":
                _receive_again(tables, tables.messages[row.message_id], new_id)
            else:
                _queue_again(tables, cipher, row, new_id, row.lane, unit.at, simulate=row.simulate)
            (unit.lanes if row.lane else unit.inbounds).add(row.lane or row.inbound)
            _note(tables, new_id, row.message_id, unit.at, "replay", row.lane or row.inbound, f"by {unit.actor}")
            unit.count += 1


def _queue_again(
    tables: Tables, cipher: Cipher, old: StoredWork, new_id: int, lane: str, at: int, *, simulate: bool
) -> None:
    """A new waiting row like `old`. Its payload is sealed anew: an envelope belongs to its row."""
    row = replace(old, id=new_id, lane=lane, state="waiting", attempts=0, due=0, error=None, changed_at=at)
    sealed = tables.bodies.get(old.id)
    body = None if sealed is None else cipher.seal(cipher.open(sealed, "body", old.id), "body", new_id)
    tables.add_work(replace(row, simulate=simulate), body)


def resend(tables: Tables, cipher: Cipher, unit: Resend) -> None:
    """The newest payload of each lane is queued again, where nothing of the message waits."""
    assert unit.minted is not None
    for message_id in dict.fromkeys(unit.message_ids):
        rows = [row for row in tables.work_of(message_id) if row.stage == "outbound"]
        for lane, row in _newest(rows, unit.to).items():
            new_id = unit.minted()
            simulate = row.simulate if unit.simulated is None else lane in unit.simulated
            _queue_again(tables, cipher, row, new_id, lane, unit.at, simulate=simulate)
            if row.state == "dead" and row.lane == lane:
                tables.work[row.id] = replace(row, state="replayed", changed_at=unit.at)
            _note(tables, new_id, message_id, unit.at, "resend", lane, f"by {unit.actor}")
            unit.lanes.add(lane)
            unit.count += 1


def _newest(rows: Sequence[StoredWork], to: str) -> dict[str, StoredWork]:
    newest = {row.lane: row for row in rows}
    if to and rows:
        newest = {to: newest.get(to, rows[-1])}
    waiting = {row.lane for row in rows if row.state == "waiting"}
    return {lane: row for lane, row in newest.items() if lane not in waiting}


@dataclass(frozen=True, slots=True)
class Death:
    """Why rows die, when, and with which word and detail on the trail."""

    word: str
    detail: str
    error: str
    at: int
    mint: Mint


def dead_letter(tables: Tables, cipher: Cipher, unit: DeadLetter) -> None:
    """What waits of one message dies, in one lane or everywhere."""
    assert unit.minted is not None
    death = Death("dead-letter", f"by {unit.actor}: {unit.reason}", unit.reason, unit.at, unit.minted)
    for row in tables.work_of(unit.message_id, "waiting"):
        if not unit.to or row.lane == unit.to:
            _kill(tables, cipher, row, death)
            unit.work_ids.append(row.id)
            (unit.lanes if row.lane else unit.inbounds).add(row.lane or row.inbound)
    message = tables.messages.get(unit.message_id)
    if message is not None and message.unrouted and not unit.to:
        unit.work_ids.append(_kill_received(tables, cipher, message, death))
        unit.inbounds.add(message.inbound)
    unit.count = len(unit.work_ids)


def _kill(tables: Tables, cipher: Cipher, row: StoredWork, death: Death) -> None:
    error = seal_text(cipher, death.error, "error", row.id)
    tables.work[row.id] = replace(row, state="dead", error=error, changed_at=death.at)
    _note(tables, death.mint(), row.message_id, death.at, death.word, row.lane or row.inbound, death.detail)


def _kill_received(tables: Tables, cipher: Cipher, message: StoredMessage, death: Death) -> int:
    tables.messages[message.id] = replace(message, routing="UNROUTED", attempts=0)
    key = death.mint()
    error = seal_text(cipher, death.error, "error", key)
    place = (key, message.id, message.inbound, "ingress", "", "", "dead", "")
    tables.add_work(StoredWork(*place, death.at, error=error))
    _note(tables, death.mint(), message.id, death.at, death.word, message.inbound, death.detail)
    return key


def removed(
    tables: Tables, inbounds: Sequence[str], lanes: Sequence[str], handlers: Sequence[str]
) -> Iterator[tuple[StoredMessage | StoredWork, str]]:
    """What waits at a place that is not among those named, each with the reason."""
    for row in tables.waiting("outbound"):
        if row.lane not in lanes:
            yield row, f"outbound {row.lane} is no longer in the configuration"
    for row in tables.waiting("routed"):
        if row.inbound not in inbounds or row.handler not in handlers:
            gone = f"inbound {row.inbound}" if row.inbound not in inbounds else f"handler {row.handler}"
            yield row, f"{gone} is no longer in the configuration"
    for message in tables.unrouted():
        if message.inbound not in inbounds:
            yield message, f"inbound {message.inbound} is no longer in the configuration"


def sweep_removed(tables: Tables, cipher: Cipher, unit: SweepRemoved) -> None:
    """At most `limit` rows that have no place any more die."""
    assert unit.minted is not None
    for row, reason in list(removed(tables, unit.inbounds, unit.lanes, unit.handlers))[: unit.limit]:
        death = Death("removed", reason, reason, unit.at, unit.minted)
        if isinstance(row, StoredWork):
            _kill(tables, cipher, row, death)
        else:
            _kill_received(tables, cipher, row, death)
        unit.count += 1


def _note(tables: Tables, key: int, message_id: int, at: int, word: str, connection: str, detail: str) -> None:
    tables.add_event(StoredEvent(key, message_id, at, word, connection, detail))
