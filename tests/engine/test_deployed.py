"""`deployed=False` and `auto_start=False`: neither is removal, the one binds nothing, the other waits for somebody."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.contracts.outbound import Rejected
from messagefoundry.engine import status
from messagefoundry.engine.operations import UnknownConnection
from messagefoundry.engine.reload import reload
from messagefoundry.wiring.values import InternalErrorPolicy, RetryPolicy, Send
from tests.engine.toy import Broken, Slow
from tests.engine.world import World, adt, operations, until, with_graph

if TYPE_CHECKING:
    from messagefoundry.contracts.inbound import Receipt
    from messagefoundry.engine.engine import Engine


def state(engine: Engine, name: str) -> str:
    return engine.connections[name].state


async def routed(world: World, count: int = 2) -> list[int]:
    """Messages whose delivery waits, left behind by an engine that was stopped."""
    sender, _ = world.simple()
    async with world.running(hold_outbound=True):
        receipts = [await sender.send(adt(str(number))) for number in range(count)]
        for receipt in receipts:
            await world.becomes(receipt.message_id, "ROUTED")
    return [receipt.message_id or 0 for receipt in receipts]


async def received(world: World) -> int:
    """A message that is received and not routed, left behind by an engine that was stopped."""
    sender, _ = world.simple()
    stuck = threading.Event()
    world.router(lambda msg: stuck.wait(10))
    async with world.running(shutdown_timeout_seconds=0.05):
        receipt = await sender.send(adt("1"))
    stuck.set()
    world.router(lambda msg: "handle")
    assert world.disposition(receipt.message_id) == "RECEIVED"
    return receipt.message_id or 0


def outcome_of(world: World, receipt: Receipt) -> dict[str, str]:
    """The state of each delivery of a message, by lane."""
    return {row.lane: row.state for row in world.work(receipt.message_id) if row.stage == "outbound"}


# -- deployed=False --------------------------------------------------------------------------------------------------


async def test_work_for_an_outbound_that_is_not_deployed_waits_through_starts_and_reloads(world: World) -> None:
    waiting = await routed(world)
    partner = world.outbound(deployed=False)
    async with world.running() as engine:
        (_, outbound) = await status.connections(engine)
        assert (outbound.state, outbound.waiting) == ("not deployed", 2)
        assert "OB" not in engine.lanes
        await reload(engine)
    assert [world.disposition(each) for each in waiting] == ["ROUTED", "ROUTED"]
    world.outbound()
    async with world.running():
        await partner.has(2)
    assert partner.delivered == [adt("0"), adt("1")]


async def test_more_than_a_hundred_of_them_ask_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messagefoundry.engine.run.MOST_REMOVED", 1)
    monkeypatch.setattr("messagefoundry.engine.reload.MOST_REMOVED", 1)
    await routed(world, count=3)
    world.outbound(deployed=False)
    async with world.running() as engine:
        await reload(engine)


async def test_messages_of_an_inbound_that_is_not_deployed_wait_for_it(world: World) -> None:
    message = await received(world)
    sender = world.inbound(deployed=False)
    async with world.running() as engine:
        (inbound, _) = await status.connections(engine)
        assert (inbound.state, inbound.waiting) == ("not deployed", 1)
        assert "IB" not in engine.connections
        assert sender.starts <= 1
        await reload(engine)
    assert world.disposition(message) == "RECEIVED"
    world.inbound()
    async with world.running():
        await world.becomes(message, "PROCESSED")


async def test_what_is_sent_to_an_outbound_that_is_not_deployed_waits_for_it(world: World) -> None:
    sender, partner = world.simple()
    later = world.outbound("LATER", deployed=False)
    world.handler(lambda msg: [Send("OB", msg), Send("LATER", msg)])
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await partner.has(1)
        await until(lambda: outcome_of(world, receipt) == {"OB": "delivered", "LATER": "waiting"})
        assert world.disposition(receipt.message_id) == "ROUTED"
        world.outbound("LATER")
        with_graph(engine, world.graph)
        assert (await reload(engine)).added == ("LATER",)
        await later.has(1)
        await world.becomes(receipt.message_id, "PROCESSED")


async def test_a_reload_that_no_longer_deploys_a_lane_keeps_its_work(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(retry=RetryPolicy(backoff_seconds=3600))
    partner.answers = [Rejected("not now", permanent=False)]
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await until(lambda: engine.lanes["OB"].status.doing == "waiting to retry")
        world.outbound(deployed=False)
        with_graph(engine, world.graph)
        assert (await reload(engine)).removed == ("OB",)
        assert "OB" not in engine.connections
        second = await sender.send(adt("2"))
        await world.becomes(second.message_id, "ROUTED")
        assert world.disposition(receipt.message_id) == "ROUTED"
        world.outbound()
        with_graph(engine, world.graph)
        await reload(engine)
        await until(lambda: len(partner.delivered) == 2)


async def test_what_an_inbound_had_received_is_routed_when_a_reload_no_longer_deploys_it(world: World) -> None:
    sender, partner = world.simple()
    stuck = threading.Event()
    world.router(lambda msg: stuck.wait(10) and "handle")
    async with world.running() as engine:
        receipts = [await sender.send(adt(str(number))) for number in range(3)]
        world.inbound(deployed=False)
        with_graph(engine, world.graph)
        assert (await reload(engine)).removed == ("IB",)
        assert not sender.ready.is_set()
        assert world.disposition(receipts[2].message_id) == "RECEIVED"
        stuck.set()
        await partner.has(3)


async def test_a_stop_is_kept_while_a_connection_is_not_deployed(world: World) -> None:
    world.simple()
    async with world.running() as engine:
        await operations(engine).stop("OB", actor="op")
    world.outbound(deployed=False)
    async with world.running() as engine:
        with pytest.raises(UnknownConnection):
            await operations(engine).start("OB", actor="op")
    world.outbound()
    async with world.running() as engine:
        assert state(engine, "OB") == "stopped"


# -- auto_start=False ------------------------------------------------------------------------------------------------


async def test_what_does_not_start_by_itself_is_started_by_an_operator_each_time(world: World) -> None:
    waiting = await routed(world)
    partner = world.outbound(auto_start=False)
    async with world.running() as engine:
        assert state(engine, "OB") == "stopped"
        assert [world.disposition(each) for each in waiting] == ["ROUTED", "ROUTED"]
        assert await operations(engine).start("OB", actor="op") == "running"
        await partner.has(2)
    async with world.running() as engine:
        assert state(engine, "OB") == "stopped"


async def test_messages_of_an_inbound_that_does_not_start_by_itself_are_routed(world: World) -> None:
    message = await received(world)
    sender = world.inbound(auto_start=False)
    starts = sender.starts
    async with world.running() as engine:
        await world.becomes(message, "PROCESSED")
        assert (state(engine, "IB"), sender.starts) == ("stopped", starts)
        await operations(engine).start("IB", actor="op")
        await sender.send(adt("2"))


async def test_what_somebody_started_goes_on_when_a_reload_changes_it(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(auto_start=False)
    async with world.running() as engine:
        await operations(engine).start("OB", actor="op")
        world.outbound(auto_start=False, metadata={"owner": "lab"})
        with_graph(engine, world.graph)
        assert (await reload(engine)).changed == ("OB",)
        await sender.send(adt("1"))
        await partner.has(1)


async def test_what_nobody_started_stays_so_when_a_reload_changes_it(world: World) -> None:
    world.simple()
    world.outbound(auto_start=False)
    async with world.running() as engine:
        world.outbound(auto_start=False, metadata={"owner": "lab"})
        with_graph(engine, world.graph)
        await reload(engine)
        assert state(engine, "OB") == "stopped"


@pytest.mark.parametrize(
    ("held", "hold_outbound", "wanted"), [(False, False, True), (True, False, False), (False, True, False)]
)
async def test_a_reload_starts_what_starts_by_itself_from_now_on(
    world: World, held: bool, hold_outbound: bool, wanted: bool
) -> None:
    world.simple()
    world.outbound(auto_start=False)
    async with world.running(hold_outbound=hold_outbound) as engine:
        if held:
            await operations(engine).stop("OB", actor="op")
        world.outbound()
        with_graph(engine, world.graph)
        await reload(engine)
        assert engine.connections["OB"].wanted is wanted


# -- what people asked for, across a reload --------------------------------------------------------------------------


async def test_what_failed_is_tried_again_by_a_reload_that_changes_it(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(internal_error=InternalErrorPolicy.STOP)
    partner.answers = [Broken("the connector's own fault")]
    async with world.running() as engine:
        await sender.send(adt("1"))
        await until(lambda: state(engine, "OB") == "failed")
        await reload(engine)
        assert state(engine, "OB") == "failed"
        world.outbound()
        with_graph(engine, world.graph)
        await reload(engine)
        await partner.has(1)


async def test_a_stop_of_a_lane_that_a_reload_is_ending_stops_the_one_in_its_place(world: World) -> None:
    sender, partner = world.simple()
    slow = Slow()
    partner.answers = [slow]
    async with world.running() as engine, trio.open_nursery() as nursery:
        await sender.send(adt("1"))
        await slow.asked.wait()
        before = engine.connections["OB"]
        world.outbound(metadata={"owner": "lab"})
        with_graph(engine, world.graph)
        nursery.start_soon(reload, engine)
        await until(lambda: before.ending)
        states: list[str] = []

        async def stop() -> None:
            states.append(await operations(engine).stop("OB", actor="op"))

        nursery.start_soon(stop)
        await until(lambda: world.read(lambda reader: reader.held()) == {"OB"})
        slow.may_answer.set()
        await until(lambda: bool(states))
        await until(lambda: engine.connections["OB"] is not before and state(engine, "OB") == "stopped")
    assert states == ["stopped"]


@pytest.mark.parametrize("first", ["running", "stopped"])
async def test_what_is_asked_while_a_reload_ends_a_lane_is_done(world: World, first: str) -> None:
    """The reload waits for the answer in flight of another lane; meanwhile somebody stops, or starts, this one."""
    sender, other = world.simple()
    world.outbound("OB2")
    slow = Slow()
    other.answers = [slow]
    async with world.running() as engine, trio.open_nursery() as nursery:
        if first == "stopped":
            await operations(engine).stop("OB2", actor="op")
        await sender.send(adt("1"))
        await slow.asked.wait()
        for name in ("OB", "OB2"):
            world.outbound(name, metadata={"owner": "lab"})
        with_graph(engine, world.graph)
        nursery.start_soon(reload, engine)
        await engine.connections["OB2"].over.wait()
        ask = operations(engine).start if first == "stopped" else operations(engine).stop
        states: list[str] = []

        async def act() -> None:
            states.append(await ask("OB2", actor="op"))

        nursery.start_soon(act)
        wanted = {"OB2"} if first == "running" else set()
        await until(lambda: world.read(lambda reader: reader.held()) == wanted)
        slow.may_answer.set()
        await until(lambda: bool(states))
        await until(lambda: state(engine, "OB") == "running")
        assert states == [state(engine, "OB2")] == ["stopped" if first == "running" else "running"]
    kinds = [event.kind for event in world.read(lambda reader: reader.connection_events("OB2", 50))]
    assert kinds.count("started") == (2 if first == "stopped" else 1)
