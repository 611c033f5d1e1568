"""Clauses: work is taken out of the way, by operators and because its place is gone."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.errors import StaleUnit
from messagefoundry.contracts.stores import DeadQuery
from messagefoundry.contracts.units import DeadLetter, SweepRemoved
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.again import replay_dead
from messagefoundry.testing.stores.feed import Feed, delivered, hand_off, refuse, retry
from messagefoundry.testing.stores.subject import StoreClauses


def dead_letter(message_id: int, to: str = "") -> DeadLetter:
    """Dead-letter what waits."""
    return DeadLetter(message_id, "alice", "blocks the lane", 60, to)


def sweep(*, limit: int = 1000) -> SweepRemoved:
    """The graph has IB, OB and h."""
    return SweepRemoved(["IB"], ["OB"], ["h"], 70, limit)


class RemovingClauses(StoreClauses):
    """What is dead-lettered on request."""

    @clause
    def test_dead_letter_frees_every_lane(self, feed: Feed) -> None:
        """`DeadLetter`: everything that waits of the message is dead, with the reason, and can be replayed."""
        message_id, item, other = feed.handed_off("OB", "OTHER")
        unit = feed.one(dead_letter(message_id))
        assert (unit.count, sorted(unit.work_ids), unit.lanes) == (2, [item, other], {"OB", "OTHER"})
        assert feed.disposition(message_id) == "ERROR"
        assert [row.error for row in feed.reader.work(message_id)] == ["blocks the lane"] * 2
        event = feed.reader.trail(message_id)[-1]
        assert (event.kind, event.detail) == ("dead-letter", "by alice: blocks the lane")
        with pytest.raises(StaleUnit):
            feed.commit(delivered(item, message_id))
        assert feed.one(replay_dead(item, other)).count == 2

    @clause
    def test_dead_letter_in_one_lane(self, feed: Feed) -> None:
        """`DeadLetter.to`: what waits in that lane alone."""
        message_id, item, other = feed.handed_off("OB", "OTHER")
        unit = feed.one(dead_letter(message_id, to="OTHER"))
        assert (unit.count, unit.work_ids, unit.lanes) == (1, [other], {"OTHER"})
        assert feed.states(message_id) == {item: "waiting", other: "dead"}

    @clause
    def test_dead_letter_of_a_received_message(self, feed: Feed) -> None:
        """`DeadLetter` of a RECEIVED message: it dies at ingress and leaves its flow; it can be replayed."""
        message_id = feed.received()
        assert feed.one(dead_letter(message_id, to="OB")).count == 0
        unit = feed.one(dead_letter(message_id))
        assert (unit.count, unit.inbounds, unit.lanes) == (1, {"IB"}, set())
        row = feed.work(message_id)
        assert (row.id, row.stage, row.state, row.error) == (unit.work_ids[0], "ingress", "dead", "blocks the lane")
        assert (feed.disposition(message_id), feed.flow().messages) == ("ERROR", [])
        with pytest.raises(StaleUnit):
            feed.commit(hand_off(message_id))
        feed.commit(replay_dead(row.id))
        assert feed.disposition(message_id) == "RECEIVED"

    @clause
    def test_dead_letter_of_a_handler_to_be_run_again(self, feed: Feed) -> None:
        """`DeadLetter` of a message whose Handler waits to be run again: that row is dead."""
        message_id, work_id = feed.failed("routed")
        again = feed.one(replay_dead(work_id)).ids[0]
        unit = feed.one(dead_letter(message_id))
        assert (unit.work_ids, unit.inbounds) == ([again], {"IB"})
        assert (feed.disposition(message_id), feed.flow().messages) == ("ERROR", [])

    @clause
    def test_dead_letter_where_nothing_waits(self, feed: Feed) -> None:
        """`DeadLetter` of a message that is delivered, refused or unknown changes nothing."""
        message_id, item = feed.handed_off("OB")
        feed.commit(delivered(item, message_id))
        refused = feed.one(refuse()).id
        assert [feed.one(dead_letter(key)).count for key in (message_id, refused, 424242)] == [0, 0, 0]
        assert feed.disposition(message_id) == "PROCESSED"

    @clause
    def test_a_sweep_takes_what_has_no_place(self, feed: Feed) -> None:
        """`SweepRemoved`: what waits for a lane, Handler or inbound that is gone is dead; `removed` foretells it."""
        kept, gone = feed.handed_off("OB", "GONE")[0], feed.received("GONE_IB")
        handler_gone, work_id = feed.failed("routed", handler="gone")
        feed.commit(replay_dead(work_id))
        assert feed.reader.removed(["IB"], ["OB"], ["h"]) == 3
        assert feed.one(sweep()).count == 3
        assert feed.reader.removed(["IB"], ["OB"], ["h"]) == 0
        assert feed.disposition(kept) == "ROUTED"
        errors = {row.message_id: row.error for row in feed.reader.dead_letters(DeadQuery())}
        assert errors == {
            kept: "outbound GONE is no longer in the configuration",
            gone: "inbound GONE_IB is no longer in the configuration",
            handler_gone: "handler gone is no longer in the configuration",
        }
        assert [feed.words(key)[-1] for key in (kept, gone, handler_gone)] == ["removed"] * 3

    @clause
    def test_a_sweep_stops_at_its_limit(self, feed: Feed) -> None:
        """`SweepRemoved.limit`: at most so many rows in one unit."""
        for _ in range(3):
            feed.handed_off("GONE")
            feed.received("GONE_IB")
        assert [feed.one(sweep(limit=4)).count for _ in range(3)] == [4, 2, 0]

    @clause
    def test_a_sweep_takes_nothing_that_has_a_place(self, feed: Feed) -> None:
        """`SweepRemoved` leaves what the graph still has."""
        message_id, item = feed.handed_off("OB")
        feed.commit(retry(item, message_id, 500))
        feed.received()
        assert feed.one(sweep()).count == 0
        assert feed.items() == [item]
