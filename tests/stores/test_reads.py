"""What the reader finds."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.stores import Backlog, DeadQuery, MessageQuery
from messagefoundry.contracts.units import Failed, Replay, ReplayDead
from tests.stores.feed import Feed, dead, delivered, hand_off, receive, refuse


@pytest.fixture
def many(feed: Feed) -> Feed:
    """Six messages, received at 10, 20 ... 60: received, routed, processed, dead, refused, of another inbound."""
    units = [receive(at=10 * (index + 1)) for index in range(4)]
    units[1].control_id, units[2].message_type = "C2", "ORU^R01"
    feed.commit(*units)
    feed.commit(refuse(at=50), receive("IB2", at=60))
    routed = [hand_off(unit.id, "OB") for unit in units[1:]]
    feed.commit(*routed)
    feed.commit(
        delivered(routed[1].outgoing[0].id, routed[1].message_id), dead(routed[2].outgoing[0].id, routed[2].message_id)
    )
    return feed


@pytest.mark.parametrize(
    ("query", "times"),
    [
        (MessageQuery(), [60, 50, 40, 30, 20, 10]),
        (MessageQuery(limit=2), [60, 50]),
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
    ],
)
def test_messages(many: Feed, query: MessageQuery, times: list[int]) -> None:
    assert [row.received_at for row in many.reader.messages(query)] == times
    if query.limit == 50:
        assert many.reader.count_messages(query) == len(times)


def test_messages_page_both_ways(many: Feed) -> None:
    newest = many.reader.messages(MessageQuery(limit=2))
    older = many.reader.messages(MessageQuery(before=newest[-1].id, limit=2))
    assert [row.received_at for row in older] == [40, 30]
    newer = many.reader.messages(MessageQuery(after=older[-1].id, limit=2))
    assert [row.received_at for row in newer] == [40, 50]


def test_dispositions(many: Feed) -> None:
    assert many.reader.dispositions() == {"RECEIVED": 2, "ROUTED": 1, "PROCESSED": 1, "ERROR": 1, "REFUSED": 1}


def test_backlogs(many: Feed) -> None:
    message_id, work_id = many.failed("routed", inbound="IB3")
    again = many.one(ReplayDead([work_id], "alice", 1)).ids[0]
    rows = {(backlog.stage, backlog.connection): backlog for backlog in many.reader.backlogs()}
    waiting = many.lane().items[0].id
    received, other = many.flow().messages[0].order, many.flow("IB2").messages[0].order
    assert rows == {
        ("outbound", "OB"): Backlog("outbound", "OB", 1, waiting),
        ("routed", "IB3"): Backlog("routed", "IB3", 1, again),
        ("ingress", "IB"): Backlog("ingress", "IB", 1, received),
        ("ingress", "IB2"): Backlog("ingress", "IB2", 1, other),
    }
    many.commit(Replay([message_id], "alice", 1), receive("IB2"))
    assert {row.depth for row in many.reader.backlogs() if row.stage == "ingress"} == {1, 2}


def test_the_head_of_a_lane(many: Feed) -> None:
    many.handed_off("OB")
    head = many.reader.head("OB")
    assert head is not None
    assert (head.control_id, head.state, head.size) == ("C2", "waiting", len(b"payload"))
    assert many.reader.head("NONE") is None


@pytest.fixture
def dying(feed: Feed) -> Feed:
    """Dead rows at ingress (IB), routed (IB), outbound (OB), outbound (OTHER), changed at 20, 20, 30, 30."""
    first, second, third = feed.received(), feed.received(), feed.received("IB2")
    feed.commit(hand_off(first, failed=[Failed("ingress", "", "boom")], routing="UNROUTED"))
    feed.commit(hand_off(second, failed=[Failed("routed", "h", "boom")]))
    unit = feed.one(hand_off(third, "OB", "OTHER", inbound="IB2"))
    feed.commit(*(dead(out.id, third, out.lane) for out in unit.outgoing))
    return feed


@pytest.mark.parametrize(
    ("query", "stages"),
    [
        (DeadQuery(), ["ingress", "routed", "outbound", "outbound"]),
        (DeadQuery(limit=1), ["ingress"]),
        (DeadQuery(connection="IB"), ["ingress", "routed"]),
        (DeadQuery(connection="IB2"), []),
        (DeadQuery(connection="OB"), ["outbound"]),
        (DeadQuery(stage="outbound"), ["outbound", "outbound"]),
        (DeadQuery(message_type="ADT^A01"), ["ingress", "routed", "outbound", "outbound"]),
        (DeadQuery(message_type="ORU^R01"), []),
        (DeadQuery(message_type="ADT"), ["ingress", "routed", "outbound", "outbound"]),
        (DeadQuery(message_type="AD"), []),
        (DeadQuery(message_id=3), ["outbound", "outbound"]),
        (DeadQuery(since=25), ["outbound", "outbound"]),
        (DeadQuery(until=25), ["ingress", "routed"]),
    ],
)
def test_dead_letters(dying: Feed, query: DeadQuery, stages: list[str]) -> None:
    assert [row.stage for row in dying.reader.dead_letters(query)] == stages
    if query.limit == 50:
        assert dying.reader.count_dead(query) == len(stages)


def test_dead_letters_page(dying: Feed) -> None:
    first = dying.reader.dead_letters(DeadQuery(limit=2))
    rest = dying.reader.dead_letters(DeadQuery(after=first[-1].id))
    assert [row.lane for row in rest] == ["OB", "OTHER"]


def test_what_is_not_there(feed: Feed) -> None:
    reader = feed.reader
    assert (reader.message(1), reader.body(1), reader.reply(1, 1)) == (None, None, None)
    assert (reader.work(1), reader.trail(1), reader.messages(MessageQuery())) == ([], [], [])
    assert (reader.backlogs(), reader.dispositions(), reader.held()) == ([], {}, set())
    assert feed.store.last_id() == 0


def test_a_reply_belongs_to_its_message(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    event = feed.one(delivered(item, message_id))
    assert feed.reader.reply(message_id + 1, event.id) is None
