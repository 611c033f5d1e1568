"""Repeats at a running engine: what is routed, what the sender is answered, what the trail says."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio

from messagefoundry.contracts.errors import UnstorableUnit
from messagefoundry.contracts.outbound import Rejected
from messagefoundry.contracts.specs import load
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.engine import forgetting
from messagefoundry.engine.reload import reload
from messagefoundry.engine.status import connections
from messagefoundry.plugins import installed
from messagefoundry.wiring.values import AckMode, Dedupe, Send
from tests.engine.world import World, adt, control_id_of, until, with_graph

if TYPE_CHECKING:
    from messagefoundry.contracts.inbound import Receipt
    from messagefoundry.contracts.stores import MessageRow
    from messagefoundry.contracts.units import Unit
    from messagefoundry.message import Message
    from messagefoundry.pipeline.committer import Committer
    from tests.engine.toy import Partner, Sender

HOUR = Dedupe(window_seconds=3600)
REUSED = "message id used again"


def told(world: World, dedupe: Dedupe = HOUR, **options: Any) -> tuple[Sender, Partner]:
    """The simple world with an inbound that tells repeats."""
    _, partner = world.simple()
    return world.inbound(dedupe=dedupe, **options), partner


async def has(partner: Partner, count: int) -> None:
    """Wait until so many messages were delivered."""
    with trio.fail_after(5):
        await partner.has(count)


def rows(world: World) -> list[MessageRow]:
    found: list[MessageRow] = world.read(lambda reader: reader.messages(MessageQuery()))
    return sorted(found, key=lambda row: row.id)


def kinds(world: World, receipt: Receipt) -> list[tuple[str, str]]:
    return [(event.kind, event.detail) for event in world.trail(receipt.message_id)]


def events(world: World) -> dict[str, str]:
    """What happened to the inbound, and the last detail of each."""
    found = world.read(lambda reader: reader.connection_events("IB", 100))
    return {event.kind: event.detail for event in found}


def code(receipt: Receipt) -> bytes:
    assert receipt.reply is not None
    return receipt.reply.split(b"\rMSA|")[1]


def sent_at(raw: bytes, stamp: bytes) -> bytes:
    """The same message with another MSH-7."""
    return raw.replace(b"|20260101|", b"|" + stamp + b"|", 1)


async def test_a_repeat_is_acknowledged_noted_and_not_routed(world: World) -> None:
    sender, partner = told(world)
    routed: list[str] = []

    def route(msg: Message) -> str:
        routed.append(msg["MSH-10"] or "")
        return "handle"

    world.router(route)
    async with world.running():
        first = await sender.send(adt("1"))
        again = await sender.send(sent_at(adt("1"), b"20260102"))
        other = await sender.send(adt("2"))
        await has(partner, 2)
        assert again == first._replace(reply=again.reply)
        assert (code(again), again.accepted) == (b"AA|1\r", True)
        assert other.message_id != first.message_id
    assert routed == ["1", "2"]
    assert partner.delivered == [adt("1"), adt("2")]
    assert [row.id for row in rows(world)] == [first.message_id, other.message_id]
    assert ("repeated", "from test") in kinds(world, first)
    assert world.disposition(first.message_id) == "PROCESSED"


async def test_repeats_in_one_commit_are_told(world: World) -> None:
    sender, partner = told(world)
    receipts: list[Receipt] = []

    async def send(number: int) -> None:
        receipts.append(await sender.send(adt(str(number % 3))))

    async with world.running():
        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(send, number)
        await has(partner, 3)
        await until(lambda: {row.disposition for row in rows(world)} == {"PROCESSED"})
    assert len(rows(world)) == 3
    assert {receipt.message_id for receipt in receipts} == {row.id for row in rows(world)}
    assert {code(receipt)[:2] for receipt in receipts} == {b"AA"}
    assert sorted(map(control_id_of, partner.delivered)) == ["0", "1", "2"]


async def test_a_repeat_is_told_while_the_first_still_waits(world: World) -> None:
    sender, partner = told(world)
    gate = threading.Event()

    def handle(msg: Message) -> Send:
        assert gate.wait(10)
        return Send("OB", msg)

    world.handler(handle)
    async with world.running():
        first = await sender.send(adt("1"))
        assert (await sender.send(adt("1"))).message_id == first.message_id
        gate.set()
        await has(partner, 1)
    assert len(rows(world)) == 1


async def test_a_sender_that_has_gone_and_comes_again_is_told(world: World) -> None:
    """Its first commit goes on without it."""
    sender, partner = told(world)
    async with world.running():
        await sender.ready.wait()
        with trio.CancelScope() as gone:
            gone.cancel()
            await sender.send(adt("1"))
        assert gone.cancelled_caught
        again = await sender.send(adt("1"))
        await has(partner, 1)
        await world.becomes(again.message_id, "PROCESSED")
    assert [row.id for row in rows(world)] == [again.message_id]
    assert partner.delivered == [adt("1")]


@pytest.mark.parametrize("crash", [False, True])
async def test_a_repeat_is_told_after_a_restart(world: World, crash: bool) -> None:
    sender, partner = told(world)
    async with world.running(crash=crash):
        first = await sender.send(adt("1"))
        await world.becomes(first.message_id, "PROCESSED")
    async with world.running():
        again = await sender.send(adt("1"))
        fresh = await sender.send(adt("2"))
        await world.becomes(fresh.message_id, "PROCESSED")
    assert again.message_id == first.message_id
    assert [control_id_of(raw) for raw in partner.delivered] == ["1", "2"]


async def test_what_came_before_the_window_is_routed_again(world: World) -> None:
    sender, partner = told(world, Dedupe(window_seconds=0.000_001))
    async with world.running():
        first = await sender.send(adt("1"))
        second = await sender.send(adt("1"))
        await has(partner, 2)
    assert first.message_id != second.message_id
    assert REUSED not in events(world)


async def test_the_same_id_with_other_content_is_routed_and_alerts(world: World) -> None:
    sender, partner = told(world)
    async with world.running() as engine:
        await sender.send(adt("1", text="SECRETNAME"))
        other = await sender.send(adt("1", text="OTHERNAME"))
        await has(partner, 2)
        assert not engine.alarm.raise_alert(REUSED, "IB", ""), "an alert that was raised a moment ago is held back"
        again = await sender.send(adt("1", text="SECRETNAME"))
    assert len(rows(world)) == 2
    assert again.message_id == rows(world)[0].id
    assert events(world)[REUSED] == f"message {other.message_id}: same MSH-10, other content"


async def test_a_repeat_of_an_error_is_routed(world: World) -> None:
    sender, partner = told(world)
    partner.answers = [Rejected("no such patient", permanent=True)]
    async with world.running():
        first = await sender.send(adt("1"))
        await world.becomes(first.message_id, "ERROR")
        second = await sender.send(adt("1"))
        await world.becomes(second.message_id, "PROCESSED")
        assert (await sender.send(adt("1"))).message_id == second.message_id
    assert first.message_id != second.message_id
    assert REUSED not in events(world)


@pytest.mark.parametrize("key", ["", '""', "  "])
async def test_without_a_key_every_message_is_a_new_one(world: World, key: str) -> None:
    sender, partner = told(world)
    async with world.running():
        await sender.send(adt(key))
        await sender.send(adt(key))
        await has(partner, 2)
    assert len(rows(world)) == 2


async def test_another_key_of_the_authors_choice(world: World) -> None:
    sender, partner = told(world, Dedupe(key="PID-3", window_seconds=60))
    async with world.running():
        first = await sender.send(adt("1", text="A"))
        assert (await sender.send(adt("1", text="A"))).message_id == first.message_id
        await sender.send(adt("1", text="B"))
        await sender.send(adt("1", text=""))
        await sender.send(adt("1", text=""))
        await has(partner, 4)
    assert REUSED not in events(world)


async def test_inbounds_do_not_share_what_came(world: World) -> None:
    sender, partner = told(world)
    other = world.inbound("IB2", dedupe=HOUR)
    async with world.running():
        first = await sender.send(adt("1"))
        elsewhere = await other.send(adt("1"))
        await has(partner, 2)
    assert first.message_id != elsewhere.message_id


@pytest.mark.parametrize(("old", "new"), [(b"|A|B|", b"|A2|B|"), (b"|A|B|", b"|A|B2|")])
async def test_other_senders_have_ids_of_their_own(world: World, old: bytes, new: bytes) -> None:
    sender, partner = told(world)
    async with world.running():
        await sender.send(adt("1"))
        await sender.send(adt("1").replace(old, new))
        await has(partner, 2)
    assert REUSED not in events(world)


async def test_an_inbound_without_dedupe_routes_whatever_comes(world: World) -> None:
    sender, partner = world.simple()
    async with world.running():
        await sender.send(adt("1"))
        await sender.send(adt("1"))
        await has(partner, 2)


async def test_the_answers_of_the_enhanced_mode(world: World) -> None:
    sender, _ = told(world, ack_mode=AckMode.ENHANCED)
    raw = adt("1").replace(b"|2.5.1\r", b"|2.5.1|||AL|NE\r")
    async with world.running():
        receipts = [await sender.send(raw), await sender.send(raw)]
    assert [code(receipt)[:2] for receipt in receipts] == [b"CA", b"CA"]


async def test_a_reload_takes_dedupe_up_and_lets_it_go(world: World) -> None:
    sender, partner = world.simple()
    plain = world.graph
    world.inbound(dedupe=HOUR)
    async with world.running() as engine:
        first = await sender.send(adt("1"))
        with_graph(engine, plain)
        await reload(engine)
        assert (await sender.send(adt("1"))).message_id != first.message_id
        with_graph(engine, world.graph)
        await reload(engine)
        assert (await sender.send(adt("1"))).message_id == first.message_id
        await has(partner, 2)


async def test_repeats_are_counted_by_inbound(world: World) -> None:
    sender, _ = told(world)
    world.inbound("IB2")
    async with world.running() as engine:
        for control_id in ("1", "1", "2", "1"):
            await sender.send(adt(control_id))
        counted = {each.name: each.repeats for each in await connections(engine)}
    assert counted == {"IB": 2, "IB2": 0, "OB": 0}


# -- what else follows from an acknowledgment ------------------------------------------------------------------------


async def test_a_repeat_moves_the_bookmark(world: World) -> None:
    sender, partner = told(world)
    async with world.running(crash=True):
        await sender.ready.wait()
        assert sender.context is not None
        assert (await sender.context.receive(adt("1"), bookmark="row 1")).accepted
        assert (await sender.context.receive(adt("1"), bookmark="row 2")).accepted
        await has(partner, 1)
    async with world.running():
        await sender.ready.wait()
        assert await sender.context.bookmark() == "row 2"


async def test_a_file_with_a_repeat_is_done_with(world: World) -> None:
    _, partner = told(world)
    spec = installed().connectors["File"].spec
    folder = world.folder / "in"
    settings = load(spec.settings)(directory=str(folder), poll_seconds=0.01)
    world.inbounds["IB"] = replace(world.inbounds["IB"], connector=spec, settings=settings)
    folder.mkdir()
    for name in ("a.hl7", "b.hl7", "c.hl7"):
        (folder / name).write_bytes(adt("2" if name == "c.hl7" else "1"))
    async with world.running():
        await has(partner, 2)
        await until(lambda: len(list((folder / settings.processed_subdir).iterdir())) == 3)
    assert partner.delivered == [adt("1"), adt("2")]
    assert not list(folder.glob("*.hl7"))


# -- forgetting ------------------------------------------------------------------------------------------------------


def arrivals(world: World) -> int:
    """How many messages have their repeats told."""
    with closing(sqlite3.connect(world.location.path)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM arrival").fetchall()
    return int(count)


async def test_what_is_older_than_the_longest_window_is_forgotten_in_pieces(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "PIECE", 2)
    sender, _ = told(world)
    world.inbound("IB2", dedupe=Dedupe(window_seconds=1800))
    async with world.running() as engine:
        ids = [(await sender.send(adt(str(number)))).message_id for number in range(5)]
        assert ids[4] is not None
        assert forgetting.longest_window(engine.graph) == 3600 * 1_000_000
        await forgetting.forget(engine.committer, ids[4])
        assert arrivals(world) == 1
        assert (await sender.send(adt("4"))).message_id == ids[4]
        assert (await sender.send(adt("3"))).message_id != ids[3]


async def test_forgetting_goes_by_the_graph_of_the_moment(world: World) -> None:
    sender, _ = told(world)
    minutes, minute = trio.open_memory_channel[None](0)
    told_graph, plain = world.graph, replace(world.graph, inbounds={})
    graphs = [told_graph]
    async with world.running() as engine, trio.open_nursery() as nursery:
        nursery.start_soon(partial(forgetting.watch, lambda: graphs[-1], engine.committer, pause=minute.receive))
        await sender.send(adt("1"))
        await minutes.send(None)
        await minutes.send(None)  # taken when the pass before has ended
        assert arrivals(world) == 1
        graphs.append(plain)
        await minutes.send(None)
        await minutes.send(None)
        assert arrivals(world) == 0
        await sender.send(adt("2"))
        await minutes.send(None)
        await minutes.send(None)
        assert arrivals(world) == 1, "without windows it forgets once"
        nursery.cancel_scope.cancel()


class Refusing:
    """A committer whose store takes none of it."""

    async def available(self) -> None:
        """It is there."""

    async def commit(self, unit: Unit) -> None:
        """Refuse."""
        raise UnstorableUnit(f"the store cannot hold a {type(unit).__name__}")


async def test_a_store_that_cannot_forget_is_asked_again_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await forgetting.forget(cast("Committer", Refusing()), 1)
    assert "what tells old repeats was not forgotten: the store cannot hold a ForgetOnce" in caplog.text
