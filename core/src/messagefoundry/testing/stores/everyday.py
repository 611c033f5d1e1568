"""Clauses: messages are received, refused, handed off and settled."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.errors import StaleUnit
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.contracts.units import (
    Failed,
    HoldConnection,
    MarkAttempt,
    MarkRunning,
    NoteConnection,
    NoteLateAnswer,
    Routing,
    Stage,
)
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import RAW, Feed, dead, delivered, hand_off, receive, refuse, retry
from messagefoundry.testing.stores.subject import StoreClauses


class EverydayClauses(StoreClauses):
    """What each unit of every day does."""

    @clause
    def test_a_received_message_waits_in_its_flow(self, feed: Feed) -> None:
        """`Receive`: the message is RECEIVED, waits in its inbound's flow, and has its bytes as they came."""
        key = feed.received()
        row = feed.message(key)
        assert (row.disposition, row.size, row.control_id, row.message_type) == ("RECEIVED", len(RAW), "C1", "ADT^A01")
        assert (row.refusal, row.has_dead, row.peer, row.received_at) == ("", False, "10.0.0.1:5000", 10)
        assert feed.reader.body(key) == RAW
        (message,) = feed.flow().messages
        assert (message.order, message.message_id, message.raw, message.attempts) == (key, key, RAW, 0)
        (event,) = feed.reader.trail(key)
        told = (event.id, event.kind, event.connection, event.detail)
        assert told == (key, "received", "IB", "from 10.0.0.1:5000")

    @clause
    @pytest.mark.parametrize("raw", [b"", b"\x00\xff\r\n\x1c", bytes(range(256)) * 40], ids=["empty", "odd", "binary"])
    def test_bodies_are_bytes(self, feed: Feed, raw: bytes) -> None:
        """`Receive`: bytes of any value come back as they were, in refills too."""
        key = feed.received(raw=raw)
        assert feed.reader.body(key) == raw
        assert feed.flow().messages[0].raw == raw

    @clause
    def test_a_child_names_its_parent(self, feed: Feed) -> None:
        """`Receive.parent_id` is kept."""
        parent = feed.received()
        unit = receive()
        unit.parent_id = parent
        assert feed.message(feed.one(unit).id).parent_id == parent

    @clause
    def test_a_refused_message_is_an_error_that_is_never_routed(self, feed: Feed) -> None:
        """`Refuse`: an ERROR with code, condition and reason, counted as REFUSED, in no flow."""
        key = feed.one(refuse()).id
        row = feed.message(key)
        assert (row.disposition, row.refusal, row.refused_condition, row.has_dead) == ("ERROR", "AE", "102", False)
        assert feed.flow().messages == []
        assert feed.reader.body(key) == RAW
        (event,) = feed.reader.trail(key)
        assert (event.kind, event.detail) == ("refused", "AE 102 PID-3 is missing")
        assert feed.reader.dispositions() == {"REFUSED": 1}
        with pytest.raises(StaleUnit):
            feed.commit(hand_off(key))

    @clause
    def test_a_refusal_without_a_code_is_still_one(self, feed: Feed) -> None:
        """`Refuse` with an empty code: `refusal` says "refused"."""
        row = feed.message(feed.one(refuse(code="")).id)
        assert (row.disposition, row.refusal) == ("ERROR", "refused")

    @clause
    def test_a_repeat_of_a_refused_message_is_counted(self, feed: Feed) -> None:
        """`Refuse` of the same digest in the same inbound adds no row: it raises `repeats`."""
        key = feed.one(refuse()).id
        repeats = [feed.one(refuse()), feed.one(refuse())]
        assert [feed.reader.body(unit.id) for unit in repeats] == [None, None]
        other = feed.one(refuse(digest=b"other")).id
        elsewhere = feed.one(refuse(inbound="IB2")).id
        rows = feed.reader.messages(MessageQuery(disposition="REFUSED"))
        assert {row.id: row.repeats for row in rows} == {key: 2, other: 0, elsewhere: 0}

    @clause
    def test_a_hand_off_fills_lanes_in_the_order_returned(self, feed: Feed) -> None:
        """`HandOff`: the message leaves its flow, each outgoing item waits in its lane, in order of its id."""
        message_id, first, other, second = feed.handed_off("OB", "OTHER", "OB")
        assert feed.disposition(message_id) == "ROUTED"
        assert (feed.items(), feed.items("OTHER")) == ([first, second], [other])
        assert feed.reader.body(first) == b"payload"
        assert feed.flow().messages == []
        assert feed.words(message_id) == ["received", "routed"]

    @clause
    @pytest.mark.parametrize("routing", ["UNROUTED", "FILTERED", "PROCESSED"])
    def test_a_hand_off_without_work_ends_the_message(self, feed: Feed, routing: Routing) -> None:
        """`HandOff` without work: `routing` is the disposition at once."""
        message_id = feed.received()
        feed.commit(hand_off(message_id, routing=routing))
        assert feed.disposition(message_id) == routing
        assert feed.words(message_id) == ["received", routing.lower()]

    @clause
    @pytest.mark.parametrize("stage", ["ingress", "routed"])
    def test_a_failed_stage_leaves_a_dead_row(self, feed: Feed, stage: Stage) -> None:
        """`HandOff.failed`: a dead row with Handler and error; the message is an ERROR."""
        message_id, work_id = feed.failed(stage)
        row = feed.work(message_id)
        assert (row.id, row.stage, row.state, row.handler, row.error) == (work_id, stage, "dead", "h", "boom")
        assert feed.disposition(message_id) == "ERROR"
        assert feed.words(message_id) == ["received", "failed"]

    @clause
    def test_an_error_text_of_any_characters_is_kept(self, feed: Feed) -> None:
        """An error with a lone surrogate, which an exception's text may hold, is stored, escaped if need be."""
        message_id = feed.received()
        feed.commit(hand_off(message_id, failed=[Failed("routed", "h", "b\xe4d \udcff")]))
        assert feed.work(message_id).error.startswith("b\xe4d ")

    @clause
    def test_simulate_is_kept_with_the_item(self, feed: Feed) -> None:
        """`Outgoing.simulate` is kept with the item."""
        message_id = feed.received()
        feed.commit(hand_off(message_id, "OB", simulate=True))
        assert feed.lane().items[0].simulate is True
        assert feed.work(message_id).simulate is True

    @clause
    def test_a_delivered_item_leaves_its_lane(self, feed: Feed) -> None:
        """`SettleDelivered`: the item leaves its lane, its reply is kept, the message has its final disposition."""
        message_id, item = feed.handed_off("OB")
        unit = feed.one(delivered(item, message_id, attempt=3))
        assert feed.items() == []
        assert (feed.work(message_id).state, feed.work(message_id).attempts) == ("delivered", 3)
        assert feed.disposition(message_id) == "PROCESSED"
        assert feed.reader.reply(message_id, unit.id) == b"MSA|AA|C1"
        event = feed.reader.trail(message_id)[-1]
        assert (event.id, event.kind, event.connection, event.has_reply) == (unit.id, "delivered", "OB", True)
        assert event.detail == '{"code":"AA"}'

    @clause
    def test_a_late_answer_is_on_the_trail_and_changes_nothing(self, feed: Feed) -> None:
        """`NoteLateAnswer`: an event "answered late" with its reply; whatever became of the item, it stays so."""
        message_id, item = feed.handed_off("OB")
        feed.commit(dead(item, message_id))
        unit = feed.one(NoteLateAnswer(message_id, "OB", '{"msa_1":"AA"}', b"MSA|AA|C1", 7))
        assert (feed.work(message_id).state, feed.disposition(message_id)) == ("dead", "ERROR")
        event = feed.reader.trail(message_id)[-1]
        assert (event.id, event.kind, event.connection, event.has_reply) == (unit.id, "answered late", "OB", True)
        assert event.detail == '{"msa_1":"AA"}'
        assert feed.reader.reply(message_id, unit.id) == b"MSA|AA|C1"

    @clause
    def test_a_retry_keeps_the_item_waiting(self, feed: Feed) -> None:
        """`SettleRetry`: the item keeps its place, with attempts, `due` and error; a delivery clears the error."""
        message_id, item = feed.handed_off("OB")
        unit = feed.one(retry(item, message_id, due=500, attempt=2))
        row = feed.work(message_id)
        assert (row.state, row.attempts, row.due, row.error) == ("waiting", 2, 500, "partner said AE")
        assert feed.disposition(message_id) == "ROUTED"
        assert feed.reader.reply(message_id, unit.id) == b"MSA|AE|C1"
        (waiting,) = feed.lane().items
        assert (waiting.id, waiting.attempts, waiting.due) == (item, 2, 500)
        feed.commit(delivered(item, message_id, attempt=3))
        assert feed.work(message_id).error == ""
        assert feed.words(message_id) == ["received", "routed", "retry", "delivered"]

    @clause
    def test_a_dead_item_leaves_its_lane(self, feed: Feed) -> None:
        """`SettleDead`: the item leaves its lane and is a dead letter with its error."""
        message_id, item = feed.handed_off("OB")
        unit = feed.one(dead(item, message_id))
        row = feed.work(message_id)
        assert (row.state, row.attempts, row.error) == ("dead", 1, "partner said AR")
        assert feed.items() == []
        assert feed.reader.reply(message_id, unit.id) is None
        assert feed.disposition(message_id) == "ERROR"
        assert feed.words(message_id) == ["received", "routed", "dead"]

    @clause
    @pytest.mark.parametrize("routing", ["UNROUTED", "FILTERED", "PROCESSED"])
    def test_the_disposition_follows_the_work(self, feed: Feed, routing: Routing) -> None:
        """ROUTED while anything waits, then ERROR if anything is dead, else what the hand-off said."""
        message_id = feed.received()
        unit = feed.one(hand_off(message_id, "OB", "OB", routing=routing, failed=[Failed("routed", "h2", "boom")]))
        first, second = (out.id for out in unit.outgoing)
        assert (feed.disposition(message_id), feed.message(message_id).has_dead) == ("ROUTED", True)
        feed.commit(delivered(first, message_id))
        assert feed.disposition(message_id) == "ROUTED"
        feed.commit(delivered(second, message_id))
        assert feed.disposition(message_id) == "ERROR"
        clean, item = feed.received(), 0
        item = feed.one(hand_off(clean, "OB", routing=routing)).outgoing[0].id
        feed.commit(delivered(item, clean))
        assert (feed.disposition(clean), feed.message(clean).has_dead) == (routing, False)

    @clause
    def test_a_batch_settles_items_with_different_attempts(self, feed: Feed) -> None:
        """Items of one batch keep each their own number of attempts."""
        items = [feed.handed_off("OB") for _ in range(5)]
        feed.commit(*(delivered(item, key, attempt=1 + index % 2) for index, (key, item) in enumerate(items)))
        assert [feed.work(key).attempts for key, _ in items] == [1, 2, 1, 2, 1]

    @clause
    @pytest.mark.parametrize("count", [0, 1, 65, 512])
    def test_batches_of_any_size(self, feed: Feed, count: int) -> None:
        """A batch may have no unit, or as many as the committer forms (512), and keeps their order."""
        received = [receive(raw=b"%d" % index) for index in range(count)]
        feed.commit(*received)
        feed.commit(*(hand_off(unit.id, "OB", payload=b"p" + unit.raw) for unit in received))
        items = feed.lane(limit=1000).items
        assert [item.payload for item in items] == [b"p%d" % index for index in range(count)]
        feed.commit(*(delivered(item.id, item.message_id) for item in items))
        assert feed.reader.dispositions() == ({"PROCESSED": count} if count else {})
        assert feed.store.last_id() == feed.last

    @clause
    def test_attempts_are_counted_until_the_hand_off(self, feed: Feed) -> None:
        """`MarkAttempt` counts the runs of a RECEIVED message; a hand-off ends that."""
        message_id = feed.received()
        assert [feed.one(MarkAttempt(message_id)).attempts for _ in range(3)] == [1, 2, 3]
        assert feed.flow().messages[0].attempts == 3
        feed.commit(hand_off(message_id))
        with pytest.raises(StaleUnit):
            feed.commit(MarkAttempt(message_id))

    @clause
    def test_the_mark_of_a_running_engine(self, feed: Feed) -> None:
        """`MarkRunning` says what the mark was before."""
        marks = [feed.one(MarkRunning(running, 5)).was_running for running in (True, True, False, True)]
        assert marks == [False, True, True, False]

    @clause
    def test_an_operators_stop_is_kept(self, feed: Feed) -> None:
        """`HoldConnection`: `held` knows it, and the Connection's events say by whom."""
        feed.commit(HoldConnection("OB", True, "alice", 5))
        feed.commit(HoldConnection("IB", True, "alice", 6))
        feed.commit(HoldConnection("IB", False, "bob", 7))
        assert feed.reader.held() == {"OB"}
        events = feed.reader.connection_events("IB", 10)
        told = [(event.kind, event.detail, event.at) for event in events]
        assert told == [("held", "by alice", 6), ("released", "by bob", 7)]

    @clause
    def test_events_of_a_connection_are_kept(self, feed: Feed) -> None:
        """`NoteConnection`: the newest events of a Connection, the oldest of them first."""
        feed.commit(*(NoteConnection("IB", "started", str(index), index) for index in range(5)))
        feed.commit(NoteConnection("OB", "stopped", "", 9))
        assert [event.detail for event in feed.reader.connection_events("IB", 2)] == ["3", "4"]
        assert feed.store.last_id() == feed.last
