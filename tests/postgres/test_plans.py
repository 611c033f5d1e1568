"""Every statement of the writing side finds its rows through an index, however old its plan is.

The tables are empty and have no statistics, which is when most plans are made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.units import (
    DeadLetter,
    ForgetOnce,
    HoldConnection,
    KeepReference,
    MarkAttempt,
    MarkRunning,
    NoteConnection,
    NoteLateAnswer,
    ReadBookmark,
    Receive,
    RefillLane,
    Replay,
    ReplayDead,
    Resend,
    StateWrite,
    SweepRemoved,
    Unit,
)
from messagefoundry.testing.stores.feed import (
    Feed,
    dead,
    delivered,
    hand_off,
    receive,
    receive_batch,
    receive_once,
    refuse,
    retry,
)
from messagefoundry_postgres.connecting import WRITING, connect
from messagefoundry_postgres.factory import POSTGRES
from messagefoundry_postgres.place import place_of
from messagefoundry_postgres.wire import Wire
from messagefoundry_sql.store import SqlStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from messagefoundry.contracts.stores import StoreLocation

BIG = ("message", "body", "work", "event", "connection_event", "arrival", "message_meta", "state", "engine_commit")


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What is sent."""
    found: set[str] = set()
    send = Wire.send

    def noting(self: Wire, statement: str, parameters: Sequence[Any]) -> None:
        found.add(statement)
        send(self, statement, parameters)

    monkeypatch.setattr(Wire, "send", noting)
    return found


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> set[type[Unit]]:
    """What is committed."""
    found: set[type[Unit]] = set()
    commit = SqlStore.commit

    def noting(self: SqlStore, units: Sequence[Unit]) -> None:
        found.update(map(type, units))
        commit(self, units)

    monkeypatch.setattr(SqlStore, "commit", noting)
    return found


def test_every_statement_has_its_index(location: StoreLocation, texts: set[str], kinds: set[type[Unit]]) -> None:
    feed = Feed(POSTGRES, location)
    live(feed)
    assert set(every_kind(Unit)) - kinds == set(), "no kind of unit is left out"
    looking = ("SELECT", "UPDATE", "WITH", "DELETE")
    planned = [text for text in texts if text.startswith(looking) or (text.startswith("INSERT") and "EXISTS" in text)]
    assert len(planned) > 20
    with connect(place_of(location), WRITING) as own:
        plans = {text: plan_of(own, text) for text in planned}
    feed.close()
    for text, plan in plans.items():
        assert [table for table in BIG if f"Seq Scan on {table}" in plan] == [], f"{text}\n{plan}"
    assert sorted(text.partition("WHERE")[0] for text, plan in plans.items() if not keyed(plan)) == []


def every_kind(kind: type[Unit]) -> Iterator[type[Unit]]:
    """Those kinds of units that are committed: not Unit itself, nor Settle."""
    kinds = kind.__subclasses__()
    for each in kinds:
        yield from every_kind(each)
    if kinds and kind is not Receive:
        return
    if kind.__module__.startswith("messagefoundry."):
        yield kind


def plan_of(own: psycopg.Connection[Any], text: str) -> str:
    """Its generic plan: the sessions that write are set to those, and no server is too old for this."""
    values = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", text)))
    own.execute(f"PREPARE explained AS {text}")
    plan = own.execute(f"EXPLAIN EXECUTE explained{f'({values})' if values else ''}").fetchall()
    own.execute("DEALLOCATE explained")
    return "\n".join(str(row[0]) for row in plan)


def keyed(plan: str) -> bool:
    """Whether each row that is asked for by its number is found by a number."""
    asked = re.search(r"Filter: .*\b(message_id|id) = (ANY)?", plan)
    return asked is None or re.search(r"Index Cond: \((message_id|id) = (ANY)?", plan) is not None


def live(feed: Feed) -> None:
    """What an engine does to a store."""
    feed.commit(refuse())
    message_id, item, other = feed.handed_off("OB", "OTHER")
    feed.commit(retry(item, message_id, 500))
    feed.lane()
    feed.commit(RefillLane("OB", 0, 10, 1000, 600, unordered=True, exclude=[1]))
    feed.commit(dead(item, message_id), delivered(other, message_id, "OTHER"))
    feed.commit(ReplayDead([item], "alice", 60))
    feed.commit(Resend([message_id], "alice", 60))
    feed.commit(DeadLetter(message_id, "alice", "why", 60))
    feed.commit(Replay([message_id], "alice", 60))
    feed.commit(MarkAttempt(message_id), HoldConnection("OB", True, "alice", 1), MarkRunning(True, 1))
    feed.flow()
    work_id = feed.failed("routed")[1]
    again = feed.one(ReplayDead([work_id], "alice", 1)).ids[0]
    feed.flow()
    feed.commit(hand_off(feed.flow().messages[-1].message_id, "OB", routed_id=again))
    feed.commit(NoteConnection("OB", "started", "", 1), NoteLateAnswer(message_id, "OB", "{}", b"AA", 70))
    feed.commit(receive(bookmark="1"), receive_once(), receive_once())
    feed.commit(receive_once(), ForgetOnce(feed.last))
    feed.commit(receive_batch(receive(), receive_once(), refuse()))
    keeping = hand_off(feed.received(), "OB", states=[StateWrite("ns", "k", "1")], meta={"m": "1"})
    keeping.passed = [receive("IB2", parent=keeping.message_id)]
    feed.commit(keeping)
    feed.lane(depths=True)
    item = keeping.outgoing[0].id
    feed.commit(delivered(item, keeping.message_id, reingressed=receive("LOOP", parent=keeping.message_id)))
    feed.commit(KeepReference("npi", b"", 1), KeepReference("npi", None, 2))
    feed.commit(ReadBookmark("IB"), SweepRemoved([], [], [], 1))
    feed.store.last_id()
