"""Clauses: what the reader finds."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.stores import Backlog, DeadQuery, MessageQuery
from messagefoundry.contracts.units import Failed, ReplayDead
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import Feed, dead, delivered, hand_off, receive, refuse
from messagefoundry.testing.stores.subject import StoreClauses

QUERIES = [
    (MessageQuery(), [60, 50, 40, 30, 20, 10]),
    (MessageQuery(inbound="IB2"), [60]),
    (MessageQuery(disposition="RECEIVED"), [60, 10]),
    (MessageQuery(disposition="ROUTED"), [20]),
    (MessageQuery(disposition="PROCESSED"), [30]),
    (MessageQuery(disposition="ERROR"), [50, 40]),
    (MessageQuery(disposition="REFUSED"), [50]),
    (MessageQuery(message_type="ORU^R01"), [30]),
    (MessageQuery(message_type="ORU"), [30]),
    (MessageQuery(message_type="OR"), []),
    (MessageQuery(message_type="oru"), []),
    (MessageQuery(message_type="ORU^R"), []),
    (MessageQuery(message_type="%"), []),
    (MessageQuery(control_id="C2"), [20]),
    (MessageQuery(since=30), [60, 50, 40, 30]),
    (MessageQuery(until=30), [20, 10]),
    (MessageQuery(since=20, until=40, inbound="IB"), [30, 20]),
    (MessageQuery(inbound="NONE"), []),
    (MessageQuery(control_id="' OR ''='"), []),
]
"""Of the messages that `many` stores, the times at which the selected ones were received."""

DEAD_QUERIES = [
    (DeadQuery(), ["ingress", "routed", "outbound", "outbound"]),
    (DeadQuery(connection="IB"), ["ingress", "routed"]),
    (DeadQuery(connection="IB2"), []),
    (DeadQuery(connection="OB"), ["outbound"]),
    (DeadQuery(stage="outbound"), ["outbound", "outbound"]),
    (DeadQuery(message_type="ADT^A01"), ["ingress", "routed", "outbound", "outbound"]),
    (DeadQuery(message_type="ADT"), ["ingress", "routed", "outbound", "outbound"]),
    (DeadQuery(message_type="AD"), []),
    (DeadQuery(message_type="ORU^R01"), []),
    (DeadQuery(message_id=3), ["outbound", "outbound"]),
    (DeadQuery(since=25), ["outbound", "outbound"]),
    (DeadQuery(until=25), ["ingress", "routed"]),
]
"""Of the rows that `dying` stores, the stages of the selected ones."""


def many(feed: Feed) -> Feed:
    """Six messages, received at 10, 20 ... 60: received, routed, processed, dead, refused, of another inbound."""
    units = [receive(at=10 * (index + 1)) for index in range(4)]
    units[1].control_id, units[2].message_type = "C2", "ORU^R01"
    feed.commit(*units)
    feed.commit(refuse(at=50))
    feed.commit(receive("IB2", at=60))
    routed = [hand_off(unit.id, "OB") for unit in units[1:]]
    feed.commit(*routed)
    feed.commit(
        delivered(routed[1].outgoing[0].id, routed[1].message_id), dead(routed[2].outgoing[0].id, routed[2].message_id)
    )
    return feed


def dying(feed: Feed) -> Feed:
    """Dead rows at ingress (IB), routed (IB), outbound (OB), outbound (OTHER), changed at 20, 20, 30, 30."""
    first, second, third = feed.received(), feed.received(), feed.received("IB2")
    feed.commit(hand_off(first, failed=[Failed("ingress", "", "boom")], routing="UNROUTED"))
    feed.commit(hand_off(second, failed=[Failed("routed", "h", "boom")]))
    unit = feed.one(hand_off(third, "OB", "OTHER", inbound="IB2"))
    feed.commit(*(dead(out.id, third, out.lane) for out in unit.outgoing))
    return feed


class LookingUpClauses(StoreClauses):
    """Lists, counts and single rows."""

    @clause
    @pytest.mark.parametrize(("query", "times"), QUERIES)
    def test_messages_are_found(self, feed: Feed, query: MessageQuery, times: list[int]) -> None:
        """`messages` gives what the query selects, newest first, and `count_messages` how many they are."""
        reader = many(feed).reader
        assert [row.received_at for row in reader.messages(query)] == times
        assert reader.count_messages(query) == len(times)

    @clause
    def test_messages_page_both_ways(self, feed: Feed) -> None:
        """`limit` and `before` page towards older messages, `after` towards newer ones."""
        reader = many(feed).reader
        newest = reader.messages(MessageQuery(limit=2))
        assert [row.received_at for row in newest] == [60, 50]
        older = reader.messages(MessageQuery(before=newest[-1].id, limit=2))
        assert [row.received_at for row in older] == [40, 30]
        newer = reader.messages(MessageQuery(after=older[-1].id, limit=2))
        assert [row.received_at for row in newer] == [40, 50]
        assert reader.count_messages(MessageQuery(limit=2)) == 6

    @clause
    def test_dispositions_are_counted(self, feed: Feed) -> None:
        """`dispositions` counts each; refused ones as REFUSED, not as ERROR."""
        counted = many(feed).reader.dispositions()
        assert counted == {"RECEIVED": 2, "ROUTED": 1, "PROCESSED": 1, "ERROR": 1, "REFUSED": 1}

    @clause
    def test_backlogs_tell_depth_and_age(self, feed: Feed) -> None:
        """`backlogs`: depth and lowest id of what waits, per lane, per flow, and per inbound's Handlers."""
        work_id = many(feed).failed("routed", inbound="IB3")[1]
        again = feed.one(ReplayDead([work_id], "alice", 1)).ids[0]
        extra = feed.received("IB2")
        waiting = feed.items()[0]
        first, second = feed.flow().messages[0].order, feed.flow("IB2").messages[0].order
        assert extra > second
        assert {(row.stage, row.connection): row for row in feed.reader.backlogs()} == {
            ("outbound", "OB"): Backlog("outbound", "OB", 1, waiting),
            ("routed", "IB3"): Backlog("routed", "IB3", 1, again),
            ("ingress", "IB"): Backlog("ingress", "IB", 1, first),
            ("ingress", "IB2"): Backlog("ingress", "IB2", 2, second),
        }

    @clause
    def test_the_head_of_a_lane(self, feed: Feed) -> None:
        """`head` is the first waiting item of a lane, None for an empty one."""
        many(feed).handed_off("OB")
        head = feed.reader.head("OB")
        assert head is not None
        assert (head.control_id, head.state, head.size) == ("C2", "waiting", len(b"payload"))
        assert feed.reader.head("NONE") is None

    @clause
    @pytest.mark.parametrize(("query", "stages"), DEAD_QUERIES)
    def test_dead_letters_are_found(self, feed: Feed, query: DeadQuery, stages: list[str]) -> None:
        """`dead_letters` gives what the query selects, oldest first, and `count_dead` how many they are."""
        reader = dying(feed).reader
        assert [row.stage for row in reader.dead_letters(query)] == stages
        assert reader.count_dead(query) == len(stages)

    @clause
    def test_dead_letters_page(self, feed: Feed) -> None:
        """`limit` and `after` page through dead letters."""
        reader = dying(feed).reader
        first = reader.dead_letters(DeadQuery(limit=2))
        rest = reader.dead_letters(DeadQuery(after=first[-1].id))
        assert [row.lane for row in rest] == ["OB", "OTHER"]

    @clause
    def test_what_is_not_there(self, feed: Feed) -> None:
        """An empty store finds nothing, and raises nothing."""
        reader = feed.reader
        assert (reader.message(1), reader.body(1), reader.reply(1, 1)) == (None, None, None)
        assert (reader.work(1), reader.trail(1), reader.messages(MessageQuery())) == ([], [], [])
        assert (reader.backlogs(), reader.dispositions(), reader.held()) == ([], {}, set())

    @clause
    def test_a_reply_belongs_to_its_message(self, feed: Feed) -> None:
        """`reply` finds nothing under another message's id."""
        message_id, item = feed.handed_off("OB")
        event = feed.one(delivered(item, message_id))
        assert feed.reader.reply(message_id + 1, event.id) is None

    @clause
    def test_a_sound_store_says_so(self, feed: Feed) -> None:
        """`integrity` finds nothing wrong with a store that is sound."""
        feed.handed_off("OB")
        assert feed.reader.integrity() == []
