"""What Handlers keep: transform state and labels, committed with what they send, read by messages to come."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.engine.reload import reload
from messagefoundry.wiring.keeping import SetMeta, SetState
from messagefoundry.wiring.running import OutsideRunError, current_ingest_time, state_get
from messagefoundry.wiring.values import Send
from tests.engine.world import World, adt, operations, until, with_graph

if TYPE_CHECKING:
    from collections.abc import Callable


def counting(msg: Any) -> list[Any]:
    """A running number for all messages, in PID-3."""
    number = state_get("numbers", "last", 0) + 1
    msg["PID-3"] = str(number)
    return [Send("OB", msg), SetState("numbers", "last", number)]


def numbers(delivered: list[bytes]) -> list[int]:
    return [int(raw.split(b"\rPID|1||")[1].split(b"\r")[0]) for raw in delivered]


async def test_every_message_sees_what_those_before_it_wrote(world: World) -> None:
    sender, partner = world.simple()
    world.handler(counting)
    async with world.running() as engine:
        async with trio.open_nursery() as nursery:
            for number in range(100):
                nursery.start_soon(sender.send, adt(str(number)))
        await partner.has(100)
        assert engine.flows["IB"].lookups.writes._pending == {}, "what is committed is not among what is on its way"
    assert numbers(partner.delivered) == list(range(1, 101))


async def test_state_outlives_the_engine(world: World) -> None:
    sender, partner = world.simple()
    world.handler(counting)
    for number in range(3):
        async with world.running(crash=number == 1):
            await sender.send(adt(str(number)))
            await partner.has(number + 1)
            await until(lambda: len(world.read(lambda r: r.messages(MessageQuery(disposition="ROUTED")))) == 0)
    assert numbers(partner.delivered) == [1, 2, 3]


async def test_a_handler_that_raises_keeps_nothing_and_its_siblings_do(world: World) -> None:
    sender, _ = world.simple()
    world.router(lambda msg: ["broken", "sound"])

    def broken(msg: Any) -> Any:
        yield SetState("s", "broken", 1)
        yield SetMeta("broken", "yes")
        raise ValueError("no")

    world.handler(broken, "broken")
    world.handler(lambda msg: [SetState("s", "sound", [1, {"a": None}]), SetMeta("sound", "yes")], "sound")
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
    assert world.read(lambda reader: reader.state("s", "broken")) is None
    assert world.read(lambda reader: reader.state("s", "sound")) == '[1,{"a":null}]'
    assert world.message(receipt.message_id or 0).meta == {"sound": "yes"}


async def test_a_message_that_only_keeps_is_processed(world: World) -> None:
    sender, partner = world.simple()
    world.handler(lambda msg: SetState("s", "k", "v"))
    async with world.running():
        state = await sender.send(adt("1"))
        await world.becomes(state.message_id, "PROCESSED")
    assert partner.attempts == []
    assert "nothing sent" not in world.trail(state.message_id)[-1].detail


async def test_a_later_handler_of_a_message_sees_what_an_earlier_one_wrote(world: World) -> None:
    sender, partner = world.simple()
    world.router(lambda msg: ["writes", "reads"])
    world.handler(lambda msg: SetState("s", "k", msg["MSH-10"]), "writes")
    world.handler(lambda msg: Send("OB", state_get("s", "k", "nothing")), "reads")
    async with world.running():
        await sender.send(adt("first"))
        await partner.has(1)
    assert partner.delivered == [b"first"]


async def test_what_is_read_belongs_to_the_reader(world: World) -> None:
    sender, partner = world.simple()

    def handle(msg: Any) -> list[Any]:
        held = state_get("s", "list", [])
        held.append("dirt")
        assert state_get("s", "list", []) == []
        return [Send("OB", str(len(held))), SetState("s", "list", [])]

    world.handler(handle)
    async with world.running():
        for number in range(3):
            await sender.send(adt(str(number)))
        await partner.has(3)
    assert partner.delivered == [b"1", b"1", b"1"]


async def test_labels_are_found_and_replaced(world: World) -> None:
    sender, _ = world.simple()
    world.handler(lambda msg: [SetMeta("ward", msg["PID-3"]), SetMeta("kind", "adt")])
    async with world.running() as engine:
        first = await sender.send(adt("1", text="east"))
        second = await sender.send(adt("2", text="west"))
        await world.becomes(first.message_id, "PROCESSED")
        await world.becomes(second.message_id, "PROCESSED")
        found = world.read(lambda reader: reader.messages(MessageQuery(meta=("ward", "west"))))
        assert [(row.id, row.meta) for row in found] == [(second.message_id, {"kind": "adt", "ward": "west"})]
        assert len(world.read(lambda reader: reader.messages(MessageQuery(meta=("kind", ""))))) == 2
        world.handler(lambda msg: SetMeta("ward", "none"))
        with_graph(engine, world.graph)
        await reload(engine)
        assert first.message_id is not None
        await operations(engine).replay([first.message_id], actor="test")
        await until(lambda: world.message(first.message_id or 0).meta["ward"] == "none")


async def test_the_ingest_time_is_that_of_the_receipt_in_every_run(world: World) -> None:
    sender, partner = world.simple()
    world.handler(lambda msg: Send("OB", repr(current_ingest_time())))
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await partner.has(1)
        assert receipt.message_id is not None
        await world.becomes(receipt.message_id, "PROCESSED")
        await operations(engine).replay([receipt.message_id], actor="test")
        await partner.has(2)
    expected = world.message(receipt.message_id or 0).received_at / 1_000_000
    assert [float(raw) for raw in partner.delivered] == [expected, expected]


@pytest.mark.parametrize("call", [current_ingest_time, lambda: state_get("s", "k")])
def test_outside_of_a_run_there_is_nothing_to_ask(call: Callable[[], Any]) -> None:
    with pytest.raises(OutsideRunError, match="is for Routers and Handlers: call it inside of one"):
        call()


async def test_writes_of_a_run_that_a_reload_made_stale_are_not_seen(world: World) -> None:
    """The message is run again under the new graph: what the old Handler wrote never was."""
    sender, partner = world.simple()
    began, go_on = threading.Event(), threading.Event()

    def old(msg: Any) -> Any:
        began.set()
        go_on.wait(10)
        return [Send("OB", "old"), SetState("s", "k", "old")]

    world.handler(old)
    async with world.running() as engine:
        await sender.send(adt("1"))
        await until(began.is_set)
        world.handler(lambda msg: [Send("OB", str(state_get("s", "k"))), SetState("s", "k", "new")])
        with_graph(engine, world.graph)
        await reload(engine)
        go_on.set()
        await partner.has(1)
        await sender.send(adt("2"))
        await partner.has(2)
    assert partner.delivered == [b"None", b"new"]


def test_a_value_that_is_too_long_is_refused() -> None:
    SetState("s", "k", "x" * 999_998)
    with pytest.raises(TypeError, match="a value is at most 1,000,000 characters of JSON"):
        SetState("s", "k", "x" * 999_999)
