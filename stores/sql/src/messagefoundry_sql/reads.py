"""The reading side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Executable, Row, select
from sqlalchemy.exc import DBAPIError

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
from messagefoundry_sql import queries, trail
from messagefoundry_sql.keeping import open_state, state_digest
from messagefoundry_sql.schema import body, connection_hold, event, message, work
from messagefoundry_sql.sweeping import removed_places
from messagefoundry_sql.tallying import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from messagefoundry.contracts.ciphers import Cipher


MOST_IDS = 500
"""Parameters of one query."""


class Source(Protocol):
    """An open database to read from."""

    @property
    def connection(self) -> Connection:
        """A SQLAlchemy connection in autocommit, the same each time: no read transaction outlives its query."""

    def connected(self) -> AbstractContextManager[Connection]:
        """One for a single look-up; where sessions can be lost, one that was found alive."""

    def failure(self, error: Exception) -> Exception:
        """What an error of the driver means."""

    def integrity(self) -> list[str]:
        """What the database's own check finds wrong."""

    def close(self) -> None:
        """Close."""


class SqlReader:
    """A `StoreReader` on an open database."""

    def __init__(self, source: Source, cipher: Cipher) -> None:
        self._source = source
        self._cipher = cipher
        self._tally = Tally(self._rows)

    def messages(self, query: MessageQuery) -> list[MessageRow]:
        """Messages, newest first (oldest first with `after`)."""
        return self._messages(queries.messages(query))

    def message(self, message_id: int) -> MessageRow | None:
        """One message."""
        found = self._messages(queries.MESSAGES.where(message.c.id == message_id))
        return found[0] if found else None

    def work(self, message_id: int) -> list[WorkRow]:
        """All work of a message, by id."""
        rows = self._rows(queries.WORK.where(work.c.message_id == message_id).order_by(work.c.id))
        return [self._work(row) for row in rows]

    def trail(self, message_id: int) -> list[TrailEvent]:
        """A message's trail, by id. It begins with its receipt, or with its refusal and the reason for it."""
        begun = [self._arrival(row) for row in self._rows(queries.ARRIVAL.where(message.c.id == message_id))]
        rows = self._rows(queries.EVENTS.where(event.c.message_id == message_id).order_by(event.c.id))
        return begun + [TrailEvent(*row) for row in rows]

    def body(self, row_id: int) -> bytes | None:
        """The raw bytes of a message, or the payload of a piece of work."""
        return self._opened(select(body.c.sealed).where(body.c.id == row_id), "body", row_id)

    def reply(self, message_id: int, event_id: int) -> bytes | None:
        """The reply kept with an event of a trail."""
        query = select(event.c.reply).where(event.c.id == event_id, event.c.message_id == message_id)
        return self._opened(query, "reply", event_id)

    def last_reply(self, message_id: int, lane: str, before: int) -> bytes | None:
        """The newest reply with which a lane delivered a message, of an event with an id below `before`."""
        rows = self._rows(queries.last_reply(message_id, lane, before))
        return self._cipher.open(rows[0][1], "reply", rows[0][0]) if rows else None

    def state(self, namespace: str, key: str) -> str | None:
        """A value of transform state as JSON text; None when there is none."""
        rows = self._rows(queries.state_value(state_digest(namespace, key)))
        return open_state(self._cipher, rows[0][1], rows[0][0]) if rows else None

    def reference(self, name: str) -> KeptReference | None:
        """The last snapshot of a reference set."""
        rows = self._rows(queries.snapshot(name))
        if not rows:
            return None
        key, sealed, synced_at = rows[0]
        return KeptReference(self._cipher.open(sealed, "reference", key), synced_at)

    def dead_letters(self, query: DeadQuery) -> list[WorkRow]:
        """Dead rows, oldest first."""
        return [self._work(row) for row in self._rows(queries.dead_letters(query))]

    def count_dead(self, query: DeadQuery) -> int:
        """How many dead rows `query` selects, whatever its limit."""
        return int(self._rows(queries.count_dead(query))[0][0])

    def count_messages(self, query: MessageQuery) -> int:
        """How many messages `query` selects, whatever its limit."""
        return int(self._rows(queries.count_messages(query))[0][0])

    def head(self, lane: str) -> WorkRow | None:
        """The first waiting item of a lane."""
        rows = self._rows(queries.head(lane))
        return self._work(rows[0]) if rows else None

    def backlogs(self) -> list[Backlog]:
        """What waits, per stage and Connection."""
        return [Backlog(*row) for row in self._rows(queries.backlogs())]

    def dispositions(self) -> dict[str, int]:
        """How many messages have each disposition; refused ones count as "REFUSED"."""
        return self._tally.dispositions()

    def held(self) -> set[str]:
        """Connections that an operator stopped."""
        query = select(connection_hold.c.connection).where(connection_hold.c.held.is_(True))
        return {row[0] for row in self._rows(query)}

    def connection_events(self, connection: str, limit: int) -> list[ConnectionEvent]:
        """The newest events of a Connection, oldest of them first."""
        rows = self._rows(queries.connection_events(connection, limit))
        return [ConnectionEvent(*row) for row in reversed(rows)]

    def removed(self, inbounds: Sequence[str], lanes: Sequence[str], handlers: Sequence[str]) -> int:
        """How many rows `SweepRemoved` would dead-letter."""
        return sum(place.count for place in removed_places(self._text, inbounds, lanes, handlers))

    def integrity(self) -> list[str]:
        """What an integrity check finds wrong; empty when the store is sound."""
        return self._source.integrity()

    def close(self) -> None:
        """Close."""
        self._source.close()

    def _messages(self, query: Executable) -> list[MessageRow]:
        rows = self._rows(query)
        labels = self._labels([row[0] for row in rows])
        return [_message(row, labels.get(row[0], {})) for row in rows]

    def _labels(self, message_ids: Sequence[int]) -> dict[int, dict[str, str]]:
        """The labels of each message that has any, looked up for so many at once as every database takes."""
        labels: dict[int, dict[str, str]] = {}
        for start in range(0, len(message_ids), MOST_IDS):
            for message_id, name, value in self._rows(queries.meta(message_ids[start : start + MOST_IDS])):
                labels.setdefault(message_id, {})[name] = value
        return labels

    def _rows(self, query: Executable) -> Sequence[Row[*tuple[Any, ...]]]:
        return self._run(lambda connection: connection.execute(query).all())

    def _text(self, query: str) -> Sequence[Row[*tuple[Any, ...]]]:
        return self._run(lambda connection: connection.exec_driver_sql(query).all())

    def _run(self, ask: Callable[[Connection], Sequence[Row[*tuple[Any, ...]]]]) -> Sequence[Row[*tuple[Any, ...]]]:
        try:
            with self._source.connected() as connection:
                return ask(connection)
        except DBAPIError as error:
            # SQLAlchemy's own text quotes the statement and its parameters.
            cause = error.orig if isinstance(error.orig, Exception) else error
            raise self._source.failure(cause) from None

    def _opened(self, query: Executable, kind: str, identity: int) -> bytes | None:
        rows = self._rows(query)
        if not rows or rows[0][0] is None:
            return None
        return self._cipher.open(rows[0][0], kind, identity)

    def _work(self, row: Row[*tuple[Any, ...]]) -> WorkRow:
        values = row._asdict()
        sealed = values["error"]
        values["error"] = "" if sealed is None else self._cipher.open(sealed, "error", values["id"]).decode()
        return WorkRow(**values)

    def _arrival(self, row: Row[*tuple[Any, ...]]) -> TrailEvent:
        key, at, inbound, peer, refusal, condition, sealed = row
        if refusal is None:
            return TrailEvent(key, key, at, trail.RECEIVED, inbound, f"from {peer}" if peer else "", has_reply=False)
        reason = "" if sealed is None else self._cipher.open(sealed, "reason", key).decode()
        answered = "" if refusal == trail.REFUSED else refusal
        detail = " ".join(part for part in (answered, condition, reason) if part)
        return TrailEvent(key, key, at, trail.REFUSED, inbound, detail, has_reply=False)


def _message(row: Row[*tuple[Any, ...]], meta: Mapping[str, str]) -> MessageRow:
    values = row._asdict()
    values["meta"] = meta
    refusal = values["refusal"]
    values["refusal"] = "" if refusal is None else refusal or trail.REFUSED
    values["refused_condition"] = values["refused_condition"] or ""
    values["has_dead"] = bool(values["has_dead"])
    return MessageRow(**values)
