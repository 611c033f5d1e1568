"""Batches that come in: split, committed whole, answered once, routed in order."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.contracts.units import ReceiveBatch
from messagefoundry.message import split_batch
from messagefoundry.pipeline.batch_intake import MOST_MEMBERS
from messagefoundry.wiring.values import AckMode, Dedupe, Send
from tests.engine.toy import ToySettings
from tests.engine.world import adt, control_id_of, operations, until

if TYPE_CHECKING:
    from messagefoundry.contracts.stores import MessageRow
    from tests.engine.toy import Partner
    from tests.engine.world import World

BHS = b"BHS|^~\\&|LAB|WEST|HIS|EAST|20260101||||B7\r"
NOT_UTF8 = adt("BAD", text="x").replace(b"||x", b"||\xff")


def batch(*members: bytes, count: int | str | None = None) -> bytes:
    """A batch with its header and trailer."""
    said = len(members) if count is None else count
    return BHS + b"".join(members) + f"BTS|{said}\r".encode()


def rows(world: World, parent: int | None = None) -> list[MessageRow]:
    """The messages of the store, the oldest first; with `parent`, those of a batch."""
    query = MessageQuery(parent=parent or 0, limit=1000)
    found: list[MessageRow] = world.read(lambda reader: reader.messages(query))
    return found[::-1]


def body(world: World, row: MessageRow) -> bytes | None:
    """What was received."""
    found: bytes | None = world.read(lambda reader: reader.body(row.id))
    return found


def codes(reply: bytes | None) -> list[tuple[str, str]]:
    """MSA-1 and MSA-2 of every acknowledgment in a batch."""
    assert reply is not None
    found = [message.split(b"\rMSA|")[1].split(b"\r")[0].split(b"|") for message in split_batch(reply).members]
    return [(code.decode(), control_id.decode()) for code, control_id, *_ in found]


async def test_each_message_of_a_batch_is_a_message_with_the_batch_as_its_parent(world: World) -> None:
    sender, partner = world.simple()
    messages = [adt("1"), adt("2").replace(b"\r", b"\r\n"), adt("3")]
    raw = batch(*messages)
    async with world.running():
        receipt = await sender.send(raw)
        assert (receipt.accepted, receipt.code) == (True, "AA")
        await partner.has(3)
    assert partner.delivered == messages, "in order and to the byte"
    whole, *members = rows(world)
    assert (whole.id, whole.control_id, whole.message_type) == (receipt.message_id, "B7", "BATCH")
    assert (whole.disposition, whole.parent_id) == ("PROCESSED", None)
    assert body(world, whole) == raw
    assert [(row.control_id, row.parent_id) for row in members] == [(each, whole.id) for each in "123"]
    assert rows(world, whole.id) == members
    assert codes(receipt.reply) == [("AA", "1"), ("AA", "2"), ("AA", "3")]


def ids(partner: Partner) -> list[str]:
    """MSH-10 of what was delivered, in order."""
    return [control_id_of(raw) for raw in partner.delivered]


async def test_messages_one_after_the_other_are_a_batch_too(world: World) -> None:
    sender, partner = world.simple()
    async with world.running():
        await sender.send(adt("0"))
        receipt = await sender.send(adt("1") + adt("2"))
        await sender.send(adt("3"))
        await partner.has(4)
    assert ids(partner) == ["0", "1", "2", "3"]
    assert codes(receipt.reply) == [("AA", "1"), ("AA", "2")]
    assert receipt.reply is not None
    assert receipt.reply.startswith(b"BHS|^~\\&|C|D|A|B|")


async def test_a_bad_message_is_an_error_and_the_others_are_routed(world: World) -> None:
    sender, partner = world.simple()
    no_header = b"MSH|\r"
    async with world.running():
        receipt = await sender.send(batch(adt("1"), NOT_UTF8, no_header, adt("4")))
        assert receipt.accepted
        await partner.has(2)
    assert ids(partner) == ["1", "4"]
    assert codes(receipt.reply) == [("AA", "1"), ("AE", "BAD"), ("AR", ""), ("AA", "4")]
    whole, *members = rows(world)
    assert [(row.disposition, row.refusal, row.refused_condition) for row in members] == [
        ("PROCESSED", "", ""),
        ("ERROR", "AE", "102"),
        ("ERROR", "AR", "100"),
        ("PROCESSED", "", ""),
    ]
    assert {row.parent_id for row in members} == {whole.id}
    assert "read as utf-8" in world.trail(members[1].id)[0].detail
    assert [body(world, row) for row in members[1:3]] == [NOT_UTF8, no_header]


async def test_a_batch_of_bad_messages_alone_is_taken_too(world: World) -> None:
    sender, _ = world.simple()
    async with world.running():
        receipt = await sender.send(batch(NOT_UTF8, count=1))
        again = await sender.send(batch(NOT_UTF8, count=1))
    assert receipt.accepted
    assert codes(again.reply) == [("AE", "BAD")]
    first, error, second = rows(world)
    assert (error.parent_id, error.repeats) == (first.id, 1), "a repeat is counted, as it is alone"
    assert (first.disposition, second.disposition) == ("PROCESSED", "PROCESSED")


@pytest.mark.parametrize("count", [1, 3, "x"])
async def test_a_wrong_count_refuses_the_whole(world: World, count: int | str) -> None:
    sender, partner = world.simple()
    async with world.running():
        receipt = await sender.send(batch(adt("1"), adt("2"), count=count))
        assert (receipt.accepted, receipt.code, receipt.retry) == (False, "AE", False)
        assert receipt.reply is not None
        assert b"\rMSA|AE|1\rERR||BTS^1^1|100^Segment sequence error^HL70357|E|" in receipt.reply
        await sender.send(adt("9"))
        await partner.has(1)
    assert ids(partner) == ["9"]
    refused, _ = rows(world)
    assert (refused.disposition, refused.refusal, refused.control_id) == ("ERROR", "AE", "1")
    assert "BTS-1" in world.trail(refused.id)[0].detail


async def test_a_batch_of_too_many_messages_is_refused_whole(world: World) -> None:
    sender, _ = world.simple()
    async with world.running():
        receipt = await sender.send(adt("1") + b"MSH|^~\\&|\r" * MOST_MEMBERS)
    assert (receipt.accepted, receipt.code) == (False, "AE")
    (refused,) = rows(world)
    assert f"{MOST_MEMBERS + 1}, and {MOST_MEMBERS} may be" in world.trail(refused.id)[0].detail


async def test_an_empty_batch_is_answered_with_an_empty_one(world: World) -> None:
    sender, _ = world.simple()
    async with world.running():
        receipt = await sender.send(batch())
        cut = await sender.send(BHS)
    assert receipt.accepted
    assert codes(receipt.reply) == []
    assert (cut.accepted, cut.code) == (False, "AR")
    whole, refused = rows(world)
    assert (whole.disposition, refused.disposition) == ("PROCESSED", "ERROR")


async def test_a_partner_cannot_answer_a_batch(world: World) -> None:
    sender, partner = world.simple()
    world.inbound(reply_from="OB")
    async with world.running():
        receipt = await sender.send(batch(adt("1"), adt("2")))
        assert (receipt.accepted, receipt.code) == (False, "AE")
        assert receipt.reply is not None
        assert b"207^Application internal error^HL70357|E||||A batch cannot be answered by a partner" in receipt.reply
        assert (await sender.send(adt("3"))).accepted
    assert ids(partner) == ["3"]
    found = [(row.disposition, row.message_type) for row in rows(world)]
    assert found == [("ERROR", "BATCH"), ("PROCESSED", "ADT^A01")]


async def test_limits_are_those_of_a_message(world: World) -> None:
    sender, partner = world.simple()
    world.inbound(max_message_bytes=200)
    async with world.running():
        receipt = await sender.send(batch(*(adt(str(each)) for each in range(5)), adt("LONG", text="x" * 300)))
        await partner.has(5)
    assert codes(receipt.reply) == [*(("AA", str(each)) for each in range(5)), ("AE", "LONG")]
    assert [row.refused_condition for row in rows(world)[-1:]] == ["207"]


async def test_strict_validation_is_of_each_message(world: World) -> None:
    sender, partner = world.simple()
    world.inbound(strict=True)
    good = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|%b|P|2.5.1\rEVN||20260101\r"
    good += b"PID|||7^^^X||DOE^J\rPV1||I\r"
    raw = batch(good % b"1", (good % b"2").replace(b"PV1||I", b"PV1|"), good % b"3")
    async with world.running():
        receipt = await sender.send(raw)
        await partner.has(2)
    assert codes(receipt.reply) == [("AA", "1"), ("AE", "2"), ("AA", "3")]
    assert "PV1-2" in world.trail(rows(world)[2].id)[0].detail


async def test_each_message_is_answered_as_it_asks(world: World) -> None:
    sender, partner = world.simple()
    world.inbound(ack_mode=AckMode.ENHANCED)
    asking = {"AL": "1", "NE": "2", "ER": "3", "SU": "4"}
    raws = [adt(number).replace(b"|2.5.1\r", f"|2.5.1|||{wish}|NE\r".encode()) for wish, number in asking.items()]
    bad = NOT_UTF8.replace(b"|2.5.1\r", b"|2.5.1|||ER|NE\r")
    async with world.running():
        receipt = await sender.send(batch(*raws, bad, adt("5")))
        assert codes(receipt.reply) == [("CA", "1"), ("CA", "4"), ("CE", "BAD"), ("AA", "5")]
        silent = await sender.send(batch(raws[1], raws[2]))
        await partner.has(7)
    assert (silent.accepted, silent.reply, silent.code) == (True, None, "")


async def test_nothing_is_answered_in_mode_none_nor_to_acknowledgments(world: World) -> None:
    sender, partner = world.simple()
    mute = world.inbound("IB_MUTE", ack_mode=AckMode.NONE)
    acks = [adt(number).replace(b"ADT^A01", b"ACK^A01") for number in "12"]
    async with world.running():
        assert (await mute.send(batch(adt("0")))).reply is None
        assert (await mute.send(batch())).reply is None
        assert (await sender.send(batch(*acks))).reply is None
        both = await sender.send(batch(*acks, adt("3")))
        await partner.has(6)
    assert codes(both.reply) == [("AA", "3")]


async def test_missing_ids_are_noted_once_for_a_batch(world: World) -> None:
    sender, partner = world.simple()
    async with world.running():
        await sender.send(batch(adt(""), adt("2"), adt("3").replace(b"ADT^A01", b"")))
        await partner.has(3)
        await until(lambda: "incomplete" in noted(world))
    assert noted(world).count("MSH-9 or MSH-10 is empty in 2 of 3 messages of a batch") == 1


def noted(world: World) -> str:
    """The events of the inbound."""
    found = world.read(lambda reader: reader.connection_events("IB", 100))
    return " ".join(f"{event.kind}: {event.detail}" for event in found)


async def test_a_byte_order_mark_before_a_batch_is_for_all_its_messages(world: World) -> None:
    sender, partner = world.simple()
    settings = ToySettings(sender=sender, encoding="iso-8859-1")
    world.inbounds["IB"] = replace(world.inbounds["IB"], settings=settings)
    texts: list[str] = []

    def handle(msg: Any) -> Send:
        texts.append(msg["PID-3"])
        return Send("OB", msg)

    world.handler(handle)
    async with world.running():
        await sender.send(b"\xef\xbb\xbf" + batch(adt("1", text="\u00e9"), adt("2", text="\u00fc")))
        await partner.has(2)
    assert texts == ["\u00e9", "\u00fc"]


async def test_repeats_in_batches_are_told(world: World) -> None:
    sender, partner = world.simple()
    world.inbound(dedupe=Dedupe(window_seconds=3600))
    routed: list[str] = []

    def route(msg: Any) -> str:
        routed.append(msg["MSH-10"])
        return "handle"

    world.router(route)
    async with world.running():
        await sender.send(adt("1"))
        first = await sender.send(batch(adt("1"), adt("2"), adt("2"), adt("3")))
        again = await sender.send(batch(adt("1"), adt("2"), adt("2"), adt("3")))
        await sender.send(adt("4"))
        await partner.has(4)
    assert ids(partner) == routed == ["1", "2", "3", "4"]
    assert codes(first.reply) == codes(again.reply) == [("AA", "1"), ("AA", "2"), ("AA", "2"), ("AA", "3")]


async def test_a_batch_whose_sender_has_gone_is_routed_all_the_same(world: World) -> None:
    sender, partner = world.simple()
    async with world.running():
        await sender.ready.wait()
        assert sender.context is not None
        with trio.CancelScope() as gone:
            gone.cancel()
            await sender.context.receive(batch(adt("1"), adt("2")))
        assert gone.cancelled_caught
        with trio.fail_after(5):
            await partner.has(2)
    assert ids(partner) == ["1", "2"]


async def test_a_batch_that_was_answered_goes_on_after_a_crash(world: World) -> None:
    """The batch itself is not routed, neither at once nor after a start."""
    sender, partner = world.simple()
    quick = threading.Event()

    def route(msg: Any) -> str:
        quick.wait(0.1)
        return "handle"

    world.router(route)
    async with world.running(crash=True):
        assert (await sender.send(batch(*(adt(str(each)) for each in range(30))))).accepted
    assert len(partner.delivered) < 30
    quick.set()
    async with world.running():
        await partner.has(30)
        await until(lambda: {row.disposition for row in rows(world)} == {"PROCESSED"})
    assert sorted(set(ids(partner)), key=int) == [str(each) for each in range(30)]
    assert not any(raw.startswith(b"BHS") for raw in partner.delivered)


async def test_a_store_that_does_not_answer_refuses_the_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender is told to try again; should the commit succeed after all, every message of it goes on."""
    monkeypatch.setattr("messagefoundry.pipeline.intake.STORE_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("messagefoundry.pipeline.committer.WATCH_SECONDS", 0.05)
    sender, partner = world.simple()
    async with world.running() as engine:
        await sender.ready.wait()
        store = engine.committer._batches._store
        commit, release = store.commit, threading.Event()

        def hanging(units: Any) -> None:
            if any(isinstance(unit, ReceiveBatch) for unit in units):
                release.wait(20)
            commit(units)

        monkeypatch.setattr(store, "commit", hanging)
        receipt = await sender.send(batch(adt("1"), adt("2")))
        assert (receipt.accepted, receipt.retry, receipt.code) == (False, True, "AE")
        assert receipt.reply is not None
        assert b"\rMSA|AE|1\r" in receipt.reply
        release.set()
        await partner.has(2)
    assert [row.message_type for row in rows(world)] == ["BATCH", "ADT^A01", "ADT^A01"]


async def test_a_batch_that_a_store_cannot_hold_is_refused_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sender, partner = world.simple()
    async with world.running() as engine:
        await sender.ready.wait()
        store = engine.committer._batches._store
        commit = store.commit

        def failing(units: Any) -> None:
            if any(isinstance(unit, ReceiveBatch) for unit in units):
                raise ValueError
            commit(units)

        monkeypatch.setattr(store, "commit", failing)
        receipt = await sender.send(batch(adt("1"), adt("2")))
        assert (receipt.accepted, receipt.retry, receipt.code) == (False, False, "AE")
        await sender.send(adt("3"))
        await partner.has(1)
    assert [row.control_id for row in rows(world)] == ["3"]


async def test_nothing_of_a_batch_is_kept_when_the_engine_takes_no_messages(world: World) -> None:
    sender, _ = world.simple()
    async with world.running() as engine:
        await sender.ready.wait()
        engine.gate.stopping = True
        receipt = await sender.send(batch(adt("1"), NOT_UTF8))
        assert (receipt.accepted, receipt.retry, receipt.code) == (False, True, "AE")
    assert rows(world) == []


async def test_messages_of_a_batch_are_replayed_and_the_batch_is_not(world: World) -> None:
    sender, partner = world.simple()
    async with world.running() as engine:
        receipt = await sender.send(batch(adt("1"), adt("2"), NOT_UTF8))
        await partner.has(2)
        await until(lambda: {row.disposition for row in rows(world)} == {"PROCESSED", "ERROR"})
        count = await operations(engine).replay([row.id for row in rows(world)], actor="op")
        assert count == 2, "neither the batch nor what was refused"
        await partner.has(4)
    assert ids(partner) == ["1", "2", "1", "2"]
    assert world.disposition(receipt.message_id) == "PROCESSED"
