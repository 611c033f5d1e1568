"""What the engine notices by itself: a disk that fills, floods of events, failures that somebody should read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.engine import disk
from messagefoundry.engine.notes import Sparingly
from messagefoundry.wiring.values import Send
from tests.engine.world import World, adt, until

if TYPE_CHECKING:
    import pytest


async def test_a_low_disk_refuses_while_lanes_go_on_and_recovers_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "CHECK_SECONDS", 0.01)
    sender, partner = world.simple()
    partner.answers = [Unreachable("away")] * 3
    async with world.running() as engine:
        first = await sender.send(adt("1"))
        monkeypatch.setattr(disk, "LOW_WATER_BYTES", 2**62)
        await until(lambda: engine.gate.disk_low)
        refused = await sender.send(adt("2"))
        await partner.has(1)
        await world.becomes(first.message_id, "PROCESSED")
        monkeypatch.setattr(disk, "LOW_WATER_BYTES", 0)
        await until(lambda: not engine.gate.disk_low)
        await sender.send(adt("2"))
        await partner.has(2)
    assert (refused.accepted, refused.retry, refused.code) == (False, True, "AE")
    assert len(world.read(lambda reader: reader.messages(MessageQuery()))) == 2
    events = world.read(lambda reader: reader.connection_events("store", 10))
    assert [event.kind for event in events] == ["disk low", "disk recovered"]


async def test_a_flood_of_events_is_not_a_flood_of_rows(world: World) -> None:
    world.simple()
    async with world.running() as engine:
        for number in range(500):
            engine.note("IB", "peer refused", f"peer {number}")
        engine.note("IB", "frame cut", "another kind")
    events = world.read(lambda reader: reader.connection_events("IB", 1000))
    kinds = [event.kind for event in events]
    assert kinds.count("peer refused") == 20
    assert kinds.count("frame cut") == 1


def test_after_the_time_events_are_let_through_again() -> None:
    sparingly = Sparingly(most=1, seconds=0)
    assert sparingly.allows("a")
    assert sparingly.allows("a")


async def test_a_handler_that_fails_is_in_the_log_without_its_text(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sender, _ = world.simple()

    def handle(msg: object) -> None:
        raise ValueError("DOE^JANE")

    world.handler(handle)
    with caplog.at_level(logging.INFO):
        async with world.running():
            receipt = await sender.send(adt("1", text="DOE^JANE"))
            await world.becomes(receipt.message_id, "ERROR")
    assert "ValueError at test_watch.py" in caplog.text
    assert "DOE" not in caplog.text


async def test_why_an_attempt_failed_is_on_the_trail(world: World) -> None:
    sender, partner = world.simple()
    partner.answers = [Unreachable("127.0.0.1:1: Connection refused\nand more")]
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "PROCESSED")
    details = [event.detail for event in world.trail(receipt.message_id)]
    assert any("Connection refused" in detail for detail in details)
    assert not any("and more" in detail for detail in details)


async def test_payloads_have_the_content_type_of_what_was_sent(world: World) -> None:
    sender, partner = world.simple()
    world.handler(lambda msg: [Send("OB", msg), Send("OB", b"plain")])
    world.inbound(content_type="text")
    async with world.running():
        await sender.send(adt("1"))
        await partner.has(2)
    assert [item.content_type for item in partner.attempts] == ["hl7v2", "text"]
