"""Messages that go on inside of the engine: through PassThrough inbounds, and as replies through Loopbacks."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
import trio

from messagefoundry.contracts.outbound import Delivered, Rejected
from messagefoundry.contracts.stores import MessageQuery, MessageRow
from messagefoundry.engine.run import run
from messagefoundry.internal import LoopbackSettings, PassThroughSettings
from messagefoundry.wiring.running import response_get
from messagefoundry.wiring.values import Send
from tests.engine.world import World, adt, control_id_of, operations, until

REPLY = b"MSH|^~\\&|LAB|X|A|B|20260101||ACK^A01|R1|P|2.5.1\rMSA|AA|1\r"


def rows(world: World, inbound: str) -> list[MessageRow]:
    found: list[MessageRow] = world.read(lambda reader: reader.messages(MessageQuery(inbound=inbound)))
    return found


def passing(world: World) -> Any:
    """IB sends every message to the PassThrough NEXT twice, and NEXT sends it to OB."""
    sender, partner = world.simple()
    world.handler(lambda msg: [Send("NEXT", msg), Send("NEXT", msg)])
    world.internal("NEXT", PassThroughSettings(), router="on")
    world.router(lambda msg: "send", "on")
    world.handler(lambda msg: Send("OB", msg), "send")
    return sender, partner


async def test_a_handler_sends_to_another_inbound(world: World) -> None:
    sender, partner = passing(world)
    async with world.running():
        receipt = await sender.send(adt("1"))
        await partner.has(2)
        await world.becomes(receipt.message_id, "PROCESSED")
        children = rows(world, "NEXT")
        assert [(row.parent_id, row.depth, row.control_id) for row in children] == [(receipt.message_id, 1, "1")] * 2
        for child in children:
            await world.becomes(child.id, "PROCESSED")
    assert partner.delivered == [adt("1"), adt("1")]
    assert world.work(receipt.message_id) == []
    assert world.trail(children[0].id)[0].detail == "from IB"


async def test_what_was_passed_on_is_routed_after_a_crash(world: World) -> None:
    sender, partner = passing(world)
    go_on = threading.Event()
    world.router(lambda msg: go_on.wait(10) and "send", "on")
    async with world.running(crash=True):
        receipt = await sender.send(adt("1"))
        await until(lambda: len(rows(world, "NEXT")) == 2)
    go_on.set()
    async with world.running():
        await partner.has(2)
    assert world.disposition(receipt.message_id) == "PROCESSED"


async def test_a_message_goes_round_no_more_often_than_it_may(world: World) -> None:
    sender, _ = passing(world)
    world.handler(lambda msg: Send("NEXT", msg), "send")

    async with trio.open_nursery() as nursery:
        plan = replace(world.plan(), graph=replace(world.graph, max_correlation_depth=3))
        engine = await nursery.start(run, plan)
        receipt = await sender.send(adt("1"))
        await until(lambda: len([row for row in rows(world, "NEXT") if row.disposition == "ERROR"]) == 2)
        engine.stop()
    found = rows(world, "NEXT")
    assert sorted(row.depth for row in found) == [1, 1, 2, 2, 3, 3]
    (dead,) = world.work(next(row.id for row in found if row.depth == 3))
    assert "it would go on to NEXT, and has come through 3 inbounds" in dead.error
    assert "break the circle, or raise [pipeline] max_correlation_depth" in dead.error
    assert world.disposition(receipt.message_id) == "PROCESSED"


@pytest.mark.parametrize("to", ["IB", "LOOP"])
async def test_only_a_pass_through_is_sent_to(world: World, to: str) -> None:
    sender, _ = world.simple()
    world.handler(lambda msg: Send(to, msg))
    world.internal("LOOP", LoopbackSettings())
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
    (dead,) = world.work(receipt.message_id)
    assert "a Send names an inbound Connection: only PassThrough() inbounds take what is sent\n" in dead.error


async def test_what_the_next_inbound_cannot_read_dies_where_it_was_sent(world: World) -> None:
    sender, _ = passing(world)
    world.handler(lambda msg: Send("NEXT", "no message"))
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
    assert "NEXT does not take it" in world.work(receipt.message_id)[0].error
    assert rows(world, "NEXT") == []


def looping(world: World) -> Any:
    """IB sends to OB, whose reply goes to LOOP, which sends what it was answered to to BACK."""
    sender, partner = world.simple()
    world.outbound("OB", reingress_to="LOOP")
    back = world.outbound("BACK")
    world.internal("LOOP", LoopbackSettings(), router="answered")
    world.router(lambda msg: "answer", "answered")
    world.handler(lambda msg: Send("BACK", msg["MSA-1"] + "|" + response_get("OB").text()), "answer")
    partner.answers = [Delivered(REPLY, msa_1="AA")] * 100
    return sender, partner, back


async def test_a_reply_becomes_a_message(world: World) -> None:
    sender, _, back = looping(world)
    async with world.running():
        receipt = await sender.send(adt("1"))
        await back.has(1)
        (child,) = rows(world, "LOOP")
        await world.becomes(child.id, "PROCESSED")
    assert back.delivered == [b"AA|" + REPLY]
    assert (child.parent_id, child.depth, child.message_type) == (receipt.message_id, 1, "ACK^A01")


async def test_replies_of_a_crashed_engine_are_neither_lost_nor_doubled(world: World) -> None:
    sender, partner, back = looping(world)
    for life in range(4):
        async with world.running(crash=True):
            async with trio.open_nursery() as nursery:
                for number in range(20):
                    nursery.start_soon(sender.send, adt(f"{life}-{number}"))
            await partner.until(lambda self: len(self.delivered) >= 20 * life + 10)  # noqa: B023
    async with world.running() as engine:
        await until(lambda: [row.disposition for row in all_rows(world, "IB")] == ["PROCESSED"] * 80)
        await until(lambda: engine.quiet)
    settled = sum(event.kind == "delivered" for row in all_rows(world, "IB") for event in world.trail(row.id))
    children = all_rows(world, "LOOP")
    assert settled == len(children) == 80
    assert {row.parent_id for row in children} == {row.id for row in all_rows(world, "IB")}
    assert len(back.delivered) >= 80


def all_rows(world: World, inbound: str) -> list[MessageRow]:
    found: list[MessageRow] = world.read(lambda reader: reader.messages(MessageQuery(inbound=inbound, limit=500)))
    return found


async def test_a_backlog_read_from_the_store_keeps_its_depth(world: World) -> None:
    """The lane is stopped meanwhile, so its items are read from the store, where their depth is looked up."""
    sender, partner = passing(world)
    world.outbound("OB", reingress_to="LOOP")
    world.internal("LOOP", LoopbackSettings())
    world.router(lambda msg: "handle" if msg["MSH-9.1"] == "ADT" else [])
    partner.answers = [Delivered(REPLY, msa_1="AA")] * 2
    async with world.running() as engine:
        await operations(engine).stop("OB", actor="test")
        await sender.send(adt("1"))
        await until(lambda: engine.lanes["OB"].window.spilled and len(rows(world, "NEXT")) == 2)
        await operations(engine).start("OB", actor="test")
        await until(lambda: [row.depth for row in rows(world, "LOOP")] == [2, 2])


async def test_a_reply_that_is_no_message_leaves_a_dead_letter_that_says_so(world: World) -> None:
    sender, partner, _ = looping(world)
    partner.answers = [Delivered(b"thanks", msa_1="AA")]
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
    (work,) = world.work(receipt.message_id)
    assert work.error.startswith("delivered, but the reply is not re-ingressed: LOOP does not take it")
    assert control_id_of(partner.delivered[0]) == "1"


async def test_a_rejection_is_not_re_ingressed(world: World) -> None:
    sender, partner, _ = looping(world)
    partner.answers = [Rejected("AR", permanent=True, reply=REPLY, msa_1="AR")]
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
    assert rows(world, "LOOP") == []


async def test_an_earlier_reply_is_found_through_several_hops(world: World) -> None:
    sender, _, back = looping(world)
    world.handler(lambda msg: Send("ON", msg), "answer")
    world.internal("ON", PassThroughSettings(), router="on")
    world.router(lambda msg: "last", "on")
    world.handler(lambda msg: Send("BACK", response_get("OB").text() + str(response_get("BACK"))), "last")
    async with world.running():
        await sender.send(adt("1"))
        await back.has(1)
    assert back.delivered == [REPLY + b"None"]
