"""A store as the first schema had it, with messages in every state; beside it one of today with the same rows."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData

from messagefoundry.contracts.units import (
    DeadLetter,
    Failed,
    HoldConnection,
    MarkAttempt,
    MarkRunning,
    NoteConnection,
    Resend,
)
from messagefoundry.testing.stores.feed import Feed, dead, delivered, hand_off, receive, refuse, retry
from messagefoundry.testing.stores.sequences import Pair, seen, step
from messagefoundry_sql.opening import upgrade
from messagefoundry_sql.schema import metadata
from messagefoundry_sqlite.factory import SQLITE

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from messagefoundry.contracts.stores import StoreLocation

FIRST = "0001"
STEPS = 25

Rows = dict[str, list[dict[str, Any]]]


def live(feed: Feed) -> None:
    """Units that the first schema knew, and messages that they left in every state."""
    feed.commit(MarkRunning(True, 5), refuse(), NoteConnection("IB", "started", "", 1), receive(bookmark="page 7"))
    feed.commit(refuse(), HoldConnection("OB", True, "alice", 8))
    parent = feed.received()
    feed.commit(MarkAttempt(parent), receive(parent=parent))
    for routing in ("FILTERED", "UNROUTED", "PROCESSED"):
        feed.commit(hand_off(feed.received(), routing=routing))
    feed.handed_off("OB", "OTHER")
    message_id, late, gone, done = feed.handed_off("OB", "OTHER", "NEW")
    feed.commit(retry(late, message_id, due=500), dead(gone, message_id, "OTHER"), delivered(done, message_id, "NEW"))
    feed.failed("ingress")
    feed.replayed(feed.failed("routed")[1])
    message_id, item = feed.handed_off("OB")
    feed.commit(delivered(item, message_id))
    feed.commit(Resend([message_id], "alice", 50, "OTHER"))
    message_id, item = feed.handed_off("OB")
    feed.commit(dead(item, message_id))
    feed.replayed(item)
    feed.commit(DeadLetter(feed.received(), "alice", "why", 50))
    feed.commit(feed.replay(feed.handed_off("OB")[0]))
    both = feed.received()
    feed.commit(hand_off(both, "OB", failed=[Failed("routed", "h", "boom")]))


def rows_of(location: StoreLocation) -> Rows:
    """Every row of an SQLite store, by its columns."""
    with closing(SQLITE.tables(location)) as tables:
        return {
            name: [dict(zip(metadata.tables[name].columns.keys(), row, strict=True)) for row in tables.rows(name)]
            for name in tables.names
        }


def fill(connection: Connection, rows: Rows) -> None:
    """Make the tables of the first schema, with these rows as far as it knew them."""
    upgrade(connection, until=FIRST)
    described = MetaData()
    described.reflect(connection)
    for table in described.sorted_tables:
        names = table.columns.keys()
        if values := rows.get(table.name):
            connection.execute(table.insert(), [{name: row[name] for name in names} for row in values])


def check(migrated: Feed, today: Feed) -> None:
    """A store that was brought here holds what one of today holds, and goes on like it."""
    assert seen(migrated) == seen(today)
    reader = migrated.reader
    assert (reader.held(), migrated.bookmark()) == ({"OB"}, "page 7")
    assert reader.connection_events("IB", 9) == today.reader.connection_events("IB", 9)
    pair = Pair(migrated, random.Random(2), today)
    for number in range(STEPS):
        step(pair)
        assert seen(migrated) == seen(today), f"after step {number}"
    assert reader.integrity() == []
