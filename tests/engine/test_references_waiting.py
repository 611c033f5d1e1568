"""A reference set that was never read: who waits for it, what waits, and what else goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.engine import reference_sync
from messagefoundry.wiring.reference_sets import reference
from messagefoundry.wiring.values import Send
from tests.engine.referring import ReferringWorld, state
from tests.engine.world import adt, operations

if TYPE_CHECKING:
    from pathlib import Path


BEFORE = "code,npi\nX,before\n"
WAITS = ("waiting", "reference set providers")


@pytest.fixture
def world(tmp_path: Path) -> ReferringWorld:
    return ReferringWorld(tmp_path)


async def test_a_set_that_was_never_read_holds_its_own_inbounds_until_it_is(
    world: ReferringWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_sync, "FIRST_PAUSE_SECONDS", 0.02)
    sender, partner = world.referring()
    aside, other = world.aside()
    file = world.file("providers", BEFORE)
    file.unlink()
    async with world.running() as engine:
        assert state(engine) == WAITS
        assert sender.context is None
        assert not engine.alarm.raise_alert("connection_stopped", "IB", ""), "it was alerted of"
        with trio.fail_after(5):
            await aside.send(adt("1"))
            await other.has(1)
        file.write_text(BEFORE)
        with trio.fail_after(5):
            await sender.send(adt("2"))
            await partner.has(1)
        assert state(engine) == ("running", "")
    assert partner.delivered == [b"before"]
    events = world.read(lambda reader: reader.connection_events("IB", 10))
    assert [(event.kind, event.detail) for event in events][:2] == [
        ("waiting", "waits for reference set providers"),
        ("started", ""),
    ]


async def test_who_computes_a_name_waits_for_every_set(world: ReferringWorld) -> None:
    def handle(msg: Any) -> Send:
        return Send("OB", str(reference("other")["X"]) + str(reference("provid" + msg["PID-1"])["X"]))

    world.referring()
    world.aside()
    world.handler(handle)
    world.file("providers", BEFORE).unlink()
    world.file("other", BEFORE)
    async with world.running() as engine:
        assert state(engine) == WAITS
        assert state(engine, "IB_ASIDE") == ("running", "")


async def test_all_wait_for_a_set_that_nobody_seems_to_ask_for(world: ReferringWorld) -> None:
    world.referring()
    world.aside()
    world.handler(lambda msg: Send("OB", msg))
    world.file("providers", BEFORE).unlink()
    async with world.running() as engine:
        assert state(engine) == state(engine, "IB_ASIDE") == WAITS


async def test_what_waits_can_be_stopped_and_started(world: ReferringWorld) -> None:
    world.referring()
    file = world.file("providers", BEFORE)
    file.unlink()
    async with world.running() as engine:
        assert await operations(engine).stop("IB", actor="test") == "stopped"
        file.write_text(BEFORE)
        assert await engine.references.sets["providers"].sync()
        assert state(engine) == ("stopped", "")
        assert await operations(engine).start("IB", actor="test") == "running"


@pytest.mark.parametrize("crash", [False, True])
async def test_messages_of_the_store_wait_for_the_set_too(world: ReferringWorld, crash: bool) -> None:
    sender, partner = world.referring()
    world.handler(lambda msg: Send("OB", msg))
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "PROCESSED")
    world.referring()
    file = world.file("providers", BEFORE)
    file.unlink()
    with trio.fail_after(10):  # a stop does not wait for what waits
        await _replayed_before_the_set_is_there(world, receipt.message_id, crash=crash)
    async with world.running() as engine:
        assert world.disposition(receipt.message_id) == "RECEIVED"
        file.write_text(BEFORE)
        assert await engine.references.sets["providers"].sync()
        with trio.fail_after(5):
            await partner.has(2)
    assert partner.delivered[-1] == b"before"


async def _replayed_before_the_set_is_there(world: ReferringWorld, message_id: int | None, *, crash: bool) -> None:
    async with world.running(crash=crash) as engine:
        assert message_id is not None
        assert await operations(engine).replay([message_id], actor="test") == 1
        assert not await engine.references.sets["providers"].sync()
        assert world.disposition(message_id) == "RECEIVED"


async def test_asking_for_what_there_is_not_is_an_error(
    world: ReferringWorld, caplog: pytest.LogCaptureFixture
) -> None:
    sender, _ = world.referring()
    world.file("providers", BEFORE)
    world.handler(lambda msg: Send("OB", str(reference(msg["PID-3"]))))
    async with world.running():
        receipt = await sender.send(adt("1", text="SECRET"))
        await world.becomes(receipt.message_id, "ERROR")
    assert "UnknownReferenceError at test_references_waiting.py" in caplog.text
    assert "SECRET" not in caplog.text
