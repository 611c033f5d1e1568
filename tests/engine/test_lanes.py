"""Lanes: order, retries, stops, and work that does not fit into memory."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio

from messagefoundry.contracts.errors import CredentialFault, Unreachable
from messagefoundry.contracts.outbound import Delivered, OutboundItem, Rejected
from messagefoundry.pipeline.window import Memory, Window
from messagefoundry.wiring.values import InternalErrorPolicy, OrderingMode, RetryPolicy, Send
from tests.engine.toy import Broken, Partner
from tests.engine.world import World, adt, control_id_of, operations, until

SLOW = RetryPolicy(backoff_seconds=300)


def ids(partner: Partner) -> list[str]:
    """MSH-10 of what was delivered."""
    return [control_id_of(raw) for raw in partner.delivered]


async def test_fifo_holds_everything_behind_a_failing_head(world: World) -> None:
    sender, partner = world.simple()
    partner.answers = [Unreachable("away"), Rejected("AE", permanent=False), Unreachable("away", outcome_unknown=True)]
    async with world.running():
        for number in range(5):
            await sender.send(adt(str(number)))
        await partner.has(5)
    assert ids(partner) == ["0", "1", "2", "3", "4"]
    assert [item.attempt for item in partner.attempts[:4]] == [1, 2, 3, 4]


async def test_an_unordered_lane_goes_on_and_comes_back(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(ordering=OrderingMode.UNORDERED, retry=RetryPolicy(backoff_seconds=0.3))
    partner.answers = [Unreachable("away")]
    async with world.running():
        for number in range(4):
            await sender.send(adt(str(number)))
        with trio.fail_after(10):
            await partner.has(4)
    assert ids(partner) == ["1", "2", "3", "0"]
    assert [item.attempt for item in partner.attempts] == [1, 1, 1, 1, 2]


async def test_an_attempt_whose_outcome_is_unknown_says_so_on_the_trail(world: World) -> None:
    sender, partner = world.simple()
    partner.answers = [Unreachable("cut", outcome_unknown=True)]
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "PROCESSED")
    assert sum("unknown" in event.detail for event in world.trail(receipt.message_id)) == 1


@pytest.mark.parametrize("fault", [CredentialFault("bad key"), Broken("bug"), KeyError("secret")])
async def test_a_lane_that_stops_keeps_its_head_and_calls_for_help(world: World, fault: Exception) -> None:
    sender, partner = world.simple()
    world.outbound(internal_error=InternalErrorPolicy.STOP)
    partner.answers = [fault]
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await sender.send(adt("2"))
        await until(lambda: engine.connections["OB"].state == "failed")
        assert "secret" not in engine.connections["OB"].reason
        assert world.disposition(receipt.message_id) == "ROUTED"
        assert await operations(engine).start("OB", actor="op") == "running"
        await partner.has(2)
    assert ids(partner) == ["1", "2"]


async def test_a_broken_connector_dead_letters_and_goes_on_with_a_new_one(world: World) -> None:
    sender, partner = world.simple()
    partner.answers = [Broken("bug")]
    async with world.running():
        first = await sender.send(adt("1"))
        await sender.send(adt("2"))
        await partner.has(1)
        await world.becomes(first.message_id, "ERROR")
    assert ids(partner) == ["2"]


async def test_dead_letter_now_frees_a_blocked_head_at_once(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(retry=SLOW)
    partner.answers = [Unreachable("away")]
    async with world.running() as engine:
        first = await sender.send(adt("1"))
        await sender.send(adt("2"))
        await partner.until(lambda partner: len(partner.attempts) == 1)
        await until(lambda: engine.lanes["OB"].status.doing == "waiting to retry")
        with trio.fail_after(5):
            assert first.message_id
            assert await operations(engine).dead_letter(first.message_id, actor="op") == 1
            await partner.has(1)
        await world.becomes(first.message_id, "ERROR")
        (row,) = world.work(first.message_id)
        await operations(engine).replay_dead([row.id], actor="op")
        await partner.has(2)
    assert ids(partner) == ["2", "1"]


async def test_an_operators_stop_outlives_a_restart_until_start(world: World) -> None:
    sender, partner = world.simple()
    async with world.running() as engine:
        assert await operations(engine).stop("OB", actor="op") == "stopped"
        await sender.send(adt("1"))
    async with world.running() as engine:
        await sender.send(adt("2"))
        assert engine.connections["OB"].state == "stopped"
        assert partner.attempts == []
        await operations(engine).start("OB", actor="op")
        await partner.has(2)
    async with world.running() as engine:
        assert engine.connections["OB"].state == "running"
    assert ids(partner) == ["1", "2"]


async def test_simulated_work_stays_simulated_when_the_lane_goes_live(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(simulate=True)
    async with world.running(hold_outbound=True):
        first = await sender.send(adt("1"))
        await world.becomes(first.message_id, "ROUTED")
    world.outbound(simulate=False)
    async with world.running():
        second = await sender.send(adt("2"))
        await world.becomes(first.message_id, "PROCESSED")
        await world.becomes(second.message_id, "PROCESSED")
    assert ids(partner) == ["2"]
    assert "simulated" in world.trail(first.message_id)[-1].detail
    (row,) = world.work(first.message_id)
    assert world.read(lambda reader: reader.body(row.id)) == adt("1")


async def test_a_resend_into_a_simulated_lane_sends_nothing(world: World) -> None:
    sender, partner = world.simple()
    async with world.running():
        receipt = await sender.send(adt("1"))
        await partner.has(1)
    world.outbound(simulate=True)
    async with world.running() as engine:
        assert receipt.message_id
        await operations(engine).resend([receipt.message_id], actor="op")
        await world.becomes(receipt.message_id, "PROCESSED")
    assert len(partner.attempts) == 1


async def test_a_backlog_larger_than_memory_leaves_in_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    small_windows(monkeypatch, 7)
    sender, partner = world.simple()
    async with world.running(hold_outbound=True):
        for number in range(60):
            await sender.send(adt(str(number)))
    async with world.running():
        for number in range(60, 90):
            await sender.send(adt(str(number)))
        with trio.fail_after(20):
            await partner.has(90)
    assert ids(partner) == [str(number) for number in range(90)]


async def test_at_most_unsettled_items_are_ahead_of_the_store(world: World) -> None:
    sender, partner = world.simple()
    async with world.running(unsettled=3) as engine:
        batches, seen = engine.committer._batches, list[int]()

        async def watch(item: OutboundItem) -> Delivered:
            pending = [
                entry for entry in [*batches.queued, *batches.on_their_way] if "Settle" in type(entry.unit).__name__
            ]
            seen.append(len(pending))
            return Delivered()

        partner.answers = [watch] * 60
        async with trio.open_nursery() as nursery:
            for number in range(60):
                nursery.start_soon(sender.send, adt(str(number)))
        await partner.has(60)
    assert max(seen) <= 2


async def test_a_restart_of_a_lane_repeats_nothing_that_was_delivered(world: World) -> None:
    sender, partner = world.simple()
    async with world.running() as engine:
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(sender.send, adt(str(number)))
            for _ in range(5):
                await operations(engine).stop("OB", actor="op")
                await operations(engine).start("OB", actor="op")
        with trio.fail_after(10):
            await partner.until(lambda partner: len(set(ids(partner))) == 50)
    assert len(ids(partner)) == 50


async def test_an_interrupted_send_is_tried_again_and_noted(world: World) -> None:
    sender, partner = world.simple()

    async def hang(item: object) -> None:
        await trio.sleep_forever()

    partner.answers = [hang]
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await partner.until(lambda partner: len(partner.attempts) == 1)
        await operations(engine).stop("OB", actor="op")
        await operations(engine).start("OB", actor="op")
        await partner.has(1)
        await world.becomes(receipt.message_id, "PROCESSED")
    assert [item.attempt for item in partner.attempts] == [1, 2]
    assert "unknown" in " ".join(event.detail for event in world.trail(receipt.message_id))


def small_windows(monkeypatch: pytest.MonkeyPatch, items: int) -> None:
    """Let every window hold only so many items."""
    original = Window.__init__

    def make(self: Window[object], memory: object, ask: object, **_: object) -> None:
        original(self, memory, ask, max_items=items)  # type: ignore[arg-type]

    monkeypatch.setattr(Window, "__init__", make)


async def test_start_tries_a_waiting_head_again_at_once(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(retry=SLOW)
    partner.answers = [Unreachable("away")]
    async with world.running() as engine:
        await sender.send(adt("1"))
        await until(lambda: engine.lanes["OB"].status.doing == "waiting to retry")
        await operations(engine).start("OB", actor="op")
        with trio.fail_after(5):
            await partner.has(1)


async def test_a_lane_says_once_that_it_fails_and_once_that_it_delivers_again(world: World) -> None:
    sender, partner = world.simple()
    partner.answers = [Unreachable("10.0.0.7:2575: Connection refused")] * 5
    async with world.running():
        for number in range(3):
            await sender.send(adt(str(number)))
        await partner.has(3)
    events = world.read(lambda reader: reader.connection_events("OB", 20))
    told = [(event.kind, event.detail) for event in events if event.kind != "started"]
    assert told == [("delivery fails", "10.0.0.7:2575: Connection refused"), ("delivers again", "")]


async def test_a_lane_says_why_it_fails_now(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """What is told last is what holds; one reason is told once, and as a warning."""
    sender, partner = world.simple()
    refused, rejected = Rejected("the partner answered AR", True), Rejected("the partner answered AE", False)
    partner.answers = [refused, rejected, rejected, Unreachable("away"), rejected, None, refused, None]
    with caplog.at_level(logging.INFO):
        async with world.running():
            for number in range(4):
                await sender.send(adt(str(number)))
            await partner.has(2)
    events = world.read(lambda reader: reader.connection_events("OB", 20))
    told = [f"{event.kind} {event.detail}".strip() for event in events if event.kind != "started"]
    fails = [f"delivery fails the partner answered {code}" for code in ("AR", "AE")]
    assert told == [*fails, "delivery fails away", fails[1], "delivers again", fails[0], "delivers again"]
    levels = {record.levelname for record in caplog.records if "delivery fails" in record.getMessage()}
    assert levels == {"WARNING"}


@pytest.mark.parametrize("place", ["flow", "lane"])
async def test_what_is_idle_goes_on_while_others_fill_the_memory(world: World, place: str) -> None:
    sender, partner = world.simple()
    memory: list[Memory] = []

    def fill(msg: Any) -> Send:
        memory[0].limit = 0
        return Send("OB", msg)

    world.handler(fill)
    async with world.running() as engine:
        memory.append(engine.memory)
        if place == "flow":
            engine.memory.limit = 0
        with trio.fail_after(10):
            for number in range(3):
                await sender.send(adt(str(number)))
            await partner.has(3)
    assert ids(partner) == ["0", "1", "2"]
