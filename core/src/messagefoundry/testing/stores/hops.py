"""Clauses: messages that go from one inbound of the engine to another."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.errors import StaleUnit
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.contracts.units import Failed
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import Feed, delivered, hand_off, receive, retry
from messagefoundry.testing.stores.subject import StoreClauses


class HopClauses(StoreClauses):
    """A hop is part of the unit that makes it."""

    @clause
    def test_what_is_passed_comes_in_with_the_hand_off(self, feed: Feed) -> None:
        """`HandOff.passed`: messages in the flows of other inbounds; the one that was handed off counts as routed."""
        message_id = feed.received()
        passed = [receive("IB2", raw, parent=message_id, depth=1) for raw in (b"1", b"2")]
        passed.append(receive("IB3", b"3", parent=message_id, depth=1))
        feed.commit(hand_off(message_id, passed=passed))
        assert (feed.waiting("IB2"), feed.waiting("IB3")) == ([passed[0].id, passed[1].id], [passed[2].id])
        assert [feed.reader.body(unit.id) for unit in passed] == [b"1", b"2", b"3"]
        assert [feed.words(unit.id) for unit in passed] == [["received"]] * 3
        assert (feed.disposition(message_id), feed.words(message_id)) == ("PROCESSED", ["received", "routed"])
        assert feed.store.last_id() == feed.last

    @clause
    def test_a_stale_hand_off_passes_nothing(self, feed: Feed) -> None:
        """`HandOff` that is stale: nothing of it comes in anywhere, nor of its batch."""
        message_id, _ = feed.handed_off("OB")
        fresh = feed.received()
        with pytest.raises(StaleUnit):
            feed.commit(
                hand_off(fresh, passed=[receive("IB2", parent=fresh)]),
                hand_off(message_id, passed=[receive("IB2", parent=message_id)]),
            )
        assert (feed.waiting(), feed.waiting("IB2")) == ([fresh], [])

    @clause
    def test_a_reply_comes_in_with_its_delivery(self, feed: Feed) -> None:
        """`SettleDelivered.reingressed`: a message in the flow of its inbound, and the item is delivered."""
        message_id, item = feed.handed_off("OB")
        unit = feed.one(delivered(item, message_id, reingressed=receive("LOOP", b"RSP", parent=message_id, depth=3)))
        assert unit.reingressed is not None
        key = unit.reingressed.id
        assert (feed.waiting("LOOP"), feed.disposition(message_id)) == ([key], "PROCESSED")
        assert (feed.message(key).parent_id, feed.message(key).depth, feed.reader.body(key)) == (message_id, 3, b"RSP")
        assert feed.words(message_id) == ["received", "routed", "delivered"]
        assert feed.store.last_id() == feed.last

    @clause
    def test_a_stale_delivery_brings_nothing_in(self, feed: Feed) -> None:
        """`SettleDelivered` that is stale: its reply does not come in a second time."""
        message_id, item = feed.handed_off("OB")
        feed.commit(delivered(item, message_id, reingressed=receive("LOOP")))
        with pytest.raises(StaleUnit):
            feed.commit(receive("LOOP"), delivered(item, message_id, reingressed=receive("LOOP")))
        assert len(feed.waiting("LOOP")) == 1

    @clause
    def test_parent_and_depth_are_told(self, feed: Feed) -> None:
        """`depth` and `parent_id` of a message, in lists and refills; of an item's message where `depths` asks."""
        first = feed.received()
        units = [receive(parent=first, depth=7), receive(parent=first, depth=5)]
        feed.commit(*units)
        key, other = (unit.id for unit in units)
        handed = feed.one(hand_off(key, "OB", failed=[Failed("routed", "h", "boom")]))
        again = feed.replayed(handed.failed[0].id)
        told = {row.order: (row.parent_id, row.depth) for row in feed.flow().messages}
        assert told == {first: (None, 0), other: (first, 5), again: (first, 7)}
        assert {row.id: row.depth for row in feed.reader.messages(MessageQuery())} == {first: 0, key: 7, other: 5}
        for unordered in (False, True):
            assert [item.depth for item in feed.lane(depths=True, unordered=unordered).items] == [7]
        assert feed.lane("NONE", depths=True).items == []

    @clause
    def test_what_came_of_a_message_is_found(self, feed: Feed) -> None:
        """`MessageQuery.parent`: the messages that came from one; pages go both ways."""
        first, other = feed.received(), feed.received()
        units = [receive(parent=parent) for parent in (first, other, first, first)]
        feed.commit(*units)
        one, _, three, four = (unit.id for unit in units)
        reader = feed.reader
        assert [row.id for row in reader.messages(MessageQuery(parent=first))] == [four, three, one]
        assert [row.id for row in reader.messages(MessageQuery(parent=first, before=four, limit=1))] == [three]
        assert [row.id for row in reader.messages(MessageQuery(parent=first, after=one, limit=1))] == [three]
        assert reader.count_messages(MessageQuery(parent=first)) == 3
        assert reader.messages(MessageQuery(parent=four)) == []

    @clause
    def test_the_last_reply_of_a_lane(self, feed: Feed) -> None:
        """`last_reply`: of the message, with which the lane delivered it, the newest below an id; else None."""
        message_id, item, other = feed.handed_off("OB", "OTHER")
        feed.commit(retry(item, message_id, due=5))
        last = feed.reader.last_reply
        assert last(message_id, "OB", feed.last + 1) is None, "a reply with which nothing was delivered"
        first = delivered(item, message_id, attempt=2)
        first.reply = b"first"
        silent = delivered(other, message_id, "OTHER")
        silent.reply = None
        feed.commit(first, silent)
        feed.commit(feed.replay(message_id))
        again = feed.one(hand_off(message_id, "OB")).outgoing[0].id
        second = delivered(again, message_id)
        second.reply = b"second"
        feed.commit(second)
        asked = [last(message_id, "OB", before) for before in (second.id + 1, second.id, first.id + 1, first.id)]
        assert asked == [b"second", b"first", b"first", None]
        assert [last(message_id, "OTHER", feed.last + 1), last(other, "OB", feed.last + 1)] == [None, None]
