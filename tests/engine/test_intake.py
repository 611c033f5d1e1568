"""What intake says of messages that it accepts or refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.stores import MessageQuery
from tests.engine.world import adt, until

if TYPE_CHECKING:
    from tests.engine.world import World

NO_TYPE = b"MSH|^~\\&|A|B|C|D|20260101|||1|P|2.5.1\rPID|1\r"
NO_ID = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01||P|2.5.1\rPID|1\r"


@pytest.mark.parametrize(("raw", "missing"), [(NO_TYPE, "MSH-9"), (NO_ID, "MSH-10")])
async def test_a_header_without_type_or_id_is_accepted_and_noted(world: World, raw: bytes, missing: str) -> None:
    sender, partner = world.simple()
    async with world.running():
        receipt = await sender.send(raw)
        assert (receipt.accepted, receipt.code) == (True, "AA")
        await partner.has(1)
        await until(lambda: missing in events(world, "incomplete header"))
    assert partner.delivered == [raw]


async def test_a_complete_header_is_not_noted(world: World) -> None:
    sender, partner = world.simple()
    async with world.running():
        await sender.send(adt("1"))
        await partner.has(1)
    assert events(world, "incomplete header") == ""


async def test_a_message_outside_of_its_character_set_says_which_one_was_taken(world: World) -> None:
    sender, _ = world.simple()
    async with world.running():
        receipt = await sender.send(adt("1", text="Jos\N{LATIN SMALL LETTER E WITH ACUTE}").decode().encode("latin-1"))
        assert receipt.code == "AE"
    (row,) = world.read(lambda reader: reader.messages(MessageQuery()))
    assert "read as utf-8" in world.trail(row.id)[0].detail


def events(world: World, kind: str) -> str:
    """The details of one kind of event of the inbound."""
    found = world.read(lambda reader: reader.connection_events("IB", 100))
    return " ".join(event.detail for event in found if event.kind == kind)
