"""Clauses: replay and resend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import StaleUnit
from messagefoundry.contracts.stores import DeadQuery
from messagefoundry.contracts.units import (
    Failed,
    MarkAttempt,
    Replay,
    ReplayDead,
    Resend,
    Routing,
)
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import Feed, dead, delivered, hand_off, refuse, retry
from messagefoundry.testing.stores.subject import StoreClauses

if TYPE_CHECKING:
    from collections.abc import Collection


def replay(*ids: int) -> Replay:
    """Replay messages."""
    return Replay(list(ids), "alice", 60)


def replay_dead(*ids: int) -> ReplayDead:
    """Replay dead rows."""
    return ReplayDead(list(ids), "alice", 60)


def resend(*ids: int, to: str = "", simulated: Collection[str] | None = None) -> Resend:
    """Queue stored payloads again."""
    return Resend(list(ids), "alice", 60, to, simulated)


class AgainClauses(StoreClauses):
    """What operators run again."""

    @clause
    def test_a_replayed_message_joins_its_flows_tail(self, feed: Feed) -> None:
        """`Replay`: the message is RECEIVED again, behind what waits in its flow, and is handed off again."""
        message_id, item = feed.handed_off("OB")
        feed.commit(delivered(item, message_id))
        waiting = feed.received()
        unit = feed.one(replay(message_id))
        assert (unit.count, unit.inbounds) == (1, {"IB"})
        assert feed.disposition(message_id) == "RECEIVED"
        assert [(row.message_id, row.order) for row in feed.flow().messages] == [
            (waiting, waiting),
            (message_id, unit.ids[0]),
        ]
        event = feed.reader.trail(message_id)[-1]
        assert (event.kind, event.detail) == ("replay", "by alice")
        again = feed.one(hand_off(message_id, "OB"))
        assert feed.states(message_id) == {item: "delivered", again.outgoing[0].id: "waiting"}

    @clause
    def test_a_replay_supersedes_dead_rows(self, feed: Feed) -> None:
        """`Replay`: dead rows of the message are `replayed` and do not make it an ERROR any more."""
        message_id, item = feed.handed_off("OB")
        feed.commit(dead(item, message_id))
        feed.commit(replay(message_id))
        assert feed.states(message_id) == {item: "replayed"}
        feed.commit(hand_off(message_id, routing="FILTERED"))
        assert feed.disposition(message_id) == "FILTERED"
        assert feed.reader.count_dead(DeadQuery()) == 0

    @clause
    def test_a_replay_supersedes_what_waits(self, feed: Feed) -> None:
        """`Replay`: what waits of the message is `replayed`, so that it is not sent twice; others go on waiting."""
        message_id, item, second, sent = feed.handed_off("OB", "OTHER", "SENT")
        other = feed.handed_off("OB")[1]
        feed.commit(delivered(sent, message_id, "SENT"))
        unit = feed.one(replay(message_id))
        assert (unit.count, sorted(unit.work_ids), unit.lanes) == (1, [item, second], {"OB", "OTHER"})
        assert feed.states(message_id) == {item: "replayed", second: "replayed", sent: "delivered"}
        assert feed.items() == [other]
        assert feed.disposition(message_id) == "RECEIVED"

    @clause
    def test_what_is_in_flight_at_a_replay_settles_as_stale(self, feed: Feed) -> None:
        """A delivery that ends after its message was replayed raises StaleUnit, whatever its outcome."""
        message_id, item = feed.handed_off("OB")
        feed.commit(replay(message_id))
        for settle in (delivered(item, message_id), dead(item, message_id), retry(item, message_id, 500)):
            with pytest.raises(StaleUnit):
                feed.commit(settle)
        assert (feed.disposition(message_id), feed.states(message_id)) == ("RECEIVED", {item: "replayed"})

    @clause
    def test_a_replay_supersedes_a_handler_to_be_run_again(self, feed: Feed) -> None:
        """`Replay`: a Handler that was to be run again alone is not, for all of them will be."""
        message_id, work_id = feed.failed("routed")
        waiting = feed.one(replay_dead(work_id)).ids[0]
        unit = feed.one(replay(message_id))
        assert (unit.work_ids, unit.lanes, unit.inbounds) == ([waiting], set(), {"IB"})
        assert [message.routed_id for message in feed.flow().messages] == [None]

    @clause
    def test_a_replay_passes_over_what_it_cannot_replay(self, feed: Feed) -> None:
        """`Replay`: RECEIVED, refused and unknown messages are left as they are; one named twice counts once."""
        received, refused, routed = feed.received(), feed.one(refuse()).id, feed.handed_off("OB")[0]
        unit = feed.one(replay(received, refused, 424242))
        assert (unit.count, unit.inbounds) == (0, set())
        assert feed.flow().messages[0].order == received
        assert feed.one(replay(routed, routed)).count == 1

    @clause
    def test_replays_keep_the_order_given(self, feed: Feed) -> None:
        """`Replay`: the messages join the flow in the order named."""
        first, second = feed.handed_off("OB")[0], feed.handed_off("OB")[0]
        feed.commit(replay(second, first))
        assert [message.message_id for message in feed.flow().messages] == [second, first]

    @clause
    def test_a_replay_begins_counting_attempts_anew(self, feed: Feed) -> None:
        """`Replay`: a message that is run again has been begun 0 times."""
        message_id = feed.received()
        feed.commit(MarkAttempt(message_id))
        feed.commit(hand_off(message_id))
        feed.commit(replay(message_id))
        assert feed.flow().messages[0].attempts == 0
        other, work_id = feed.failed("routed", inbound="IB2")
        feed.commit(replay_dead(work_id))
        assert feed.one(MarkAttempt(other)).attempts == 1
        feed.commit(replay(other))
        assert [message.attempts for message in feed.flow("IB2").messages] == [0]

    @clause
    def test_dead_at_ingress_replays_the_message(self, feed: Feed) -> None:
        """`ReplayDead` of an ingress row: the message is RECEIVED again, at its flow's tail."""
        message_id, work_id = feed.failed("ingress")
        unit = feed.one(replay_dead(work_id))
        assert (unit.count, unit.inbounds, unit.lanes) == (1, {"IB"}, set())
        assert feed.disposition(message_id) == "RECEIVED"
        assert feed.states(message_id) == {work_id: "replayed"}
        assert feed.flow().messages[0].order == unit.ids[0]

    @clause
    def test_dead_at_routed_replays_its_handler(self, feed: Feed) -> None:
        """`ReplayDead` of a routed row: a new row for its Handler waits in the flow, and is handed off alone, once."""
        message_id, work_id = feed.failed("routed", handler="h2")
        unit = feed.one(replay_dead(work_id))
        assert (unit.count, unit.inbounds, feed.disposition(message_id)) == (1, {"IB"}, "ROUTED")
        (again,) = feed.flow().messages
        assert (again.routed_id, again.handler) == (unit.ids[0], "h2")
        hand = feed.one(hand_off(message_id, "OB", routed_id=again.routed_id))
        item = hand.outgoing[0].id
        assert feed.states(message_id) == {work_id: "replayed", unit.ids[0]: "done", item: "waiting"}
        feed.commit(delivered(item, message_id))
        assert feed.disposition(message_id) == "PROCESSED"
        with pytest.raises(StaleUnit):
            feed.commit(hand_off(message_id, "OB", routed_id=again.routed_id))

    @clause
    @pytest.mark.parametrize(
        ("before", "now", "after"),
        [
            ("PROCESSED", "FILTERED", "PROCESSED"),
            ("FILTERED", "PROCESSED", "PROCESSED"),
            ("FILTERED", "FILTERED", "FILTERED"),
        ],
    )
    def test_a_handler_run_again_never_takes_processed_back(
        self, feed: Feed, before: Routing, now: Routing, after: str
    ) -> None:
        """A Handler run again may make its message PROCESSED, never less than it was."""
        message_id = feed.received()
        work_id = feed.one(hand_off(message_id, routing=before, failed=[Failed("routed", "h", "boom")])).failed[0].id
        again = feed.one(replay_dead(work_id)).ids[0]
        feed.commit(hand_off(message_id, routed_id=again, routing=now))
        assert feed.disposition(message_id) == after

    @clause
    def test_dead_at_outbound_replays_its_payload(self, feed: Feed) -> None:
        """`ReplayDead` of an outbound row: its payload waits at the lane's tail, untried; others are passed over."""
        message_id, item = feed.handed_off("OB", payload=b"as it was")
        feed.commit(dead(item, message_id, attempt=4))
        waiting = feed.handed_off("OB")[1]
        unit = feed.one(replay_dead(item, item, waiting, 424242))
        assert (unit.count, unit.lanes, unit.inbounds) == (1, {"OB"}, set())
        lane = feed.lane()
        assert [row.id for row in lane.items] == [waiting, unit.ids[0]]
        assert (lane.items[1].payload, lane.items[1].attempts, lane.items[1].due) == (b"as it was", 0, 0)
        assert feed.states(message_id) == {item: "replayed", unit.ids[0]: "waiting"}
        assert feed.words(message_id) == ["received", "routed", "dead", "replay"]
        assert feed.reader.body(item) == b"as it was"

    @clause
    def test_a_replayed_row_keeps_its_simulate(self, feed: Feed) -> None:
        """`ReplayDead`: what was queued simulated stays so."""
        message_id = feed.received()
        item = feed.one(hand_off(message_id, "OB", simulate=True)).outgoing[0].id
        feed.commit(dead(item, message_id))
        feed.commit(replay_dead(item))
        assert feed.lane().items[0].simulate is True

    @clause
    def test_a_resend_queues_the_newest_payload_of_each_lane(self, feed: Feed) -> None:
        """`Resend`: the newest payload of each lane is queued again, once a lane."""
        message_id, old, other, new = feed.handed_off("OB", "OTHER", "OB")
        feed.commit(delivered(old, message_id), delivered(other, message_id, "OTHER"), delivered(new, message_id))
        unit = feed.one(resend(message_id, simulated=["OB"]))
        assert (unit.count, unit.lanes) == (2, {"OB", "OTHER"})
        assert [item.message_id for item in feed.lane("OTHER").items] == [message_id]
        assert [item.simulate for item in feed.lane().items] == [True]
        assert feed.disposition(message_id) == "ROUTED"
        assert feed.words(message_id)[-2:] == ["resend", "resend"]

    @clause
    @pytest.mark.parametrize(("simulated", "expected"), [(None, True), ((), False), (("OB",), True)])
    def test_a_resend_is_simulated_as_its_lane_is_today(
        self, feed: Feed, simulated: tuple[str, ...] | None, expected: bool
    ) -> None:
        """`Resend.simulated` names the lanes that are simulated; None keeps what the queued row said."""
        message_id = feed.received()
        item = feed.one(hand_off(message_id, "OB", simulate=True)).outgoing[0].id
        feed.commit(dead(item, message_id))
        feed.commit(resend(message_id, simulated=simulated))
        assert [row.simulate for row in feed.lane().items] == [expected]

    @clause
    def test_a_resend_to_one_lane(self, feed: Feed) -> None:
        """`Resend.to`: that lane alone; one that never had the message gets the payload queued last."""
        message_id, item, other = feed.handed_off("OB", "OTHER", payload=b"as it was")
        feed.commit(delivered(item, message_id), delivered(other, message_id, "OTHER"))
        assert feed.one(resend(message_id, to="OTHER")).lanes == {"OTHER"}
        assert feed.items() == []
        unit = feed.one(resend(message_id, to="NEW"))
        assert (unit.count, unit.lanes) == (1, {"NEW"})
        assert feed.lane("NEW").items[0].payload == b"as it was"
        feed.commit(replay(message_id))
        feed.commit(hand_off(message_id, "OTHER", payload=b"as it is"))
        feed.commit(resend(message_id, to="NEWER"))
        assert [row.payload for row in feed.lane("NEWER").items] == [b"as it is"]

    @clause
    def test_a_resend_leaves_what_waits(self, feed: Feed) -> None:
        """`Resend`: where the message waits already, and where nothing was ever queued, nothing is added."""
        message_id, item = feed.handed_off("OB")
        assert feed.one(resend(message_id)).count == 0
        assert feed.one(resend(message_id, to="OB")).count == 0
        assert feed.items() == [item]
        assert feed.one(resend(feed.received(), 424242, to="OB")).count == 0

    @clause
    def test_a_resend_supersedes_the_dead_row_of_its_lane(self, feed: Feed) -> None:
        """`Resend`: a dead row whose payload is queued again for its lane is `replayed`; of another lane it stays."""
        message_id, item = feed.handed_off("OB")
        feed.commit(dead(item, message_id))
        feed.commit(resend(message_id, to="NEW"))
        assert feed.states(message_id)[item] == "dead"
        feed.commit(resend(message_id, to="OB"))
        assert feed.states(message_id)[item] == "replayed"
