"""Clauses: what a refill takes, in which order, and when it says that nothing was left out."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.units import ReplayDead
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import Feed, delivered, hand_off, receive, retry
from messagefoundry.testing.stores.subject import StoreClauses

WINDOWS = [
    ([], 3, 10, 0, True),
    ([1, 1, 1], 3, 10, 3, True),
    ([1, 1, 1, 1], 3, 10, 3, False),
    ([5, 5], 3, 10, 2, True),
    ([5, 6], 3, 10, 1, False),
    ([5, 5, 1], 3, 10, 2, False),
    ([50], 3, 10, 1, True),
    ([50, 1], 3, 10, 1, False),
    ([0, 0, 0], 3, 0, 3, True),
    ([1, 1], 1, 0, 1, False),
]
"""Sizes of what waits, `limit`, `max_bytes`, how many are taken, `complete`."""

windows = pytest.mark.parametrize(("sizes", "limit", "max_bytes", "taken", "complete"), WINDOWS)


class RefillClauses(StoreClauses):
    """Windows, order and fairness."""

    @clause
    @windows
    def test_the_window_of_a_lane(
        self, feed: Feed, sizes: list[int], limit: int, max_bytes: int, taken: int, complete: bool
    ) -> None:
        """A lane's refill takes at most `limit` items and, having one, `max_bytes`; `complete` if none is left."""
        keys = [feed.handed_off("OB", payload=b"x" * size)[1] for size in sizes]
        lane = feed.lane(limit=limit, max_bytes=max_bytes)
        assert ([item.id for item in lane.items], lane.complete) == (keys[:taken], complete)

    @clause
    @windows
    def test_the_window_of_an_unordered_lane(
        self, feed: Feed, sizes: list[int], limit: int, max_bytes: int, taken: int, complete: bool
    ) -> None:
        """An unordered lane's refill keeps to the same window."""
        keys = [feed.handed_off("OB", payload=b"x" * size)[1] for size in sizes]
        lane = feed.lane(limit=limit, max_bytes=max_bytes, unordered=True)
        assert ([item.id for item in lane.items], lane.complete) == (keys[:taken], complete)

    @clause
    @windows
    def test_the_window_of_a_flow(
        self, feed: Feed, sizes: list[int], limit: int, max_bytes: int, taken: int, complete: bool
    ) -> None:
        """A flow's refill keeps to the same window, by the messages' sizes."""
        keys = [feed.received(raw=b"x" * size) for size in sizes]
        flow = feed.flow(limit=limit, max_bytes=max_bytes)
        assert ([message.message_id for message in flow.messages], flow.complete) == (keys[:taken], complete)

    @clause
    def test_refills_page_through_a_lane_in_order(self, feed: Feed) -> None:
        """Refills beyond `after` read every item once, by ascending id."""
        received = [receive() for _ in range(25)]
        feed.commit(*received)
        units = [hand_off(unit.id, "OB") for unit in received]
        feed.commit(*units)
        seen: list[int] = []
        pages: list[bool] = []
        while not any(pages) and len(pages) < 5:
            lane = feed.lane(after=seen[-1] if seen else 0, limit=7)
            seen += [item.id for item in lane.items]
            pages.append(lane.complete)
        assert pages == [False, False, False, True]
        assert seen == [unit.outgoing[0].id for unit in units]

    @clause
    def test_a_fifo_lane_reads_items_that_back_off_too(self, feed: Feed) -> None:
        """A FIFO lane reads by id, due or not; `next_due` tells the earliest `due` to come."""
        (message_id, first), (_, second) = feed.handed_off("OB"), feed.handed_off("OB")
        feed.commit(retry(first, message_id, due=900))
        lane = feed.lane(now=100)
        assert [item.id for item in lane.items] == [first, second]
        assert lane.next_due == 900

    @clause
    def test_an_unordered_lane_reads_what_is_due(self, feed: Feed) -> None:
        """An unordered lane reads items never tried beyond `after`, and those that are due; by (due, id)."""
        items = [feed.handed_off("OB") for _ in range(6)]
        keys = [item for _, item in items]
        for (message_id, item), due in zip(items[:4], (1_000, 3_000, 2_000, 9_000), strict=True):
            feed.commit(retry(item, message_id, due))
        lane = feed.lane(after=keys[4], now=3_000, unordered=True)
        assert [item.id for item in lane.items] == [keys[5], keys[0], keys[2], keys[1]]
        assert (lane.complete, lane.next_due) == (True, 9_000)

    @clause
    def test_an_unordered_lane_never_reads_what_it_has(self, feed: Feed) -> None:
        """Items in `exclude` are not read, tried or untried, and do not count for `next_due`."""
        items = [feed.handed_off("OB") for _ in range(4)]
        keys = [item for _, item in items]
        for message_id, item in items[:2]:
            feed.commit(retry(item, message_id, due=1_000))
        assert feed.items(now=2_000, unordered=True, exclude=[keys[0], keys[2]]) == [keys[3], keys[1]]
        early = feed.lane(now=500, unordered=True, exclude=keys[:2], after=keys[3])
        assert (early.items, early.complete, early.next_due) == ([], True, 0)

    @clause
    def test_an_unordered_lane_takes_turns_by_when_items_became_due(self, feed: Feed) -> None:
        """An item that was never tried is due since it was queued, which its id tells."""
        feed.last = 1_000
        message_id, old = feed.handed_off("OB")
        feed.commit(retry(old, message_id, due=2_000))
        feed.last = 1_500
        before = feed.handed_off("OB")[1]
        feed.last = 2_500
        after = feed.handed_off("OB")[1]
        assert feed.items(now=3_000, unordered=True) == [before, old, after]

    @clause
    def test_lanes_and_flows_are_apart(self, feed: Feed) -> None:
        """A refill reads its own lane or inbound alone."""
        one, other = feed.received("IB1"), feed.received("IB2")
        assert [message.message_id for message in feed.flow("IB1").messages] == [one]
        assert [message.message_id for message in feed.flow("IB2").messages] == [other]
        feed.commit(hand_off(one, "OB1", inbound="IB1"), hand_off(other, "OB2", inbound="IB2"))
        assert [item.message_id for item in feed.lane("OB1").items] == [one]
        assert [item.message_id for item in feed.lane("OB2").items] == [other]

    @clause
    def test_a_flow_merges_messages_and_handlers_to_be_run_again(self, feed: Feed) -> None:
        """A flow's refill reads received messages and `routed` rows, by their place in the flow."""
        dead_id, work_id = feed.failed("routed", handler="h2")
        first = feed.received()
        again = feed.one(ReplayDead([work_id], "alice", 50)).ids[0]
        second = feed.received()
        read = [(row.order, row.message_id, row.routed_id, row.handler) for row in feed.flow().messages]
        assert read == [(first, first, None, ""), (again, dead_id, again, "h2"), (second, second, None, "")]
        beyond = feed.flow(after=first, limit=1)
        assert ([message.order for message in beyond.messages], beyond.complete) == ([again], False)

    @clause
    def test_what_is_settled_is_not_read_again(self, feed: Feed) -> None:
        """A delivered item is in no refill."""
        message_id, item = feed.handed_off("OB")
        feed.commit(delivered(item, message_id))
        assert (feed.items(), feed.items(unordered=True)) == ([], [])
