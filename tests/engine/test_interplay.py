"""Operators, reloads and a hanging store, each in the middle of a delivery."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.contracts.errors import StoreUnavailable, Unreachable
from messagefoundry.contracts.outbound import Delivered, OutboundItem
from messagefoundry.contracts.units import NoteConnection
from messagefoundry.engine.reload import reload
from messagefoundry.pipeline import committer as committer_module
from messagefoundry.wiring.values import OrderingMode, RetryPolicy, Send
from tests.engine.world import World, adt, control_id_of, operations, until, with_graph

if TYPE_CHECKING:
    import pytest

    from tests.engine.toy import Partner


def ids(partner: Partner) -> list[str]:
    """MSH-10 of what was delivered."""
    return [control_id_of(raw) for raw in partner.delivered]


async def test_dead_letter_frees_a_head_that_is_being_sent(world: World) -> None:
    sender, partner = world.simple()

    async def hang(item: OutboundItem) -> None:
        await trio.sleep_forever()

    partner.answers = [hang]
    async with world.running() as engine:
        first = await sender.send(adt("1"))
        await sender.send(adt("2"))
        await partner.until(lambda partner: len(partner.attempts) == 1)
        assert first.message_id
        assert await operations(engine).dead_letter(first.message_id, actor="op") == 1
        with trio.fail_after(5):
            await partner.has(1)
        await world.becomes(first.message_id, "ERROR")
    assert ids(partner) == ["2"]
    kinds = [event.kind for event in world.read(lambda reader: reader.connection_events("OB", 20))]
    assert "taken away while being sent" in kinds


async def test_an_item_dead_lettered_before_its_turn_is_not_sent(world: World) -> None:
    sender, partner = world.simple()
    release = trio.Event()

    async def wait(item: OutboundItem) -> Delivered:
        await release.wait()
        return Delivered()

    partner.answers = [wait]
    async with world.running(unsettled=1) as engine:
        await sender.send(adt("1"))
        second = await sender.send(adt("2"))
        await world.becomes(second.message_id, "ROUTED")
        await partner.until(lambda partner: len(partner.attempts) == 1)
        assert second.message_id
        await operations(engine).dead_letter(second.message_id, actor="op")
        release.set()
        third = await sender.send(adt("3"))
        await world.becomes(third.message_id, "PROCESSED")
    assert ids(partner) == ["1", "3"]


async def test_back_off_of_an_unordered_lane_does_not_starve(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(ordering=OrderingMode.UNORDERED)

    async def slowly(item: OutboundItem) -> Delivered:
        await trio.sleep(0.002)
        if item.attempt == 1 and control_id_of(item.payload) == "0":
            raise Unreachable("once")
        return Delivered()

    partner.answers = [slowly] * 100_000
    async with world.running():
        async with trio.open_nursery() as nursery:

            async def feed() -> None:
                for number in range(100_000):
                    await sender.send(adt(str(number)))

            nursery.start_soon(feed)
            with trio.fail_after(10):
                await partner.until(lambda partner: "0" in ids(partner))
            nursery.cancel_scope.cancel()


async def test_memory_is_given_back_when_lanes_are_replaced(world: World) -> None:
    sender, partner = world.simple()
    partner.answers = [Unreachable("down")] * 10_000
    async with world.running() as engine:
        for number in range(10):
            await sender.send(adt(str(number), text="Y" * 10_000))
        for number in range(4):
            world.outbound(retry=RetryPolicy(backoff_seconds=0.01, max_backoff_seconds=0.02 + number / 1000))
            with_graph(engine, world.graph)
            await reload(engine)
        partner.answers = []
        await partner.has(10)
        await until(lambda: engine.memory.used == 0)


async def test_a_stopped_lane_keeps_nothing_in_memory(world: World) -> None:
    sender, _ = world.simple()
    world.outbound(retry=RetryPolicy(backoff_seconds=300))
    world.partners["OB"].answers = [Unreachable("down")]
    async with world.running() as engine:
        for number in range(5):
            await sender.send(adt(str(number)))
        await until(lambda: engine.lanes["OB"].status.doing == "waiting to retry")
        await operations(engine).stop("OB", actor="op")
        assert len(engine.lanes["OB"].window) == 0


def removed_while_routing(world: World) -> tuple[Any, threading.Event]:
    """A Handler that waits, a second pair of Connections to keep, and how to let the Handler go on."""
    sender, _ = world.simple()
    gate = threading.Event()

    def handle(msg: Any) -> Any:
        gate.wait(10)
        return Send("OB", msg)

    world.handler(handle)
    world.inbound("IB2")
    return sender, gate


async def test_work_that_a_draining_inbound_hands_to_a_removed_lane_is_a_dead_letter(world: World) -> None:
    sender, gate = removed_while_routing(world)
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await until(lambda: engine.flows["IB"].window.held == 1)
        del world.inbounds["IB"], world.outbounds["OB"]
        world.handler(lambda msg: None)
        with_graph(engine, world.graph)
        await reload(engine)
        gate.set()
        await world.becomes(receipt.message_id, "ERROR")


async def test_a_second_reload_leaves_a_draining_inbound_its_messages(world: World) -> None:
    sender, gate = removed_while_routing(world)
    async with world.running() as engine:
        for number in range(3):
            await sender.send(adt(str(number)))
        await until(lambda: engine.flows["IB"].window.held >= 1)
        del world.inbounds["IB"]
        with_graph(engine, world.graph)
        await reload(engine)
        await reload(engine)
        gate.set()
        await world.partners["OB"].has(3)
        await until(lambda: engine.flows["IB"].drained)
        await reload(engine)
        assert "IB" not in engine.flows


async def test_flows_in_threads_of_their_own_are_drained_too(world: World) -> None:
    sender, partner = world.simple()

    def handle(msg: Any) -> Any:
        threading.Event().wait(0.08)
        return Send("OB", msg)

    world.handler(handle)
    async with world.running():
        for number in range(5):
            await sender.send(adt(str(number)))
    assert len(partner.delivered) == 5


async def test_a_commit_that_hangs_is_an_outage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "HANGING_SECONDS", 0)
    sender, partner = world.simple()
    monkeypatch.setattr("messagefoundry.pipeline.intake.STORE_PATIENCE_SECONDS", 0.2)
    async with world.running() as engine:
        store = engine.committer._batches._store
        commit, inside, release = store.commit, threading.Event(), threading.Event()

        def hanging(units: Any) -> None:
            if any(isinstance(unit, NoteConnection) for unit in units):
                inside.set()
                release.wait(20)
            commit(units)

        monkeypatch.setattr(store, "commit", hanging)
        engine.note("OB", "hang", "")
        await until(inside.is_set)
        with trio.fail_after(5):
            refused = await sender.send(adt("1"))
        assert (refused.accepted, refused.retry, refused.code) == (False, True, "AE")
        assert isinstance(engine.committer.outage, StoreUnavailable)
        release.set()
        await until(lambda: engine.committer.outage is None)
        await sender.send(adt("2"))
        await partner.has(1)
    assert ids(partner) == ["2"]


async def test_a_replay_of_work_that_waits_sends_it_once(world: World) -> None:
    sender, partner = world.simple()
    async with world.running(hold_outbound=True) as engine:
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ROUTED")
        assert receipt.message_id
        await operations(engine).replay([receipt.message_id], actor="op")
        await until(lambda: len(world.work(receipt.message_id)) == 2)
        await operations(engine).start("OB", actor="op")
        await world.becomes(receipt.message_id, "PROCESSED")
    assert ids(partner) == ["1"]


async def test_payloads_that_cannot_be_read_cost_only_themselves(world: World) -> None:
    sender, partner = world.simple()
    async with world.running(hold_outbound=True):
        receipts = [await sender.send(adt(str(number))) for number in range(3)]
        await world.becomes(receipts[-1].message_id, "ROUTED")
    lose_body(world, world.work(receipts[0].message_id)[0].id)
    async with world.running():
        await partner.has(2)
        await world.becomes(receipts[0].message_id, "ERROR")
    assert ids(partner) == ["1", "2"]


async def test_messages_that_cannot_be_read_cost_only_themselves(world: World) -> None:
    sender, partner = world.simple()
    stuck = threading.Event()
    world.router(lambda msg: stuck.wait(10))
    async with world.running(shutdown_timeout_seconds=0.05):
        receipts = [await sender.send(adt(str(number))) for number in range(3)]
    stuck.set()
    lose_body(world, receipts[1].message_id)
    world.router(lambda msg: "handle")
    async with world.running():
        await partner.has(2)
        await world.becomes(receipts[1].message_id, "ERROR")
    assert ids(partner) == ["0", "2"]


def lose_body(world: World, row_id: int | None) -> None:
    """Take a body out of the store, as a damaged page would."""
    with closing(sqlite3.connect(world.location.path)) as database, database:
        assert database.execute("DELETE FROM body WHERE id = ?", [row_id]).rowcount == 1
