"""Clauses: batches that are sent while those before them are on their way.

A store that offers no `send` is given them one by one, as the committer does it: it keeps these clauses by `commit`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import MessageFoundryError, StaleUnit, StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.stores import AheadStore, MessageQuery
from messagefoundry.contracts.units import MarkAttempt, MarkRunning, ReadBookmark, RefillFlow, StateWrite
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import (
    EVERYTHING,
    Feed,
    delivered,
    hand_off,
    receive,
    receive_batch,
    receive_once,
    refuse,
)
from messagefoundry.testing.stores.subject import StoreClauses, StoreSubject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.units import Unit


class Sending:
    """What the committer does: send a batch, or commit it when all that was sent is collected."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._sent: deque[MessageFoundryError | None] = deque()
        """Batches on their way; of a store without `send`, what became of each."""

    def send(self, *units: Unit) -> None:
        """Send a batch ahead, or commit it behind all that was sent. It has ids already, or gets them now."""
        for unit in units:
            unit.mint(self._feed.mint)
        self.again(units)

    def again(self, units: Sequence[Unit]) -> None:
        """The same of units that have their ids."""
        store = self._feed.store
        if isinstance(store, AheadStore):
            if not store.send(units):
                self.collect_all()
                store.commit(units)
            else:
                self._sent.append(None)
        elif any(self._sent):
            self._sent.append(None)  # behind one that failed: never committed
        else:
            self._sent.append(_committed(self._feed, units))

    def collect(self) -> None:
        """Wait for the oldest batch. After an error nothing is on its way any more."""
        error, store = self._sent.popleft(), self._feed.store
        try:
            if isinstance(store, AheadStore):
                assert store.collect(), "without `within`, collect waits"
            elif error is not None:
                raise error
        except MessageFoundryError:
            self._sent.clear()
            raise

    def collect_all(self) -> None:
        """Wait for every batch."""
        while self._sent:
            self.collect()


def _committed(feed: Feed, units: Sequence[Unit]) -> MessageFoundryError | None:
    try:
        feed.store.commit(units)
    except MessageFoundryError as error:
        return error
    return None


class AheadClauses(StoreClauses):
    """`AheadStore`: `send` and `collect` do what `commit` does, in the same order."""

    @clause
    def test_batches_sent_ahead_are_committed_in_turn(self, feed: Feed) -> None:
        """What is sent is committed in the order of sending, each batch at the latest when it is collected."""
        sending, units = Sending(feed), [receive() for _ in range(5)]
        for unit in units:
            sending.send(unit)
        for number in range(1, 6):
            sending.collect()
            stored = sorted(row.id for row in feed.reader.messages(MessageQuery()))
            assert stored[:number] == [unit.id for unit in units[:number]]
        assert feed.received() == feed.last

    @clause
    def test_a_batch_sees_those_sent_before_it(self, feed: Feed) -> None:
        """A batch sent ahead finds what the batches before it did, though they are on their way."""
        sending = Sending(feed)
        first, second = receive(), receive()
        sending.send(first, second)
        handed = hand_off(first.id, "OB", states=[StateWrite("ns", "k", "1")], meta={"m": "1"})
        sending.send(handed)
        again = hand_off(second.id, states=[StateWrite("ns", "k", "2")], passed=[receive("IB2", parent=second.id)])
        sending.send(again, delivered(handed.outgoing[0].id, first.id, reingressed=receive("LOOP")))
        sending.collect_all()
        assert feed.reader.dispositions() == {"PROCESSED": 2, "RECEIVED": 2}
        assert (feed.reader.state("ns", "k"), feed.message(first.id).meta) == ("2", {"m": "1"})
        assert [len(feed.waiting(inbound)) for inbound in ("IB", "IB2", "LOOP")] == [0, 1, 1]
        assert feed.store.last_id() == feed.last

    @clause
    def test_what_is_asked_behind_batches_is_answered(self, feed: Feed) -> None:
        """`send` returns False, or fills in what a unit asks for by the time that it is collected."""
        sending = Sending(feed)
        first = receive_once()
        sending.send(first)
        sending.send(receive(bookmark="1"))
        bookmark, mark, again = ReadBookmark("IB"), MarkRunning(True, 5), receive_once()
        flow, attempt = RefillFlow("IB", 0, 10, EVERYTHING), MarkAttempt(first.id)
        for unit in (bookmark, mark, again, attempt, flow, receive_batch(receive("IB2"), refuse())):
            sending.send(receive("IB2"))
            sending.send(unit)
        sending.collect_all()
        assert (bookmark.bookmark, mark.was_running, again.repeat_of, attempt.attempts) == ("1", False, first.id, 1)
        assert flow.messages[0].message_id == first.id
        assert len(feed.waiting("IB2")) == 7

    @clause
    def test_what_is_sent_behind_a_failure_is_not_committed(self, feed: Feed) -> None:
        """`collect` raises why a batch failed; none sent behind it is committed, and each may be sent again."""
        sending = Sending(feed)
        first, behind, last = receive(), receive(), receive()
        for unit in (first, hand_off(424242), behind, last):
            sending.send(unit)
        sending.collect()
        with pytest.raises(StaleUnit):
            sending.collect()
        assert feed.waiting() == [first.id]
        sending.again([behind])
        sending.again([first])
        sending.again([last])
        sending.collect()
        with pytest.raises(UnstorableUnit):
            sending.collect()
        assert feed.waiting() == [first.id, behind.id]
        feed.store.commit([last])
        assert feed.waiting() == [first.id, behind.id, last.id]

    @clause
    def test_what_is_sent_in_an_outage_fails_when_collected(self, subject: StoreSubject, feed: Feed) -> None:
        """`send` raises nothing: `collect` raises StoreUnavailable, and the same batches are committed afterwards."""
        sending, units = Sending(feed), [receive(), receive()]
        with subject.outage():
            for unit in units:
                sending.send(unit)
            with pytest.raises(StoreUnavailable):
                sending.collect()
        assert feed.reader.count_messages(MessageQuery()) == 0
        for unit in units:
            sending.again([unit])
        sending.collect_all()
        assert feed.waiting() == [unit.id for unit in units]
