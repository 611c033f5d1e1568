"""A commit that fails leaves no trace in its units: applied again, they tell what then happened, once."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import StaleUnit, StoreUnavailable
from messagefoundry.contracts.units import (
    DeadLetter,
    MarkAttempt,
    MarkRunning,
    RefillFlow,
    RefillLane,
    Replay,
    ReplayDead,
    Resend,
    SweepRemoved,
    Unit,
)
from tests.stores.feed import EVERYTHING, Feed, dead, delivered, hand_off

if TYPE_CHECKING:
    from collections.abc import Callable


def _replay(feed: Feed) -> Unit:
    return Replay([feed.handed_off("OB")[0]], "alice", 60)


def _replay_dead(feed: Feed) -> Unit:
    message_id, item = feed.handed_off("OB")
    feed.commit(dead(item, message_id))
    return ReplayDead([item, feed.failed("routed")[1], feed.failed("ingress")[1]], "alice", 60)


def _resend(feed: Feed) -> Unit:
    message_id, item = feed.handed_off("OB")
    feed.commit(delivered(item, message_id))
    return Resend([message_id], "alice", 60)


def _dead_letter(feed: Feed) -> Unit:
    message_id = feed.handed_off("OB")[0]
    feed.commit(Replay([message_id], "alice", 60))
    feed.commit(Resend([message_id], "alice", 60))
    return DeadLetter(message_id, "alice", "why", 60)


def _sweep(feed: Feed) -> Unit:
    for _ in range(3):
        feed.handed_off("GONE")
    return SweepRemoved(["IB"], ["OB"], ["h"], 60, limit=2)


def _lane(feed: Feed) -> Unit:
    feed.handed_off("OB")
    _lose(feed, feed.handed_off("OB")[1])
    return RefillLane("OB", 0, 10, EVERYTHING, 0)


def _flow(feed: Feed) -> Unit:
    feed.received()
    _lose(feed, feed.received())
    return RefillFlow("IB", 0, 10, EVERYTHING)


def _lose(feed: Feed, key: int) -> None:
    feed.store._cursor.execute("DELETE FROM body WHERE id = ?", (key,))


_WAYS: list[Callable[[Feed], Unit]] = [
    _replay,
    _replay_dead,
    _resend,
    _dead_letter,
    _sweep,
    _lane,
    _flow,
    lambda feed: MarkAttempt(feed.received()),
    lambda feed: MarkRunning(True, 5),
]


def _told(unit: Unit) -> dict[str, object]:
    return {name: getattr(unit, name) for name in unit.filled}


class FailingCommit:
    """A cursor on which the database goes away just before a transaction becomes durable."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> object:
        return getattr(self._cursor, name)

    def execute(self, statement: str, *parameters: object) -> object:
        if statement == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return self._cursor.execute(statement, *parameters)  # type: ignore[arg-type]


def _commit_in_vain(feed: Feed, unit: Unit) -> None:
    sound = feed.store._cursor
    feed.store._cursor = FailingCommit(sound)  # type: ignore[arg-type, assignment]
    with pytest.raises(StoreUnavailable):
        feed.commit(unit)
    feed.store._cursor = sound


@pytest.mark.parametrize("way", _WAYS)
def test_a_unit_applied_again_counts_once(feed: Feed, way: Callable[[Feed], Unit]) -> None:
    unit = way(feed)
    _commit_in_vain(feed, unit)
    first = _told(unit)
    feed.commit(unit)
    again = _told(unit)
    assert {name: _size(value) for name, value in again.items()} == {name: _size(v) for name, v in first.items()}
    assert getattr(unit, "count", 1) == {"_replay_dead": 3, "_sweep": 2, "_dead_letter": 2}.get(way.__name__, 1)


def _size(value: object) -> object:
    """New ids are minted each time; how many there are stays."""
    return len(value) if isinstance(value, list | set) else value


def test_a_unit_that_turned_stale_tells_nothing(feed: Feed) -> None:
    unit = MarkAttempt(feed.received())
    _commit_in_vain(feed, unit)
    feed.commit(hand_off(unit.message_id))
    with pytest.raises(StaleUnit):
        feed.commit(unit)
    assert unit.attempts == 0


def test_a_replay_that_comes_too_late_names_nothing(feed: Feed) -> None:
    message_id = feed.handed_off("OB")[0]
    unit = Replay([message_id], "alice", 60)
    _commit_in_vain(feed, unit)
    feed.commit(Replay([message_id], "bob", 60))
    feed.commit(unit)
    assert (unit.count, unit.inbounds, unit.work_ids, unit.lanes) == (0, set(), [], set())
