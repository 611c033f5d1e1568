"""The counts of dispositions are right, and history is not counted again for each look."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.units import DeadLetter, Replay, ReplayDead, Resend, SweepRemoved
from messagefoundry.testing.stores.feed import receive_batch, receive_once
from messagefoundry_sql import tallying
from messagefoundry_sqlite.factory import SQLITE
from tests.stores.feed import Feed, dead, delivered, hand_off, receive, refuse, retry

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallying, "BLOCK_MESSAGES", 4)
    monkeypatch.setattr(tallying, "OVERLAP", 0)
    monkeypatch.setattr(tallying, "EVENTS_AT_ONCE", 1)


def fresh(feed: Feed) -> dict[str, int]:
    """What a reader says that has not looked before."""
    with closing(SQLITE.reader(feed.location, Plaintext())) as reader:
        return reader.dispositions()


def counted(feed: Feed) -> dict[str, int]:
    """The same, counted row by row."""
    query = """SELECT CASE WHEN refusal IS NULL THEN disposition ELSE 'REFUSED' END, count(*)
        FROM message GROUP BY 1"""
    with closing(sqlite3.connect(feed.location.path)) as connection:
        return dict(connection.execute(query).fetchall())


def actions(feed: Feed, chance: random.Random) -> list[Callable[[], object]]:
    """Everything that changes a disposition, done to messages of any age."""
    ids = [row[0] for row in rows(feed, "SELECT id FROM message WHERE refusal IS NULL")] or [feed.received()]
    received = [row[0] for row in rows(feed, "SELECT id FROM message WHERE disposition = 'RECEIVED'")]
    waiting = rows(feed, "SELECT id, message_id, lane FROM work WHERE state = 'waiting' AND stage = 'outbound'")
    dead_ids = [row[0] for row in rows(feed, "SELECT id FROM work WHERE state = 'dead'")]
    some = chance.choice(ids)
    possible: list[Callable[[], object]] = [
        lambda: feed.received(),
        lambda: feed.commit(refuse(digest=chance.randbytes(4))),
        lambda: feed.failed(),
        lambda: feed.commit(Replay([some], "alice", 1)),
        lambda: feed.commit(Resend([some], "alice", 1, "")),
        lambda: feed.commit(DeadLetter(some, "alice", "why", 1)),
        lambda: feed.commit(SweepRemoved(["IB"], ["A"], ["h"], 1, 1)),
        lambda: feed.commit(receive_batch(receive(), refuse(digest=chance.randbytes(4)), receive_once())),
        lambda: feed.commit(receive_once(), receive_once()),
    ]
    if received:
        routing = chance.choice(["PROCESSED", "FILTERED", "UNROUTED"])
        lanes = ("A", "B") if routing == "PROCESSED" else ()
        possible += [lambda: feed.commit(hand_off(chance.choice(received), *lanes, routing=routing))] * 4  # type: ignore[arg-type]
        possible += [lambda: feed.commit(hand_off(chance.choice(received), passed=[receive(), receive("IB2")]))]
    if waiting:
        work_id, message_id, lane = chance.choice(waiting)
        possible += [lambda: feed.commit(delivered(work_id, message_id, lane))] * 4
        possible += [lambda: feed.commit(delivered(work_id, message_id, lane, reingressed=receive()))]
        possible += [lambda: feed.commit(dead(work_id, message_id, lane))]
        possible += [lambda: feed.commit(retry(work_id, message_id, 5, lane=lane))]
    if dead_ids:
        possible += [lambda: feed.commit(ReplayDead([chance.choice(dead_ids)], "alice", 1))]
    return possible


def rows(feed: Feed, query: str) -> list[tuple[int, int, str]]:
    with closing(sqlite3.connect(feed.location.path)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("seed", range(3))
def test_the_counts_are_those_of_the_rows(feed: Feed, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        for _ in range(chance.randrange(4)):
            chance.choice(actions(feed, chance))()
        assert feed.reader.dispositions() == counted(feed) == fresh(feed)
    assert len(counted(feed)) >= 5


def test_what_nothing_happened_to_is_not_counted_again(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    first = feed.handed_off("A")
    for _ in range(11):
        feed.received()
    assert feed.reader.dispositions() == {"ROUTED": 1, "RECEIVED": 11}
    with closing(sqlite3.connect(feed.location.path)) as connection, connection:
        connection.execute("UPDATE message SET disposition = 'FILTERED' WHERE id = ?", first[:1])
    assert feed.reader.dispositions() == {"ROUTED": 1, "RECEIVED": 11}
    feed.commit(delivered(first[1], first[0], "A"))
    assert feed.reader.dispositions() == {"PROCESSED": 1, "RECEIVED": 11}
    with closing(sqlite3.connect(feed.location.path)) as connection, connection:
        connection.execute("DELETE FROM message WHERE id = ?", first[:1])
    feed.reader._tally._fresh_until = 0.0
    assert feed.reader.dispositions() == {"RECEIVED": 11}


def test_no_query_of_it_reads_more_than_its_range(feed: Feed) -> None:
    for _ in range(20):
        feed.handed_off("A")
    feed.reader.dispositions()
    feed.handed_off("A")
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_connection: object, _cursor: object, text: str, parameters: tuple[object, ...], *_: object) -> None:
        asked.append((text, parameters))

    event.listen(feed.reader._source.connection.engine, "before_cursor_execute", note)
    feed.reader.dispositions()
    with closing(sqlite3.connect(feed.location.path)) as connection:
        steps = [
            row[3] for text, parameters in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters)
        ]
    reading = [step for step in steps if step.startswith(("SCAN", "SEARCH"))]
    assert [step for step in reading if step.startswith("SCAN")] == []
    assert all("USING INTEGER PRIMARY KEY" in step or step == "SEARCH event" for step in reading), reading
