"""Clauses: messages that may have come before."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import StaleUnit, StoreUnavailable
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.contracts.units import Failed, ForgetOnce, ReceiveOnce
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import Feed, dead, hand_off, receive, receive_once
from messagefoundry.testing.stores.sequences import Pair
from messagefoundry.testing.stores.subject import StoreClauses, StoreSubject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from messagefoundry.contracts.units import Unit

STEPS = 30
IDENTITIES = (-(2**63), -1, 0, 1, 2**63 - 1)
DIGESTS = (b"\x00" * 32, b"\x00" * 31 + b"\x01", b"\xff" * 32)


def told(units: Sequence[Unit]) -> list[object]:
    """What the store has filled in."""
    return [
        (unit.repeat_of, unit.reused) if isinstance(unit, ReceiveOnce) else getattr(unit, "count", None)
        for unit in units
    ]


def arriving(choice: random.Random, last: int) -> Callable[[], ReceiveOnce]:
    """A message that may have come before, within some time."""
    identity, digest = choice.choice(IDENTITIES), choice.choice(DIGESTS)
    since, bookmark = max(0, last - choice.randint(0, 40)), str(choice.random())
    return lambda: receive_once(identity, digest, since, bookmark=bookmark)


def turn(pair: Pair) -> Callable[[Feed], Sequence[Unit]]:
    """A batch: messages come, or what becomes of one; or some are forgotten."""
    choice = pair.choice
    making = [arriving(choice, pair.subject.last) for _ in range(choice.randint(1, 5))]
    received, ended = pair.messages("RECEIVED"), pair.messages("ERROR", "PROCESSED")
    fate = choice.randrange(8)
    if fate == 0 and received:
        key = choice.choice(received)
        return lambda _feed: [hand_off(key, failed=[Failed("routed", "h", "boom")])]
    if fate == 1 and received:
        key = choice.choice(received)
        return lambda _feed: [hand_off(key)]
    if fate == 2 and ended:
        key = choice.choice(ended)
        return lambda feed: [feed.replay(key)]
    if fate == 3:
        before = choice.randint(0, pair.subject.last + 1)
        return lambda _feed: [ForgetOnce(before, limit=2)]
    return lambda _feed: [make() for make in making]


class RepeatClauses(StoreClauses):
    """`ReceiveOnce`, which has its own memory of what came."""

    @clause
    def test_a_repeat_is_an_event_of_the_first(self, feed: Feed) -> None:
        """`ReceiveOnce` of what came before: no message, but "repeated" on the trail of the first."""
        first = feed.one(receive_once())
        again = feed.one(receive_once(at=99))
        assert told([first, again]) == [(None, False), (first.id, False)]
        assert feed.waiting() == [first.id]
        assert [row.id for row in feed.reader.messages(MessageQuery())] == [first.id]
        assert (feed.message(first.id).disposition, feed.message(first.id).repeats) == ("RECEIVED", 0)
        assert feed.reader.body(again.id) is None
        _, event = feed.reader.trail(first.id)
        told_of = (event.id, event.at, event.kind, event.connection, event.detail)
        assert told_of == (again.id, 99, "repeated", "IB", "from 10.0.0.1:5000")
        assert feed.store.last_id() == feed.last

    @clause
    def test_a_repeat_in_the_same_batch(self, feed: Feed) -> None:
        """`ReceiveOnce` of a message earlier in its batch is a repeat of that one."""
        units = [receive_once(), receive(), receive_once(2), receive_once(), receive_once(2), receive_once()]
        feed.commit(*units)
        first, plain, second = (unit.id for unit in units[:3])
        once = [unit for unit in units if isinstance(unit, ReceiveOnce)]
        assert [unit.repeat_of for unit in once] == [None, None, first, second, first]
        assert feed.waiting() == [first, plain, second]
        assert feed.words(first) == ["received", "repeated", "repeated"]

    @clause
    def test_other_content_with_the_same_identity_is_a_message(self, feed: Feed) -> None:
        """`ReceiveOnce`: the identity of another message with other content is told by `reused`, and is received."""
        units = [
            feed.one(receive_once(1, b"one")),
            feed.one(receive_once(1, b"two")),
            feed.one(receive_once(2, b"one")),
            feed.one(receive_once(1, b"one")),
            feed.one(receive_once(1, b"two")),
        ]
        first, second, third, *_ = (unit.id for unit in units)
        assert told(units) == [(None, False), (None, True), (None, False), (first, False), (second, False)]
        assert feed.waiting() == [first, second, third]

    @clause
    def test_plain_messages_are_no_firsts(self, feed: Feed) -> None:
        """`ReceiveOnce` knows of messages that came so themselves, not of those of a `Receive`."""
        feed.received()
        assert told([feed.one(receive_once())]) == [(None, False)]

    @clause
    def test_what_came_before_the_window_is_new(self, feed: Feed) -> None:
        """`ReceiveOnce.since`: the id from which on a message is a first; older ones count for nothing."""
        first = feed.one(receive_once())
        assert feed.one(receive_once(since=first.id)).repeat_of == first.id
        later = feed.one(receive_once(since=first.id + 1))
        assert told([later]) == [(None, False)]
        assert feed.one(receive_once(1, b"other", since=later.id + 1)).reused is False
        assert feed.one(receive_once()).repeat_of == first.id, "the first of those in the window"
        assert feed.one(receive_once(since=first.id + 1)).repeat_of == later.id

    @clause
    def test_a_repeat_of_an_error_is_received(self, feed: Feed) -> None:
        """`ReceiveOnce` of an ERROR is a new message; once that is replayed, it counts again."""
        first = feed.one(receive_once())
        unit = feed.one(hand_off(first.id, "OB", failed=[Failed("routed", "h", "boom")]))
        assert feed.one(receive_once()).repeat_of == first.id, "a ROUTED message with a dead row"
        feed.commit(dead(unit.outgoing[0].id, first.id))
        second = feed.one(receive_once())
        assert told([second]) == [(None, False)]
        assert feed.waiting() == [second.id]
        assert feed.one(receive_once(1, b"other")).reused is True
        feed.commit(feed.replay(first.id))
        assert feed.one(receive_once()).repeat_of == first.id

    @clause
    def test_an_error_in_the_same_batch_loses_nothing(self, feed: Feed) -> None:
        """A repeat whose first becomes an ERROR in its batch is received, or is an event of the first."""
        first = feed.one(receive_once())
        again = receive_once()
        feed.commit(hand_off(first.id, failed=[Failed("routed", "h", "boom")]), again)
        assert feed.disposition(first.id) == "ERROR"
        if again.repeat_of is None:
            assert feed.waiting() == [again.id]
        else:
            assert (again.repeat_of, sorted(feed.words(first.id))) == (first.id, ["failed", "received", "repeated"])
        assert told([feed.one(receive_once())]) == [(again.id if again.repeat_of is None else None, False)]

    @clause
    def test_what_is_forgotten_comes_as_new(self, feed: Feed) -> None:
        """`ForgetOnce`: at most `limit`, the oldest first, of messages below `before`; the messages stay."""
        keys = [feed.one(receive_once(number)).id for number in range(4)]
        assert feed.one(ForgetOnce(keys[3], limit=2)).count == 2
        assert [feed.one(receive_once(number)).repeat_of for number in range(4)] == [None, None, *keys[2:]]
        counts = [feed.one(ForgetOnce(keys[3])).count for _ in range(2)]
        assert counts == [1, 0]
        assert feed.one(receive_once(3)).repeat_of == keys[3]
        assert feed.waiting()[:4] == keys

    @clause
    def test_a_repeat_moves_the_bookmark(self, feed: Feed) -> None:
        """`ReceiveOnce.bookmark` counts for repeats as well; of several units of a batch the last, whatever kind."""
        feed.commit(receive_once(bookmark="1"))
        feed.commit(receive_once(bookmark="2"))
        assert feed.bookmark() == "2"
        feed.commit(receive_once(2, bookmark="3"), receive(bookmark="4"), receive_once(bookmark="5"))
        assert feed.bookmark() == "5"
        feed.commit(receive_once(3, bookmark="6"), receive_once(bookmark="7"), receive(bookmark="8"))
        assert feed.bookmark() == "8"
        feed.commit(receive_once(3))
        assert feed.bookmark() == "8"

    @clause
    def test_what_was_not_committed_did_not_come(self, subject: StoreSubject, feed: Feed) -> None:
        """A batch that fails leaves nothing to be a repeat of; its units are told anew by the commit that succeeds."""
        first, again, gone = receive_once(), receive_once(bookmark="7"), hand_off(424242)
        with pytest.raises(StaleUnit):
            feed.commit(first, again, gone)
        assert feed.bookmark() == ""
        for unit in (again, first):
            unit.repeat_of, unit.reused = gone.id, True  # as an earlier commit might have left them
            feed.store.commit([unit])
        assert told([again, first]) == [(None, False), (again.id, False)]
        other, repeat = receive_once(2), receive_once(2)
        for unit in (other, repeat):
            unit.mint(feed.mint)
        with subject.outage(), pytest.raises(StoreUnavailable):
            feed.store.commit([other, repeat])
        feed.store.commit([other, repeat])
        assert told([other, repeat]) == [(None, False), (other.id, False)]
        assert feed.waiting() == [again.id, other.id]

    @clause
    def test_repeats_are_known_after_reopening(self, feed: Feed) -> None:
        """A repeat after a close and an open is one, and `last_id` knows the id of its event."""
        first = feed.one(receive_once())
        feed.reopen()
        again = feed.one(receive_once())
        assert again.repeat_of == first.id
        feed.reopen()
        assert feed.store.last_id() == again.id

    @clause
    @pytest.mark.parametrize("seed", range(4))
    def test_any_repeats_are_told_as_the_model_tells_them(self, feed: Feed, seed: int) -> None:
        """Any messages, fates and forgetting: the store and `MemoryStore` tell the same repeats."""
        pair = Pair(feed, random.Random(seed))
        for number in range(STEPS):
            make = turn(pair)
            pair.subject.last = pair.model.last = max(pair.subject.last, pair.model.last)
            batches = [make(each) for each in (pair.subject, pair.model)]
            for each, units in zip((pair.subject, pair.model), batches, strict=True):
                each.commit(*units)
            assert told(batches[0]) == told(batches[1]), f"step {number} of seed {seed}"
            assert pair.subject.bookmark() == pair.model.bookmark()
        every = MessageQuery(limit=1000)
        assert pair.subject.reader.messages(every) == pair.model.reader.messages(every)
