"""Windows: what a refill takes, and when it says that nothing was left out."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.units import ReplayDead
from tests.stores.feed import Feed, delivered, hand_off, receive, retry


def _lane_of(feed: Feed, sizes: list[int]) -> list[int]:
    return [feed.handed_off("OB", payload=b"x" * size)[1] for size in sizes]


@pytest.mark.parametrize(
    ("sizes", "limit", "max_bytes", "taken", "complete"),
    [
        ([], 3, 10, 0, True),
        ([1, 1], 3, 10, 2, True),
        ([1, 1, 1], 3, 10, 3, True),
        ([1, 1, 1, 1], 3, 10, 3, False),
        ([5, 5], 3, 10, 2, True),
        ([5, 6], 3, 10, 1, False),
        ([5, 5, 1], 3, 10, 2, False),
        ([50], 3, 10, 1, True),
        ([50, 1], 3, 10, 1, False),
        ([0, 0, 0], 3, 0, 3, True),
        ([1, 1], 1, 0, 1, False),
    ],
)
def test_the_window(feed: Feed, sizes: list[int], limit: int, max_bytes: int, taken: int, complete: bool) -> None:
    keys = _lane_of(feed, sizes)
    lane = feed.lane(limit=limit, max_bytes=max_bytes)
    assert ([item.id for item in lane.items], lane.complete) == (keys[:taken], complete)
    unordered = feed.lane(limit=limit, max_bytes=max_bytes, unordered=True)
    assert ([item.id for item in unordered.items], unordered.complete) == (keys[:taken], complete)


@pytest.mark.parametrize(
    ("sizes", "limit", "max_bytes", "taken", "complete"),
    [
        ([], 2, 10, 0, True),
        ([4, 4], 2, 10, 2, True),
        ([4, 4, 4], 2, 10, 2, False),
        ([4, 7], 2, 10, 1, False),
        ([40], 2, 10, 1, True),
    ],
)
def test_the_window_of_a_flow(
    feed: Feed, sizes: list[int], limit: int, max_bytes: int, taken: int, complete: bool
) -> None:
    keys = [feed.received(raw=b"x" * size) for size in sizes]
    flow = feed.flow(limit=limit, max_bytes=max_bytes)
    assert ([message.message_id for message in flow.messages], flow.complete) == (keys[:taken], complete)


def test_refills_page_through_a_lane_in_order(feed: Feed) -> None:
    received = [receive() for _ in range(25)]
    feed.commit(*received)
    feed.commit(*(hand_off(unit.id, "OB") for unit in received))
    seen: list[int] = []
    complete = False
    while not complete:
        lane = feed.lane(after=seen[-1] if seen else 0, limit=7)
        seen += [item.id for item in lane.items]
        complete = lane.complete
    assert seen == sorted(seen)
    assert len(seen) == 25


def test_a_fifo_lane_reads_items_that_back_off_too(feed: Feed) -> None:
    (message_id, first), (_, second) = feed.handed_off("OB"), feed.handed_off("OB")
    feed.commit(retry(first, message_id, due=900))
    lane = feed.lane(now=100)
    assert [item.id for item in lane.items] == [first, second]
    assert lane.next_due == 900


def test_an_unordered_lane_reads_what_is_due(feed: Feed) -> None:
    items = [feed.handed_off("OB") for _ in range(6)]
    keys = [item for _, item in items]
    for (message_id, item), due in zip(items[:4], (1_000, 3_000, 2_000, 9_000), strict=True):
        feed.commit(retry(item, message_id, due))
    lane = feed.lane(after=keys[4], now=3_000, unordered=True)
    assert [item.id for item in lane.items] == [keys[5], keys[0], keys[2], keys[1]]
    assert lane.complete
    assert lane.next_due == 9_000


def test_an_unordered_lane_never_reads_what_it_has(feed: Feed) -> None:
    items = [feed.handed_off("OB") for _ in range(4)]
    keys = [item for _, item in items]
    for message_id, item in items[:2]:
        feed.commit(retry(item, message_id, due=1_000))
    lane = feed.lane(now=2_000, unordered=True, exclude=[keys[0], keys[2]])
    assert [item.id for item in lane.items] == [keys[3], keys[1]]
    early = feed.lane(now=500, unordered=True, exclude=[keys[0]], after=keys[3])
    assert (early.items, early.complete, early.next_due) == ([], True, 1_000)
    none = feed.lane(now=500, unordered=True, exclude=keys[:2], after=keys[3])
    assert (none.items, none.complete, none.next_due) == ([], True, 0)


def test_an_unordered_lane_takes_turns_by_when_items_became_due(feed: Feed) -> None:
    """An item that was never tried is due since it was queued, which its id tells."""
    feed.last = 1_000
    message_id, old = feed.handed_off("OB")
    feed.commit(retry(old, message_id, due=2_000))
    feed.last = 1_500
    before = feed.handed_off("OB")[1]
    feed.last = 2_500
    after = feed.handed_off("OB")[1]
    lane = feed.lane(now=3_000, unordered=True)
    assert [item.id for item in lane.items] == [before, old, after]


def test_lanes_and_flows_are_apart(feed: Feed) -> None:
    one, other = feed.received("IB1"), feed.received("IB2")
    assert [message.message_id for message in feed.flow("IB1").messages] == [one]
    assert [message.message_id for message in feed.flow("IB2").messages] == [other]
    feed.commit(hand_off(one, "OB1", inbound="IB1"), hand_off(other, "OB2", inbound="IB2"))
    assert [item.message_id for item in feed.lane("OB1").items] == [one]
    assert [item.message_id for item in feed.lane("OB2").items] == [other]


def test_a_flow_merges_received_messages_and_handlers_to_run_again(feed: Feed) -> None:
    dead_id, work_id = feed.failed("routed", handler="h2")
    first = feed.received()
    again = feed.one(ReplayDead([work_id], "alice", 50)).ids[0]
    second = feed.received()
    flow = feed.flow()
    assert [(message.order, message.message_id, message.routed_id, message.handler) for message in flow.messages] == [
        (first, first, None, ""),
        (again, dead_id, again, "h2"),
        (second, second, None, ""),
    ]
    beyond = feed.flow(after=first, limit=1)
    assert [message.order for message in beyond.messages] == [again]
    assert not beyond.complete


def test_what_is_settled_is_not_read_again(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    feed.commit(delivered(item, message_id))
    assert feed.lane().items == []
    assert feed.lane(unordered=True).items == []
