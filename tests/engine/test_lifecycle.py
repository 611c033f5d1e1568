"""Start, stop and crash: what is taken up again, what is swept, and what is left alone."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import trio

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import EngineRunning
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.contracts.units import MarkAttempt, MarkRunning
from messagefoundry.engine import plan as plan_module
from messagefoundry.engine.plan import TooMuchRemoved
from messagefoundry.engine.run import run
from messagefoundry.pipeline.committer import now
from messagefoundry.wiring.values import Send
from messagefoundry_sqlite.factory import SQLITE
from tests.engine.world import World, adt, control_id_of


async def test_what_was_received_and_not_routed_is_routed_at_the_next_start(world: World) -> None:
    sender, partner = world.simple()
    stuck = threading.Event()
    world.router(lambda msg: stuck.wait(10))
    async with world.running(shutdown_timeout_seconds=0.05):
        receipts = [await sender.send(adt(str(number))) for number in range(3)]
    stuck.set()
    assert [world.disposition(receipt.message_id) for receipt in receipts] == ["RECEIVED"] * 3
    world.router(lambda msg: "handle")
    async with world.running():
        await partner.has(3)
    assert [control_id_of(raw) for raw in partner.delivered] == ["0", "1", "2"]


async def test_a_stuck_handler_delays_nobody_else(world: World) -> None:
    sender, partner = world.simple()
    other = world.inbound("IB2", router="stuck")
    release = threading.Event()
    world.router(lambda msg: release.wait(20) and "handle", "stuck")
    async with world.running():
        blocked = await other.send(adt("blocked"))
        await other.send(adt("behind"))
        for number in range(20):
            begun = time.monotonic()
            await sender.send(adt(str(number)))
            await partner.has(number + 1)
            assert time.monotonic() - begun < 2
        assert world.disposition(blocked.message_id) == "RECEIVED"
        release.set()
        await partner.has(22)
    assert [control_id_of(raw) for raw in partner.delivered[-2:]] == ["blocked", "behind"]


async def test_work_of_what_was_removed_is_dead_lettered_at_start_and_replays_when_it_is_back(world: World) -> None:
    sender, _ = world.simple()
    async with world.running(hold_outbound=True):
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ROUTED")
    kept = world.outbounds.pop("OB")
    async with world.running():
        await world.becomes(receipt.message_id, "ERROR")
    (row,) = world.work(receipt.message_id)
    assert "OB" in row.error
    world.outbounds["OB"] = kept


async def test_a_start_that_would_dead_letter_very_much_asks_first(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("messagefoundry.engine.run.MOST_REMOVED", 2)
    assert plan_module.MOST_REMOVED == 100
    sender, _ = world.simple()
    async with world.running(hold_outbound=True):
        receipts = [await sender.send(adt(str(number))) for number in range(3)]
        for receipt in receipts:
            await world.becomes(receipt.message_id, "ROUTED")
    del world.outbounds["OB"]
    with pytest.raises(TooMuchRemoved, match="3 messages"):
        await run(world.plan(), task_status=trio.TASK_STATUS_IGNORED)
    assert world.disposition(receipts[0].message_id) == "ROUTED"
    async with world.running(accept_removed=True):
        await world.becomes(receipts[-1].message_id, "ERROR")
    told = [each.getMessage() for each in caplog.records if "no longer configured" in each.getMessage()]
    assert told == ["3 messages waited for what is no longer configured; they are dead letters now"]


async def test_not_deployed_is_not_removed(world: World) -> None:
    sender, _ = world.simple()
    async with world.running(hold_outbound=True):
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ROUTED")
    world.outbound(deployed=False)
    async with world.running() as engine:
        assert "OB" not in engine.connections
    assert world.disposition(receipt.message_id) == "ROUTED"


async def test_a_second_engine_is_refused(world: World) -> None:
    world.simple()
    async with world.running():
        with pytest.raises(EngineRunning, match="pid"):
            await run(world.plan(), task_status=trio.TASK_STATUS_IGNORED)


def mark_deaths(world: World, deaths: int) -> None:
    """Leave the store as an engine that died does, having begun each unfinished message so many times."""
    store = SQLITE.open(world.location, Plaintext())
    store.commit([MarkRunning(running=True, at=now())])
    for row in world.read(lambda reader: reader.messages(MessageQuery(disposition="RECEIVED"))):
        for _ in range(deaths):
            store.commit([MarkAttempt(row.id)])
    store.close()


@pytest.mark.parametrize(("deaths", "expected"), [(0, "PROCESSED"), (1, "PROCESSED"), (2, "ERROR")])
async def test_the_third_death_dead_letters_a_message_at_ingress(world: World, deaths: int, expected: str) -> None:
    sender, partner = world.simple()
    stuck = threading.Event()
    world.router(lambda msg: stuck.wait(10))
    async with world.running(shutdown_timeout_seconds=0.05):
        receipt = await sender.send(adt("1"))
    stuck.set()
    world.router(lambda msg: "handle")
    mark_deaths(world, deaths)
    async with world.running():
        await world.becomes(receipt.message_id, expected)
        second = await sender.send(adt("2"))
        await world.becomes(second.message_id, "PROCESSED")
    assert (len(partner.delivered) == 2) == (expected == "PROCESSED")


async def test_a_message_cannot_be_received_while_stopping(world: World) -> None:
    sender, _ = world.simple()
    async with world.running() as engine:
        context = sender.context
        assert context is not None
        await engine.refuse_new()
        receipt = await context.receive(adt("1"))
    assert not receipt.accepted
    assert receipt.retry
    assert receipt.code == "AE"
    assert world.read(lambda reader: reader.messages(MessageQuery())) == []


async def test_refused_messages_are_kept_as_errors_and_repeats_are_counted(world: World) -> None:
    sender, _ = world.simple()
    async with world.running():
        receipts = [await sender.send(b"not HL7") for _ in range(3)]
        await sender.send(b"neither")
    assert {(receipt.accepted, receipt.code, receipt.retry) for receipt in receipts} == {(False, "AR", False)}
    rows = world.read(lambda reader: reader.messages(MessageQuery(disposition="ERROR")))
    assert [(row.refusal, row.repeats) for row in rows] == [("AR", 0), ("AR", 2)]
    assert world.read(lambda reader: reader.dispositions())["REFUSED"] == 2


async def test_a_reply_from_the_partner_answers_the_sender(world: World) -> None:
    _, partner = world.simple()
    sender = world.inbound(reply_from="OB", reply_timeout=5)
    async with world.running():
        receipt = await sender.send(adt("1"))
        assert receipt.reply == b"MSA|AA|" + adt("1")[:8]
        world.handlers.clear()
    assert len(partner.delivered) == 1


async def test_without_a_reply_the_sender_is_told_so(world: World) -> None:
    world.simple()
    world.handler(lambda msg: None)
    sender = world.inbound(reply_from="OB", reply_timeout=5)
    async with world.running():
        with trio.fail_after(3):
            receipt = await sender.send(adt("1"))
    assert receipt.accepted
    assert receipt.code == "AE"


async def test_messages_of_one_inbound_keep_their_order_whatever_the_handlers_take(world: World) -> None:
    sender, partner = world.simple()

    def handle(msg: Any) -> Any:
        if control_id_of(msg.encode_bytes()) in ("3", "7"):
            time.sleep(0.12)
        return Send("OB", msg)

    world.handler(handle)
    async with world.running():
        for number in range(12):
            await sender.send(adt(str(number)))
        await partner.has(12)
    assert [control_id_of(raw) for raw in partner.delivered] == [str(number) for number in range(12)]
