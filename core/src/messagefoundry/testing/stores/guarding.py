"""Clauses: a batch is applied whole or not at all, and what an error means."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import MessageFoundryError, StaleUnit, StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.contracts.units import (
    DeadLetter,
    KeepReference,
    MarkAttempt,
    NoteConnection,
    RefillFlow,
    RefillLane,
    Unit,
)
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import EVERYTHING, Feed, dead, delivered, hand_off, receive, retry
from messagefoundry.testing.stores.subject import StoreClauses, StoreSubject

if TYPE_CHECKING:
    from collections.abc import Callable

STALE: dict[str, Callable[[int, int], Unit]] = {
    "hand-off": lambda message_id, _: hand_off(message_id, "OB"),
    "hand-off of a routed row": lambda message_id, item: hand_off(message_id, "OB", routed_id=item),
    "hand-off of nothing": lambda *_: hand_off(999_999, "OB"),
    "delivered": lambda message_id, item: delivered(item, message_id),
    "retry": lambda message_id, item: retry(item, message_id, 500),
    "dead": lambda message_id, item: dead(item, message_id),
    "attempt": lambda message_id, _: MarkAttempt(message_id),
}
"""Units for a message that is delivered already, and its item."""


class GuardingClauses(StoreClauses):
    """What is guarded, and what is undone."""

    @clause
    @pytest.mark.parametrize("kind", STALE)
    def test_a_unit_of_another_state_is_stale(self, feed: Feed, kind: str) -> None:
        """A unit that meets its row in another state than it expects raises StaleUnit."""
        message_id, item = feed.handed_off("OB")
        feed.commit(delivered(item, message_id))
        with pytest.raises(StaleUnit):
            feed.commit(STALE[kind](message_id, item))

    @clause
    def test_a_stale_unit_rolls_its_whole_batch_back(self, feed: Feed) -> None:
        """When one unit is stale, nothing of its batch is applied, neither before it nor after it."""
        message_id, item = feed.handed_off("OB")
        feed.commit(delivered(item, message_id))
        waiting_id, waiting = feed.handed_off("OTHER")
        before = everything(feed)
        stale = delivered(item, message_id)
        with pytest.raises(StaleUnit):
            feed.commit(receive(), delivered(waiting, waiting_id, "OTHER"), stale, NoteConnection("IB", "x", "", 1))
        assert everything(feed) == before

    @clause
    def test_a_store_goes_on_after_a_stale_unit(self, feed: Feed) -> None:
        """The units of a batch that failed can be committed one by one."""
        message_id, item = feed.handed_off("OB")
        with pytest.raises(StaleUnit):
            feed.commit(delivered(item, message_id), delivered(item + 1000, message_id))
        feed.commit(delivered(item, message_id))
        assert feed.disposition(message_id) == "PROCESSED"

    @clause
    def test_a_unit_that_comes_again_is_filled_anew(self, feed: Feed) -> None:
        """What a store fills into a unit is that of the commit that succeeded, not of one before it that failed."""
        message_id, item = feed.handed_off("OB")
        unit, stale = DeadLetter(message_id, "alice", "why", 50), delivered(999_999, message_id)
        lane = RefillLane("OB", 0, 10, EVERYTHING, 0)
        with pytest.raises(StaleUnit):
            feed.commit(lane, unit, stale)
        feed.commit(unit, lane)
        assert (unit.count, unit.work_ids, unit.lanes) == (1, [item], {"OB"})
        assert lane.items == []

    @clause
    def test_units_see_those_before_them_and_none_after(self, feed: Feed) -> None:
        """A refill in a batch sees the units before it, and none after it."""
        first, second = feed.received(), feed.received()
        early, late = hand_off(first, "OB"), hand_off(second, "OB")
        lane, flow = RefillLane("OB", 0, 10, EVERYTHING, 0), RefillFlow("IB", 0, 10, EVERYTHING)
        feed.commit(early, lane, flow, late)
        assert [item.id for item in lane.items] == [early.outgoing[0].id]
        assert [message.message_id for message in flow.messages] == [second]
        assert feed.items() == [early.outgoing[0].id, late.outgoing[0].id]

    @clause
    def test_what_cannot_be_stored_is_the_units_own_fault(self, feed: Feed) -> None:
        """A unit that can never be stored (here: an id that is taken) raises UnstorableUnit; nothing is applied."""
        unit = feed.one(receive())
        with pytest.raises(UnstorableUnit):
            feed.store.commit([unit])
        assert feed.reader.count_messages(MessageQuery()) == 1
        feed.commit(receive())

    @clause
    def test_an_outage_is_not_the_units_fault(self, subject: StoreSubject, feed: Feed) -> None:
        """While the database cannot commit, `commit` raises StoreUnavailable and applies nothing."""
        message_id, item = feed.handed_off("OB")
        with subject.outage(), pytest.raises(StoreUnavailable):
            feed.commit(delivered(item, message_id))
        assert feed.states(message_id) == {item: "waiting"}
        assert feed.words(message_id) == ["received", "routed"]

    @clause
    def test_the_same_batch_commits_after_an_outage(self, subject: StoreSubject, feed: Feed) -> None:
        """A batch that met an outage commits when it is over, with the ids that it has."""
        batch = [receive(), receive()]
        with subject.outage(), pytest.raises(StoreUnavailable):
            feed.commit(*batch)
        feed.store.commit(batch)
        assert [message.message_id for message in feed.flow().messages] == [unit.id for unit in batch]

    @clause
    def test_errors_say_nothing_of_the_content(self, subject: StoreSubject, feed: Feed) -> None:
        """No error of a commit quotes what was to be stored."""
        unit = feed.one(receive(raw=b"SECRETNAME"))
        texts = [_error(feed, unit), _error(feed, delivered(999_999, unit.id))]
        with subject.outage():
            texts.append(_error(feed, receive(raw=b"SECRETNAME")))
        assert "SECRETNAME" not in "\n".join(texts)

    @clause
    def test_ids_ascend_over_all_tables(self, feed: Feed) -> None:
        """`last_id` is the highest id of any row: messages, work, events, state, references."""
        assert feed.store.last_id() == 0
        message_id = feed.received()
        assert feed.store.last_id() == feed.last
        item = feed.one(hand_off(message_id, "OB")).outgoing[0].id
        assert feed.store.last_id() == feed.last
        feed.commit(delivered(item, message_id))
        assert feed.store.last_id() == feed.last
        feed.commit(NoteConnection("IB", "started", "", 1))
        assert feed.store.last_id() == feed.last
        feed.written({"k": "1"})
        assert feed.store.last_id() == feed.last
        feed.commit(KeepReference("npi", b"", 1))
        assert feed.store.last_id() == feed.last

    @clause
    def test_commits_may_come_from_any_thread(self, feed: Feed) -> None:
        """`commit` is called from one thread at a time, but not always the same one."""
        thread = threading.Thread(target=feed.received)
        thread.start()
        thread.join()
        feed.received()
        assert feed.reader.dispositions() == {"RECEIVED": 2}


def _error(feed: Feed, unit: Unit) -> str:
    with pytest.raises(MessageFoundryError) as caught:
        feed.store.commit([unit])
    return f"{caught.value} {caught.value!r}"


def everything(feed: Feed) -> list[object]:
    """All that can be looked up about the first ids."""
    keys, reader = range(1, 50), feed.reader
    return [
        [reader.message(key) for key in keys],
        [reader.work(key) for key in keys],
        [reader.trail(key) for key in keys],
        [reader.body(key) for key in keys],
        reader.connection_events("IB", 100),
    ]
