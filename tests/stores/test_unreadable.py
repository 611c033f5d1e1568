"""A body that is missing keeps its own work back, and no other; the kit asks this of one that cannot be opened."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.ciphers import UnreadableValue
from messagefoundry.contracts.units import ReplayDead, Resend
from tests.stores.feed import Feed, dead, delivered, retry

_LOSS = "DELETE FROM body WHERE id = ?"


def _lose(feed: Feed, *keys: int) -> None:
    for key in keys:
        feed.store._cursor.execute(_LOSS, (key,))


@pytest.mark.parametrize("unordered", [False, True])
def test_a_lane_is_refilled_around_it(feed: Feed, unordered: bool) -> None:
    (_, first), (message_id, spoilt), (_, last) = (feed.handed_off("OB") for _ in range(3))
    _lose(feed, spoilt)
    lane = feed.lane(unordered=unordered)
    assert [item.id for item in lane.items] == [first, last]
    assert (lane.unreadable, lane.unreadable_messages) == ([spoilt], [message_id])
    assert (lane.complete, lane.last) == (True, last)
    assert feed.states(message_id) == {spoilt: "waiting"}


def test_a_window_of_nothing_readable_is_passed(feed: Feed) -> None:
    keys = [feed.handed_off("OB")[1] for _ in range(5)]
    _lose(feed, *keys[:4])
    lane = feed.lane(limit=2)
    assert (lane.items, lane.unreadable, lane.complete, lane.last) == ([], keys[:2], False, keys[1])
    lane = feed.lane(limit=2, after=lane.last)
    assert (lane.items, lane.unreadable, lane.complete, lane.last) == ([], keys[2:4], False, keys[3])
    lane = feed.lane(limit=2, after=lane.last)
    assert ([item.id for item in lane.items], lane.unreadable, lane.complete) == ([keys[4]], [], True)


def test_what_is_read_in_an_empty_lane_or_flow_ends_where_it_began(feed: Feed) -> None:
    assert (feed.lane(after=7).last, feed.lane(after=7, unordered=True).last, feed.flow(after=7).last) == (7, 7, 7)


def test_an_unordered_lane_goes_on_behind_items_never_tried(feed: Feed) -> None:
    (_, first), (message_id, tried) = feed.handed_off("OB"), feed.handed_off("OB")
    feed.commit(retry(tried, message_id, due=900))
    lane = feed.lane(now=1_000, unordered=True)
    assert ([item.id for item in lane.items], lane.last) == ([first, tried], first)
    assert feed.lane(now=1_000, unordered=True, after=lane.last, exclude=[tried]).last == first


def test_a_flow_is_refilled_around_it(feed: Feed) -> None:
    first, spoilt, last = (feed.received() for _ in range(3))
    _lose(feed, spoilt)
    flow = feed.flow()
    assert [message.message_id for message in flow.messages] == [first, last]
    assert (flow.unreadable, flow.unreadable_messages) == ([spoilt], [spoilt])
    assert (flow.complete, flow.last) == (True, last)


def test_a_flow_names_the_routed_row(feed: Feed) -> None:
    message_id, work_id = feed.failed("routed")
    routed = feed.one(ReplayDead([work_id], "alice", 50)).ids[0]
    waiting = feed.received()
    _lose(feed, message_id)
    flow = feed.flow(limit=1)
    assert (flow.messages, flow.unreadable, flow.unreadable_messages) == ([], [routed], [message_id])
    assert (flow.complete, flow.last) == (False, routed)
    assert [message.message_id for message in feed.flow(after=flow.last).messages] == [waiting]


def test_a_routed_row_and_an_item_can_be_dead_lettered_as_named(feed: Feed) -> None:
    message_id, work_id = feed.failed("routed")
    routed = feed.one(ReplayDead([work_id], "alice", 50)).ids[0]
    _, item = feed.handed_off("OB")
    _lose(feed, message_id, item)
    for unit, place in ((feed.flow(), "IB"), (feed.lane(), "OB")):
        feed.commit(dead(unit.unreadable[0], unit.unreadable_messages[0], place))
    assert (feed.states(message_id)[routed], feed.flow().unreadable, feed.lane().unreadable) == ("dead", [], [])


def test_a_payload_that_cannot_be_read_is_not_queued_again(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    feed.commit(delivered(item, message_id))
    dead_id, dead_item = feed.handed_off("OB")
    feed.commit(dead(dead_item, dead_id))
    _lose(feed, item, dead_item)
    for unit in (Resend([message_id], "alice", 60), ReplayDead([dead_item], "alice", 60)):
        with pytest.raises(UnreadableValue):
            feed.commit(unit)
    assert feed.states(dead_id) == {dead_item: "dead"}
