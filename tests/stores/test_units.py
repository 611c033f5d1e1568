"""What each unit does, and what it refuses to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import StaleUnit
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.contracts.units import (
    Failed,
    HoldConnection,
    MarkAttempt,
    MarkRunning,
    NoteConnection,
    RefillFlow,
    RefillLane,
    Unit,
)
from tests.stores.feed import EVERYTHING, RAW, Feed, dead, delivered, hand_off, receive, refuse, retry

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_received_message_waits_in_its_flow(feed: Feed) -> None:
    key = feed.received()
    row = feed.reader.message(key)
    assert row is not None
    assert (row.disposition, row.size, row.control_id, row.message_type) == ("RECEIVED", len(RAW), "C1", "ADT^A01")
    assert (row.refusal, row.has_dead, row.peer, row.received_at) == ("", False, "10.0.0.1:5000", 10)
    assert feed.reader.body(key) == RAW
    (message,) = feed.flow().messages
    assert (message.order, message.message_id, message.raw, message.attempts) == (key, key, RAW, 0)
    (event,) = feed.reader.trail(key)
    assert (event.id, event.kind, event.connection, event.detail) == (key, "received", "IB", "from 10.0.0.1:5000")


def test_a_child_names_its_parent(feed: Feed) -> None:
    parent = feed.received()
    unit = receive()
    unit.parent_id = parent
    row = feed.reader.message(feed.one(unit).id)
    assert row is not None
    assert row.parent_id == parent


def test_a_refused_message_is_an_error_that_is_never_routed(feed: Feed) -> None:
    key = feed.one(refuse()).id
    row = feed.reader.message(key)
    assert row is not None
    assert (row.disposition, row.refusal, row.refused_condition, row.has_dead) == ("ERROR", "AE", "102", False)
    assert feed.flow().messages == []
    assert feed.reader.body(key) == RAW
    (event,) = feed.reader.trail(key)
    assert (event.kind, event.detail) == ("refused", "AE 102 PID-3 is missing")
    assert feed.reader.dispositions() == {"REFUSED": 1}


def test_a_refusal_without_a_code_is_still_one(feed: Feed) -> None:
    row = feed.reader.message(feed.one(refuse(code="")).id)
    assert row is not None
    assert (row.disposition, row.refusal) == ("ERROR", "refused")


def test_a_repeat_of_a_refused_message_is_counted(feed: Feed) -> None:
    key = feed.one(refuse()).id
    feed.commit(refuse())
    feed.commit(refuse())
    other = feed.one(refuse(digest=b"other")).id
    elsewhere = feed.one(refuse(inbound="IB2")).id
    rows = feed.reader.messages(MessageQuery(disposition="REFUSED"))
    assert {row.id: row.repeats for row in rows} == {key: 2, other: 0, elsewhere: 0}


def test_a_hand_off_fills_lanes_in_the_order_returned(feed: Feed) -> None:
    message_id, first, other, second = feed.handed_off("OB", "OTHER", "OB")
    assert feed.disposition(message_id) == "ROUTED"
    assert [item.id for item in feed.lane().items] == [first, second]
    assert [item.id for item in feed.lane("OTHER").items] == [other]
    assert feed.reader.body(first) == b"payload"
    assert feed.flow().messages == []
    assert feed.words(message_id) == ["received", "routed"]


@pytest.mark.parametrize("routing", ["UNROUTED", "FILTERED", "PROCESSED"])
def test_a_hand_off_without_work_ends_the_message(feed: Feed, routing: str) -> None:
    message_id = feed.received()
    feed.commit(hand_off(message_id, routing=routing))  # type: ignore[arg-type]
    assert feed.disposition(message_id) == routing
    assert feed.words(message_id) == ["received", routing.lower()]


@pytest.mark.parametrize("stage", ["ingress", "routed"])
def test_a_failed_stage_leaves_a_dead_row(feed: Feed, stage: str) -> None:
    message_id, work_id = feed.failed(stage)
    (row,) = feed.reader.work(message_id)
    assert (row.id, row.stage, row.state, row.handler, row.error, row.lane) == (work_id, stage, "dead", "h", "boom", "")
    assert feed.disposition(message_id) == "ERROR"
    assert feed.words(message_id) == ["received", "failed"]


def test_an_error_text_of_any_characters_is_kept(feed: Feed) -> None:
    message_id = feed.received()
    feed.commit(hand_off(message_id, failed=[Failed("routed", "h", "b\xe4d \udcff")]))
    assert feed.reader.work(message_id)[0].error == "b\xe4d \\udcff"


def test_dead_work_is_shown_while_other_work_waits(feed: Feed) -> None:
    message_id = feed.received()
    feed.commit(hand_off(message_id, "OB", failed=[Failed("routed", "h2", "boom")]))
    row = feed.reader.message(message_id)
    assert row is not None
    assert (row.disposition, row.has_dead) == ("ROUTED", True)


def test_a_delivery_is_settled_with_its_reply(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    unit = feed.one(delivered(item, message_id, attempt=3))
    (row,) = feed.reader.work(message_id)
    assert (row.state, row.attempts, row.error, row.changed_at) == ("delivered", 3, "", 30)
    assert feed.disposition(message_id) == "PROCESSED"
    event = feed.reader.trail(message_id)[-1]
    assert (event.id, event.kind, event.connection, event.detail) == (unit.id, "delivered", "OB", '{"code":"AA"}')
    assert event.has_reply
    assert feed.reader.reply(message_id, unit.id) == b"MSA|AA|C1"
    assert feed.lane().items == []


def test_a_retry_keeps_the_item_waiting(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    unit = feed.one(retry(item, message_id, due=500, attempt=2))
    (row,) = feed.reader.work(message_id)
    assert (row.state, row.attempts, row.due, row.error) == ("waiting", 2, 500, "partner said AE")
    assert feed.disposition(message_id) == "ROUTED"
    assert feed.reader.reply(message_id, unit.id) == b"MSA|AE|C1"
    (waiting,) = feed.lane().items
    assert (waiting.attempts, waiting.due) == (2, 500)
    feed.commit(delivered(item, message_id, attempt=3))
    assert feed.reader.work(message_id)[0].error == ""


def test_a_dead_item_makes_an_error_when_nothing_waits_any_more(feed: Feed) -> None:
    message_id, first, second = feed.handed_off("OB", "OTHER")
    unit = feed.one(dead(first, message_id))
    assert feed.disposition(message_id) == "ROUTED"
    assert feed.reader.reply(message_id, unit.id) is None
    feed.commit(delivered(second, message_id, "OTHER"))
    assert feed.disposition(message_id) == "ERROR"
    assert feed.words(message_id) == ["received", "routed", "dead", "delivered"]


def test_a_batch_settles_items_with_different_attempts(feed: Feed) -> None:
    items = [feed.handed_off("OB") for _ in range(5)]
    feed.commit(*(delivered(item, key, attempt=1 + index % 2) for index, (key, item) in enumerate(items)))
    assert [feed.reader.work(key)[0].attempts for key, _ in items] == [1, 2, 1, 2, 1]


@pytest.mark.parametrize("count", [1, 63, 64, 65, 130])
def test_batches_of_any_size(feed: Feed, count: int) -> None:
    received = [receive(raw=b"%d" % index) for index in range(count)]
    feed.commit(*received)
    hand_offs = [hand_off(unit.id, "OB", "OTHER", payload=b"p" + unit.raw) for unit in received]
    feed.commit(*hand_offs)
    refill = feed.lane(limit=1000)
    assert [item.payload for item in refill.items] == [b"p%d" % index for index in range(count)]
    feed.commit(*(delivered(item.id, item.message_id) for item in refill.items))
    assert feed.reader.dispositions() == {"ROUTED": count}
    assert feed.store.last_id() == feed.last


def test_attempts_are_counted_until_the_hand_off(feed: Feed) -> None:
    message_id = feed.received()
    assert [feed.one(MarkAttempt(message_id)).attempts for _ in range(3)] == [1, 2, 3]
    feed.reopen()
    assert feed.flow().messages[0].attempts == 3
    feed.commit(hand_off(message_id))
    with pytest.raises(StaleUnit):
        feed.commit(MarkAttempt(message_id))


def test_the_mark_of_a_running_engine(feed: Feed) -> None:
    assert [feed.one(MarkRunning(running, 5)).was_running for running in (True, True, False, True)] == [
        False,
        True,
        True,
        False,
    ]


def test_an_operators_stop_survives(feed: Feed) -> None:
    feed.commit(HoldConnection("OB", True, "alice", 5))
    feed.commit(HoldConnection("IB", True, "alice", 6))
    feed.commit(HoldConnection("IB", False, "bob", 7))
    feed.reopen()
    assert feed.reader.held() == {"OB"}
    events = feed.reader.connection_events("IB", 10)
    assert [(event.kind, event.detail, event.at) for event in events] == [
        ("held", "by alice", 6),
        ("released", "by bob", 7),
    ]


def test_the_newest_events_of_a_connection(feed: Feed) -> None:
    feed.commit(*(NoteConnection("IB", "started", str(index), index) for index in range(5)))
    feed.commit(NoteConnection("OB", "stopped", "", 9))
    assert [event.detail for event in feed.reader.connection_events("IB", 2)] == ["3", "4"]
    assert feed.store.last_id() == feed.last


_STALE: dict[str, Callable[[int, int], Unit]] = {
    "hand-off": lambda message_id, _: hand_off(message_id, "OB"),
    "hand-off of a routed row": lambda message_id, item: hand_off(message_id, "OB", routed_id=item),
    "hand-off of nothing": lambda *_: hand_off(999_999, "OB"),
    "delivered": lambda message_id, item: delivered(item, message_id),
    "retry": lambda message_id, item: retry(item, message_id, 500),
    "dead": lambda message_id, item: dead(item, message_id),
    "attempt": lambda message_id, _: MarkAttempt(message_id),
}


@pytest.mark.parametrize("kind", _STALE)
def test_a_stale_unit_rolls_the_whole_batch_back(feed: Feed, kind: str) -> None:
    message_id, item = feed.handed_off("OB")
    feed.commit(delivered(item, message_id))
    waiting_id, waiting = feed.handed_off("OTHER")
    before = _everything(feed)
    stale = _STALE[kind](message_id, item)
    with pytest.raises(StaleUnit):
        feed.commit(receive(), delivered(waiting, waiting_id, "OTHER"), stale, NoteConnection("IB", "x", "", 1))
    assert _everything(feed) == before
    feed.commit(delivered(waiting, waiting_id, "OTHER"))
    assert feed.disposition(waiting_id) == "PROCESSED"


def test_a_refused_message_cannot_be_handed_off(feed: Feed) -> None:
    key = feed.one(refuse()).id
    with pytest.raises(StaleUnit):
        feed.commit(hand_off(key))


def test_a_refill_sees_the_units_before_it_and_none_after(feed: Feed) -> None:
    first, second = feed.received(), feed.received()
    early, late = hand_off(first, "OB"), hand_off(second, "OB")
    lane = RefillLane("OB", 0, 10, EVERYTHING, 0)
    flow = RefillFlow("IB", 0, 10, EVERYTHING)
    feed.commit(early, lane, flow, late)
    assert [item.id for item in lane.items] == [early.outgoing[0].id]
    assert [message.message_id for message in flow.messages] == [second]
    assert [item.id for item in feed.lane().items] == [early.outgoing[0].id, late.outgoing[0].id]


def test_simulate_is_kept_with_the_item(feed: Feed) -> None:
    message_id = feed.received()
    feed.commit(hand_off(message_id, "OB", simulate=True))
    assert feed.lane().items[0].simulate is True
    assert feed.reader.work(message_id)[0].simulate is True


def test_an_empty_batch_commits(feed: Feed) -> None:
    feed.commit()
    assert feed.store.last_id() == 0


def _everything(feed: Feed) -> list[object]:
    keys = range(1, 50)
    return [
        [feed.reader.message(key) for key in keys],
        [feed.reader.work(key) for key in keys],
        [feed.reader.trail(key) for key in keys],
        [feed.reader.body(key) for key in keys],
        feed.reader.connection_events("IB", 100),
    ]
