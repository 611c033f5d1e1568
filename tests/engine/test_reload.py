"""Reload: what changes is changed, what does not keeps running, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.engine.plan import TooMuchRemoved
from messagefoundry.engine.reload import reload
from messagefoundry.wiring.values import Send
from tests.engine.world import World, adt, operations, with_graph

if TYPE_CHECKING:
    from messagefoundry.contracts.inbound import Receipt
    from messagefoundry.wiring.graph import Graph


async def test_new_functions_take_effect_and_unchanged_connections_keep_running(world: World) -> None:
    sender, partner = world.simple()
    async with world.running() as engine:
        await sender.send(adt("1"))
        await partner.has(1)
        world.handler(lambda msg: Send("OB", b"new"))
        with_graph(engine, world.graph)
        found = await reload(engine)
        assert found.unchanged == ("IB", "OB")
        await sender.send(adt("2"))
        await partner.has(2)
        assert sender.starts == 1
    assert partner.delivered[1] == b"new"


async def test_connections_come_and_go(world: World) -> None:
    sender, _ = world.simple()
    async with world.running() as engine:
        other = world.outbound("OB2")
        new_sender = world.inbound("IB2")
        world.handler(lambda msg: Send("OB2", msg))
        del world.outbounds["OB"]
        with_graph(engine, world.graph)
        found = await reload(engine)
        assert (found.added, found.removed) == (("IB2", "OB2"), ("OB",))
        with trio.fail_after(5):
            await new_sender.send(adt("1"))
            await sender.send(adt("2"))
            await other.has(2)
        assert "OB" not in engine.connections


async def test_work_of_a_removed_destination_is_dead_lettered(world: World) -> None:
    sender, _ = world.simple()
    async with world.running(hold_outbound=True) as engine:
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ROUTED")
        del world.outbounds["OB"]
        with_graph(engine, world.graph)
        await reload(engine)
        await world.becomes(receipt.message_id, "ERROR")


async def test_what_a_removal_makes_dead_letters_of_is_said_before_and_after(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sender, _ = world.simple()
    async with world.running(hold_outbound=True) as engine:
        assert (await reload(engine)).dead_letters == 0
        receipts = [await sender.send(adt(str(number))) for number in range(3)]
        for receipt in receipts:
            await world.becomes(receipt.message_id, "ROUTED")
        del world.outbounds["OB"]
        with_graph(engine, world.graph)
        assert (await reload(engine, dry_run=True)).dead_letters == 3
        assert "dead letter" not in caplog.text
        assert (await reload(engine)).dead_letters == 3
        told = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
        assert told == ["3 messages waited for what is no longer configured; they are dead letters now"]


async def test_a_removed_inbound_drains_under_the_old_graph(world: World) -> None:
    sender, partner = world.simple()
    async with world.running() as engine:
        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(sender.send, adt(str(number)))
        del world.inbounds["IB"]
        with_graph(engine, world.graph)
        await reload(engine)
        await partner.has(30)


async def test_a_bad_graph_changes_nothing(world: World) -> None:
    sender, partner = world.simple()

    def bad() -> Graph:
        raise ConfigurationError([Problem("no such router")])

    async with world.running() as engine:
        engine.plan = world.plan()
        object.__setattr__(engine.plan, "load", bad)
        with pytest.raises(ConfigurationError):
            await reload(engine)
        await sender.send(adt("1"))
        await partner.has(1)
        assert sender.starts == 1


async def test_a_dry_run_only_says_what_would_change(world: World) -> None:
    world.simple()
    async with world.running() as engine:
        world.outbound("OB2")
        with_graph(engine, world.graph)
        assert (await reload(engine, dry_run=True)).added == ("OB2",)
        assert "OB2" not in engine.connections


async def test_reload_under_load_loses_and_refuses_nothing(world: World) -> None:
    sender, partner = world.simple()
    async with world.running() as engine:
        receipts: list[Receipt] = []

        async def feed() -> None:
            receipts.extend([await sender.send(adt(str(number))) for number in range(200)])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed)
            for _ in range(6):
                world.router(lambda msg: "handle")
                world.handler(lambda msg: Send("OB", msg))
                with_graph(engine, world.graph)
                await reload(engine)
        with trio.fail_after(10):
            await partner.has(200)
    assert all(receipt.accepted for receipt in receipts)
    assert partner.delivered == [adt(str(number)) for number in range(200)]


async def test_a_reload_that_would_dead_letter_very_much_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messagefoundry.engine.reload.MOST_REMOVED", 2)
    sender, _ = world.simple()
    async with world.running(hold_outbound=True) as engine:
        receipts = [await sender.send(adt(str(number))) for number in range(3)]
        for receipt in receipts:
            await world.becomes(receipt.message_id, "ROUTED")
        del world.outbounds["OB"]
        with_graph(engine, world.graph)
        for dry_run in (True, False):
            with pytest.raises(TooMuchRemoved, match="3 messages"):
                await reload(engine, dry_run=dry_run)
        assert "OB" in engine.connections
    assert world.disposition(receipts[0].message_id) == "ROUTED"


async def test_a_changed_lane_that_was_held_back_stays_so(world: World) -> None:
    sender, partner = world.simple()
    async with world.running(hold_outbound=True) as engine:
        await sender.send(adt("1"))
        world.outbound(metadata={"owner": "lab"})
        with_graph(engine, world.graph)
        assert (await reload(engine)).changed == ("OB",)
        assert engine.connections["OB"].state == "stopped"
        await operations(engine).start("OB", actor="op")
        await partner.has(1)
