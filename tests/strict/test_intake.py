"""Strict inbounds of a running engine: what the sender is answered, and what the trail says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.generate import KINDS, series
from tests.engine.world import World, adt, until
from tests.generate.made import one

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.contracts.inbound import Receipt
    from messagefoundry.contracts.stores import MessageRow

GOOD = one("ADT^A01").raw
SECRET = "TESTWELLSECRET"
BAD = GOOD.replace(b"\rPV1|1|I", b"\rPV1|1|").replace(b"\rPID|1|", b"\rPID|1|" + SECRET.encode())
"""Without PV1-2, and with something in PID-2 that nobody may see."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def strict(world: World, **options: Any) -> None:
    world.simple()
    world.inbound(strict=True, **options)


async def answered(world: World, raw: bytes) -> Receipt:
    async with world.running():
        return await world.senders["IB"].send(raw)


def only_row(world: World) -> MessageRow:
    rows: list[MessageRow] = world.read(lambda reader: reader.messages(MessageQuery()))
    (row,) = rows
    return row


def segment(receipt: Receipt, name: str) -> list[str]:
    assert receipt.reply is not None
    return next(line for line in receipt.reply.decode().split("\r") if line.startswith(name)).split("|")


async def test_a_correct_message_is_accepted_and_delivered_to_the_byte(world: World) -> None:
    strict(world)
    async with world.running():
        receipt = await world.senders["IB"].send(GOOD)
        assert (receipt.accepted, receipt.code) == (True, "AA")
        await world.partners["OB"].has(1)
    assert world.partners["OB"].delivered == [GOOD]


async def test_a_fault_is_answered_with_its_place_and_rule(world: World) -> None:
    strict(world)
    receipt = await answered(world, BAD)
    assert (receipt.accepted, receipt.code, receipt.retry) == (False, "AE", False)
    err = segment(receipt, "ERR")
    assert (err[2], err[3], err[4]) == ("PV1^1^2", "101^Required field missing^HL70357", "E")


async def test_the_trail_names_every_fault_and_no_value(world: World) -> None:
    strict(world)
    receipt = await answered(world, BAD.replace(b"\rPV1", b"\rDG1|1||X\rPV1"))
    row = only_row(world)
    assert row.disposition == "ERROR"
    (event, *_) = world.trail(row.id)
    assert "PV1-2: a value is required" in event.detail
    assert "DG1-6: a value is required" in event.detail
    assert SECRET not in event.detail + receipt.reason
    assert receipt.reply is not None
    assert SECRET.encode() not in receipt.reply


async def test_a_missing_segment_is_a_sequence_error(world: World) -> None:
    strict(world)
    err = segment(await answered(world, adt("1")), "ERR")
    assert (err[2], err[3]) == ("EVN^1", "100^Segment sequence error^HL70357")


async def test_a_validation_that_takes_too_long_is_answered_207(world: World) -> None:
    strict(world, strict_timeout_s=0.000001)
    receipt = await answered(world, GOOD)
    assert (receipt.code, receipt.accepted) == ("AE", False)
    assert segment(receipt, "ERR")[3].startswith("207^")
    assert "could not be validated in time" in world.trail(only_row(world).id)[0].detail


async def test_a_version_without_a_schema_is_noted_once_and_accepted(world: World) -> None:
    strict(world)
    other = GOOD.replace(b"|2.5.1|", b"|2.99|", 1)
    async with world.running():
        for _ in range(3):
            assert (await world.senders["IB"].send(other)).code == "AA"
        await until(lambda: bool(notes(world)))
        await world.partners["OB"].has(3)
    assert notes(world) == ["MSH-12 names a version without a schema"]


async def test_with_a_version_given_that_one_decides(world: World) -> None:
    strict(world, hl7_version="2.5.1")
    assert (await answered(world, BAD.replace(b"|2.5.1|", b"|2.99|", 1))).code == "AE"


async def test_an_inbound_that_is_not_strict_takes_what_is_wrong(world: World) -> None:
    world.simple()
    assert (await answered(world, BAD)).code == "AA"


async def test_every_generated_kind_passes_a_strict_inbound_in_order(world: World) -> None:
    strict(world)
    raws = [each.raw for each, _ in zip(series(KINDS, 2), range(101), strict=False)]
    async with world.running():
        for raw in raws:
            assert (await world.senders["IB"].send(raw)).code == "AA"
        await world.partners["OB"].has(len(raws))
    assert world.partners["OB"].delivered == raws


def notes(world: World) -> list[str]:
    found = world.read(lambda reader: reader.connection_events("IB", 100))
    return [event.detail for event in found if event.kind == "not validated"]
