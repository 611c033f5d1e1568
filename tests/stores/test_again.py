"""Replay, resend, dead-letter and the sweep of removed places, at every stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import StaleUnit
from messagefoundry.contracts.stores import DeadQuery
from messagefoundry.contracts.units import DeadLetter, MarkAttempt, Replay, ReplayDead, Resend, SweepRemoved
from tests.stores.feed import Feed, dead, delivered, hand_off, refuse, retry

if TYPE_CHECKING:
    from collections.abc import Collection


def _replay(*ids: int) -> Replay:
    return Replay(list(ids), "alice", 60)


def _replay_dead(*ids: int) -> ReplayDead:
    return ReplayDead(list(ids), "alice", 60)


def _resend(*ids: int, to: str = "", simulated: Collection[str] | None = None) -> Resend:
    return Resend(list(ids), "alice", 60, to, simulated)


def _dead_letter(message_id: int, to: str = "") -> DeadLetter:
    return DeadLetter(message_id, "alice", "blocks the lane", 60, to)


def test_a_replayed_message_joins_its_flows_tail(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    feed.commit(delivered(item, message_id))
    waiting = feed.received()
    unit = feed.one(_replay(message_id))
    assert (unit.count, unit.inbounds) == (1, {"IB"})
    assert feed.disposition(message_id) == "RECEIVED"
    assert [message.message_id for message in feed.flow().messages] == [waiting, message_id]
    assert feed.flow().messages[1].order == unit.ids[0]
    event = feed.reader.trail(message_id)[-1]
    assert (event.kind, event.detail) == ("replay", "by alice")
    again = feed.one(hand_off(message_id, "OB"))
    assert feed.states(message_id) == {item: "delivered", again.outgoing[0].id: "waiting"}
    assert feed.disposition(message_id) == "ROUTED"


def test_a_replay_supersedes_dead_rows(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    feed.commit(dead(item, message_id))
    feed.commit(_replay(message_id))
    assert feed.states(message_id) == {item: "replayed"}
    feed.commit(hand_off(message_id, routing="FILTERED"))
    assert feed.disposition(message_id) == "FILTERED"
    assert feed.reader.count_dead(DeadQuery()) == 0


def test_a_replay_begins_counting_attempts_anew(feed: Feed) -> None:
    message_id = feed.received()
    feed.commit(MarkAttempt(message_id))
    feed.commit(hand_off(message_id))
    feed.commit(_replay(message_id))
    assert feed.flow().messages[0].attempts == 0


def test_a_replay_forgets_the_attempts_of_a_handler_run_again(feed: Feed) -> None:
    message_id, work_id = feed.failed("routed")
    feed.commit(_replay_dead(work_id))
    assert feed.one(MarkAttempt(message_id)).attempts == 1
    feed.commit(_replay(message_id))
    assert [message.attempts for message in feed.flow().messages] == [0]


def test_a_replay_supersedes_what_waits_in_lanes(feed: Feed) -> None:
    message_id, first, second, sent = feed.handed_off("OB", "OTHER", "SENT")
    other = feed.handed_off("OB")[1]
    feed.commit(delivered(sent, message_id, "SENT"))
    unit = feed.one(_replay(message_id))
    assert (unit.count, unit.work_ids, unit.lanes) == (1, [first, second], {"OB", "OTHER"})
    assert feed.states(message_id) == {first: "replayed", second: "replayed", sent: "delivered"}
    assert [item.id for item in feed.lane().items] == [other]
    again = feed.one(hand_off(message_id, "OB")).outgoing[0].id
    assert [item.id for item in feed.lane().items] == [other, again]
    feed.commit(delivered(again, message_id))
    assert feed.disposition(message_id) == "PROCESSED"


def test_an_item_in_flight_at_a_replay_settles_as_stale(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    feed.commit(_replay(message_id))
    for settle in (delivered(item, message_id), dead(item, message_id), retry(item, message_id, 500)):
        with pytest.raises(StaleUnit):
            feed.commit(settle)
    assert feed.disposition(message_id) == "RECEIVED"
    assert feed.states(message_id) == {item: "replayed"}


def test_a_replay_supersedes_a_handler_to_be_run_again(feed: Feed) -> None:
    message_id, work_id = feed.failed("routed")
    waiting = feed.one(_replay_dead(work_id)).ids[0]
    unit = feed.one(_replay(message_id))
    assert (unit.work_ids, unit.lanes, unit.inbounds) == ([waiting], set(), {"IB"})
    assert [message.routed_id for message in feed.flow().messages] == [None]
    with pytest.raises(StaleUnit):
        feed.commit(hand_off(message_id, "OB", routed_id=waiting))


def test_a_replay_passes_over_received_refused_and_unknown_messages(feed: Feed) -> None:
    received, refused = feed.received(), feed.one(refuse()).id
    unit = feed.one(_replay(received, refused, 424242))
    assert (unit.count, unit.inbounds) == (0, set())
    assert feed.flow().messages[0].order == received


def test_a_replay_of_one_message_twice_counts_once(feed: Feed) -> None:
    message_id = feed.handed_off("OB")[0]
    assert feed.one(_replay(message_id, message_id)).count == 1


def test_replays_keep_the_order_given(feed: Feed) -> None:
    first, second = feed.handed_off("OB")[0], feed.handed_off("OB")[0]
    feed.commit(_replay(second, first))
    assert [message.message_id for message in feed.flow().messages] == [second, first]


def test_dead_at_ingress_replays_the_message(feed: Feed) -> None:
    message_id, work_id = feed.failed("ingress")
    unit = feed.one(_replay_dead(work_id))
    assert (unit.count, unit.inbounds, unit.lanes) == (1, {"IB"}, set())
    assert feed.disposition(message_id) == "RECEIVED"
    assert feed.states(message_id) == {work_id: "replayed"}
    assert feed.flow().messages[0].order == unit.ids[0]
    assert feed.words(message_id) == ["received", "failed", "replay"]


def test_dead_at_routed_replays_its_handler(feed: Feed) -> None:
    message_id, work_id = feed.failed("routed", handler="h2")
    unit = feed.one(_replay_dead(work_id))
    assert (unit.count, unit.inbounds) == (1, {"IB"})
    assert feed.states(message_id) == {work_id: "replayed", unit.ids[0]: "waiting"}
    assert feed.disposition(message_id) == "ROUTED"
    (again,) = feed.flow().messages
    assert (again.routed_id, again.handler) == (unit.ids[0], "h2")
    assert feed.one(MarkAttempt(message_id)).attempts == 1
    hand = feed.one(hand_off(message_id, "OB", routed_id=again.routed_id))
    assert feed.states(message_id) == {
        work_id: "replayed",
        unit.ids[0]: "done",
        hand.outgoing[0].id: "waiting",
    }
    feed.commit(delivered(hand.outgoing[0].id, message_id))
    assert feed.disposition(message_id) == "PROCESSED"
    with pytest.raises(StaleUnit):
        feed.commit(hand_off(message_id, "OB", routed_id=again.routed_id))


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        ("PROCESSED", "FILTERED", "PROCESSED"),
        ("FILTERED", "PROCESSED", "PROCESSED"),
        ("FILTERED", "FILTERED", "FILTERED"),
    ],
)
def test_a_handler_run_again_never_takes_processed_back(feed: Feed, before: str, now: str, after: str) -> None:
    message_id, work_id = feed.failed("routed")
    feed.store._cursor.execute("UPDATE message SET routing = ?", (before,))
    again = feed.one(_replay_dead(work_id)).ids[0]
    feed.commit(hand_off(message_id, routed_id=again, routing=now))  # type: ignore[arg-type]
    assert feed.disposition(message_id) == after


def test_dead_at_outbound_replays_its_payload(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB", payload=b"as it was")
    feed.commit(dead(item, message_id, attempt=4))
    waiting = feed.handed_off("OB")[1]
    unit = feed.one(_replay_dead(item, item, waiting, 424242))
    assert (unit.count, unit.lanes, unit.inbounds) == (1, {"OB"}, set())
    assert feed.states(message_id) == {item: "replayed", unit.ids[0]: "waiting"}
    lane = feed.lane()
    assert [row.id for row in lane.items] == [waiting, unit.ids[0]]
    assert (lane.items[1].payload, lane.items[1].attempts, lane.items[1].due) == (b"as it was", 0, 0)
    assert feed.words(message_id) == ["received", "routed", "dead", "replay"]
    assert feed.reader.body(item) == b"as it was"


def test_a_replayed_row_keeps_its_simulate(feed: Feed) -> None:
    message_id = feed.received()
    item = feed.one(hand_off(message_id, "OB", simulate=True)).outgoing[0].id
    feed.commit(dead(item, message_id))
    feed.commit(_replay_dead(item))
    assert feed.lane().items[0].simulate is True


def test_a_resend_queues_the_newest_payload_of_each_lane(feed: Feed) -> None:
    message_id, old, other, new = feed.handed_off("OB", "OTHER", "OB")
    feed.commit(delivered(old, message_id), delivered(other, message_id, "OTHER"), delivered(new, message_id))
    unit = feed.one(_resend(message_id, simulated=["OB"]))
    assert (unit.count, unit.lanes) == (2, {"OB", "OTHER"})
    assert [item.message_id for item in feed.lane("OTHER").items] == [message_id]
    assert feed.lane().items[0].simulate is True
    assert feed.lane("OTHER").items[0].simulate is False
    assert feed.disposition(message_id) == "ROUTED"
    assert feed.words(message_id)[-2:] == ["resend", "resend"]


@pytest.mark.parametrize(("simulated", "expected"), [(None, True), ([], False), (["OB"], True)])
def test_a_resend_is_simulated_as_its_lane_is_today_or_else_as_it_was(
    feed: Feed, simulated: list[str] | None, expected: bool
) -> None:
    message_id = feed.received()
    item = feed.one(hand_off(message_id, "OB", simulate=True)).outgoing[0].id
    feed.commit(delivered(item, message_id))
    feed.commit(_resend(message_id, simulated=simulated))
    assert feed.lane().items[0].simulate is expected


def test_a_resend_to_one_lane(feed: Feed) -> None:
    message_id, item, other = feed.handed_off("OB", "OTHER")
    feed.commit(delivered(item, message_id), delivered(other, message_id, "OTHER"))
    unit = feed.one(_resend(message_id, to="OTHER"))
    assert (unit.count, unit.lanes) == (1, {"OTHER"})
    assert feed.lane().items == []


def test_a_resend_to_a_lane_that_never_had_the_message(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB", payload=b"as it was")
    feed.commit(dead(item, message_id))
    unit = feed.one(_resend(message_id, to="NEW"))
    assert (unit.count, unit.lanes) == (1, {"NEW"})
    assert feed.lane("NEW").items[0].payload == b"as it was"
    assert feed.states(message_id)[item] == "dead"


def test_a_resend_to_a_new_lane_takes_the_payload_queued_last(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB", payload=b"first")
    feed.commit(delivered(item, message_id))
    feed.commit(_replay(message_id))
    feed.commit(hand_off(message_id, "OTHER", payload=b"second"))
    feed.commit(_resend(message_id, to="NEW"))
    assert feed.lane("NEW").items[0].payload == b"second"


def test_a_resend_leaves_what_waits(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    assert feed.one(_resend(message_id)).count == 0
    assert feed.one(_resend(message_id, to="OB")).count == 0
    assert [row.id for row in feed.lane().items] == [item]


def test_a_resend_supersedes_the_dead_row_of_its_lane(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    feed.commit(dead(item, message_id))
    feed.commit(_resend(message_id))
    again = feed.lane().items[0]
    assert feed.states(message_id) == {item: "replayed", again.id: "waiting"}
    feed.commit(delivered(again.id, message_id))
    assert feed.disposition(message_id) == "PROCESSED"


def test_a_resend_of_what_was_never_sent(feed: Feed) -> None:
    received, filtered = feed.received(), feed.received()
    feed.commit(hand_off(filtered, routing="FILTERED"))
    unit = feed.one(_resend(received, filtered, 424242, to="OB"))
    assert (unit.count, unit.lanes) == (0, set())


def test_dead_letter_frees_every_lane(feed: Feed) -> None:
    message_id, item, other = feed.handed_off("OB", "OTHER")
    unit = feed.one(_dead_letter(message_id))
    assert (unit.count, unit.work_ids, unit.lanes, unit.inbounds) == (2, [item, other], {"OB", "OTHER"}, set())
    assert feed.disposition(message_id) == "ERROR"
    assert [row.error for row in feed.reader.work(message_id)] == ["blocks the lane"] * 2
    event = feed.reader.trail(message_id)[-1]
    assert (event.kind, event.connection, event.detail) == ("dead-letter", "OTHER", "by alice: blocks the lane")
    with pytest.raises(StaleUnit):
        feed.commit(delivered(item, message_id))
    assert feed.one(_replay_dead(item, other)).count == 2


def test_dead_letter_in_one_lane(feed: Feed) -> None:
    message_id, item, other = feed.handed_off("OB", "OTHER")
    unit = feed.one(_dead_letter(message_id, to="OTHER"))
    assert (unit.count, unit.work_ids, unit.lanes) == (1, [other], {"OTHER"})
    assert feed.states(message_id) == {item: "waiting", other: "dead"}
    assert feed.disposition(message_id) == "ROUTED"


def test_dead_letter_of_a_received_message(feed: Feed) -> None:
    message_id = feed.received()
    assert feed.one(_dead_letter(message_id, to="OB")).count == 0
    unit = feed.one(_dead_letter(message_id))
    assert (unit.count, unit.inbounds, unit.lanes) == (1, {"IB"}, set())
    (row,) = feed.reader.work(message_id)
    assert (row.id, row.stage, row.state, row.error) == (unit.work_ids[0], "ingress", "dead", "blocks the lane")
    assert feed.disposition(message_id) == "ERROR"
    assert feed.flow().messages == []
    with pytest.raises(StaleUnit):
        feed.commit(hand_off(message_id))
    feed.commit(_replay_dead(row.id))
    assert feed.disposition(message_id) == "RECEIVED"


def test_dead_letter_of_a_routed_row(feed: Feed) -> None:
    message_id, work_id = feed.failed("routed")
    again = feed.one(_replay_dead(work_id)).ids[0]
    unit = feed.one(_dead_letter(message_id))
    assert (unit.work_ids, unit.inbounds) == ([again], {"IB"})
    assert feed.disposition(message_id) == "ERROR"


def test_dead_letter_where_nothing_waits(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    feed.commit(delivered(item, message_id))
    refused = feed.one(refuse()).id
    assert [feed.one(_dead_letter(key)).count for key in (message_id, refused, 424242)] == [0, 0, 0]
    assert feed.disposition(message_id) == "PROCESSED"


def _sweep(*, inbounds: str = "IB", lanes: str = "OB", handlers: str = "h", limit: int = 1000) -> SweepRemoved:
    return SweepRemoved(inbounds.split(), lanes.split(), handlers.split(), 70, limit)


def _removed(feed: Feed, unit: SweepRemoved) -> int:
    return feed.reader.removed(unit.inbounds, unit.lanes, unit.handlers)


def test_a_sweep_takes_what_has_no_place(feed: Feed) -> None:
    kept, gone = feed.handed_off("OB", "GONE")[0], feed.received("GONE_IB")
    handler_gone, work_id = feed.failed("routed", handler="gone")
    feed.commit(_replay_dead(work_id))
    sweep = _sweep()
    assert _removed(feed, sweep) == 3
    assert feed.one(sweep).count == 3
    assert _removed(feed, sweep) == 0
    assert feed.disposition(kept) == "ROUTED"
    errors = {row.message_id: row.error for row in feed.reader.dead_letters(DeadQuery())}
    assert errors == {
        kept: "outbound GONE is no longer in the configuration",
        gone: "inbound GONE_IB is no longer in the configuration",
        handler_gone: "handler gone is no longer in the configuration",
    }
    assert [feed.words(key)[-1] for key in (kept, gone, handler_gone)] == ["removed"] * 3
    assert [feed.disposition(key) for key in (gone, handler_gone)] == ["ERROR", "ERROR"]


def test_a_sweep_stops_at_its_limit(feed: Feed) -> None:
    for _ in range(3):
        feed.handed_off("GONE")
        feed.received("GONE_IB")
    counts = [feed.one(_sweep(limit=4)).count for _ in range(3)]
    assert counts == [4, 2, 0]


def test_a_sweep_takes_nothing_that_has_a_place(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    feed.commit(retry(item, message_id, 500))
    feed.received()
    assert feed.one(_sweep()).count == 0
