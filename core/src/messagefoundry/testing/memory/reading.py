"""The reading side of a store in memory: each look-up sees the tables of one commit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from messagefoundry.contracts.stores import (
    Backlog,
    ConnectionEvent,
    DeadQuery,
    KeptReference,
    MessageQuery,
    MessageRow,
    TrailEvent,
    WorkRow,
)
from messagefoundry.testing.memory.keeping import open_state, state_digest
from messagefoundry.testing.memory.repeating import removed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.testing.memory.tables import StoredMessage, StoredWork, Tables


class MemoryReader:
    """A `StoreReader`. `tables` gives those of the newest commit."""

    def __init__(self, tables: Callable[[], Tables], cipher: Cipher) -> None:
        self._tables = tables
        self._cipher = cipher

    def messages(self, query: MessageQuery) -> list[MessageRow]:
        """Messages, newest first (oldest first with `after`)."""
        return sorted(self._selected(query), key=lambda row: row.id, reverse=not query.after)[: query.limit]

    def count_messages(self, query: MessageQuery) -> int:
        """How many messages `query` selects, whatever its limit."""
        return sum(1 for _ in self._selected(query))

    def _selected(self, query: MessageQuery) -> Iterator[MessageRow]:
        tables = self._tables()
        for message in tables.messages.values():
            row = _message(tables, message)
            if _wanted(row, query):
                yield row

    def message(self, message_id: int) -> MessageRow | None:
        """One message."""
        tables = self._tables()
        message = tables.messages.get(message_id)
        return None if message is None else _message(tables, message)

    def work(self, message_id: int) -> list[WorkRow]:
        """All work of a message, by id."""
        tables = self._tables()
        return [self._work(tables, row) for row in tables.work_of(message_id)]

    def trail(self, message_id: int) -> list[TrailEvent]:
        """A message's trail, by id. It begins with its receipt, or with its refusal and the reason for it."""
        tables = self._tables()
        begun = [self._arrival(row) for row in (tables.messages.get(message_id),) if row is not None]
        events = [row for _, row in sorted(tables.events.items()) if row.message_id == message_id]
        return begun + [
            TrailEvent(row.id, row.message_id, row.at, row.kind, row.connection, row.detail, row.reply is not None)
            for row in events
        ]

    def _arrival(self, row: StoredMessage) -> TrailEvent:
        place = (row.id, row.id, row.received_at)
        if row.refusal is None:
            return TrailEvent(*place, "received", row.inbound, f"from {row.peer}" if row.peer else "", False)
        reason = self._text(row.reason, "reason", row.id)
        detail = " ".join(part for part in (row.refusal, row.condition, reason) if part)
        return TrailEvent(*place, "refused", row.inbound, detail, False)

    def body(self, row_id: int) -> bytes | None:
        """The raw bytes of a message, or the payload of a piece of work."""
        sealed = self._tables().bodies.get(row_id)
        return None if sealed is None else self._cipher.open(sealed, "body", row_id)

    def reply(self, message_id: int, event_id: int) -> bytes | None:
        """The reply kept with an event of a trail."""
        event = self._tables().events.get(event_id)
        if event is None or event.message_id != message_id or event.reply is None:
            return None
        return self._cipher.open(event.reply, "reply", event_id)

    def last_reply(self, message_id: int, lane: str, before: int) -> bytes | None:
        """The newest reply with which a lane delivered a message, of an event with an id below `before`."""
        found = [
            event
            for event in self._tables().events.values()
            if (event.message_id, event.connection, event.kind) == (message_id, lane, "delivered")
            and event.id < before
            and event.reply is not None
        ]
        return self.reply(message_id, max(event.id for event in found)) if found else None

    def state(self, namespace: str, key: str) -> str | None:
        """A value of transform state as JSON text; None when there is none."""
        row = self._tables().states.get(state_digest(namespace, key))
        return None if row is None else open_state(self._cipher, row)

    def reference(self, name: str) -> KeptReference | None:
        """The last snapshot of a reference set; None when it was never synced."""
        row = self._tables().references.get(name)
        if row is None:
            return None
        return KeptReference(self._cipher.open(row.sealed, "reference", row.id), row.synced_at)

    def dead_letters(self, query: DeadQuery) -> list[WorkRow]:
        """Dead rows, oldest first."""
        return sorted(self._dead(query), key=lambda row: row.id)[: query.limit]

    def count_dead(self, query: DeadQuery) -> int:
        """How many dead rows `query` selects, whatever its limit."""
        return sum(1 for _ in self._dead(query))

    def _dead(self, query: DeadQuery) -> Iterator[WorkRow]:
        tables = self._tables()
        rows = (self._work(tables, row) for row in tables.work.values() if row.state == "dead")
        return (row for row in rows if _wanted_dead(row, query))

    def head(self, lane: str) -> WorkRow | None:
        """The first waiting item of a lane."""
        tables = self._tables()
        return next((self._work(tables, row) for row in tables.waiting("outbound") if row.lane == lane), None)

    def backlogs(self) -> list[Backlog]:
        """What waits, per stage and Connection."""
        tables = self._tables()
        found = [
            *_backlogs("outbound", ((row.lane, row.id) for row in tables.waiting("outbound"))),
            *_backlogs("routed", ((row.inbound, row.id) for row in tables.waiting("routed"))),
            *_backlogs("ingress", ((row.inbound, row.order) for row in tables.unrouted())),
        ]
        return list(found)

    def dispositions(self) -> dict[str, int]:
        """How many messages have each disposition; refused ones count as "REFUSED"."""
        tables = self._tables()
        return dict(
            Counter(
                "REFUSED" if row.refusal is not None else tables.disposition(row) for row in tables.messages.values()
            )
        )

    def held(self) -> set[str]:
        """Connections that an operator stopped."""
        return {name for name, held in self._tables().held.items() if held}

    def connection_events(self, connection: str, limit: int) -> list[ConnectionEvent]:
        """The newest events of a Connection, oldest of them first."""
        rows = [row for _, row in sorted(self._tables().connection_events.items()) if row.connection == connection]
        return rows[-limit:]

    def removed(self, inbounds: Sequence[str], lanes: Sequence[str], handlers: Sequence[str]) -> int:
        """How many rows `SweepRemoved` would dead-letter."""
        return sum(1 for _ in removed(self._tables(), inbounds, lanes, handlers))

    def integrity(self) -> list[str]:
        """Nothing can be damaged."""
        return []

    def close(self) -> None:
        """Nothing is open."""

    def _text(self, sealed: bytes | None, kind: str, identity: int) -> str:
        return "" if sealed is None else self._cipher.open(sealed, kind, identity).decode()

    def _work(self, tables: Tables, row: StoredWork) -> WorkRow:
        message = tables.messages[row.message_id]
        place = (row.id, row.message_id, row.inbound, row.stage, row.lane, row.handler, row.state)
        error = self._text(row.error, "error", row.id)
        how = (row.attempts, row.due, error, row.simulate, row.changed_at, row.size)
        return WorkRow(*place, *how, message.control_id, message.message_type)


def _message(tables: Tables, row: StoredMessage) -> MessageRow:
    return MessageRow(
        row.id,
        row.inbound,
        row.received_at,
        row.content_type,
        row.encoding,
        row.control_id,
        row.message_type,
        row.peer,
        tables.disposition(row),
        bool(tables.work_of(row.id, "dead")),
        row.size,
        row.parent_id,
        "" if row.refusal is None else row.refusal or "refused",
        row.condition,
        row.repeats,
        row.depth,
        {name: value for (message_id, name), value in tables.meta.items() if message_id == row.id},
    )


def _wanted(row: MessageRow, query: MessageQuery) -> bool:
    refused = query.disposition == "REFUSED"
    return (
        query.inbound in ("", row.inbound)
        and (bool(row.refusal) if refused else query.disposition in ("", row.disposition))
        and _is_of(row.message_type, query.message_type)
        and query.control_id in ("", row.control_id)
        and _between(query.since, row.received_at, query.until)
        and (not query.before or row.id < query.before)
        and row.id > query.after
        and query.parent in (0, row.parent_id)
        and _labelled(row, *query.meta)
    )


def _labelled(row: MessageRow, name: str, value: str) -> bool:
    return not name or (name in row.meta and value in ("", row.meta[name]))


def _wanted_dead(row: WorkRow, query: DeadQuery) -> bool:
    connection = row.lane if row.stage == "outbound" else row.inbound
    return (
        query.connection in ("", connection)
        and query.stage in ("", row.stage)
        and _is_of(row.message_type, query.message_type)
        and query.message_id in (0, row.message_id)
        and _between(query.since, row.changed_at, query.until)
        and row.id > query.after
    )


def _between(since: int, at: int, until: int) -> bool:
    return since <= at and (not until or at < until)


def _backlogs(stage: str, rows: Iterable[tuple[str, int]]) -> Iterator[Backlog]:
    waiting: dict[str, list[int]] = {}
    for connection, order in rows:
        waiting.setdefault(connection, []).append(order)
    for connection, orders in waiting.items():
        yield Backlog(stage, connection, len(orders), min(orders))


def _is_of(message_type: str, wanted: str) -> bool:
    """Whether MSH-9 is as wanted, or begins with the components that are."""
    return not wanted or message_type == wanted or message_type.startswith(f"{wanted}^")
