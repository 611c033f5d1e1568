"""What Handlers keep, pass on and wait for, in moments that are seldom: defects found by reading, each proven here."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import Delivered, Rejected
from messagefoundry.contracts.units import SettleDelivered
from messagefoundry.engine.reload import reload
from messagefoundry.internal import LoopbackSettings, PassThroughSettings
from messagefoundry.wiring.keeping import SetState
from messagefoundry.wiring.running import state_get
from messagefoundry.wiring.values import AckMode, Dedupe, RetryPolicy, Send
from tests.engine.test_ack_after import waiting
from tests.engine.test_hops import looping
from tests.engine.world import World, adt, operations, until, with_graph

if TYPE_CHECKING:
    from messagefoundry.contracts.inbound import Receipt
    from messagefoundry.contracts.outbound import OutboundItem
    from tests.engine.toy import Sender

PATIENT = RetryPolicy(backoff_seconds=60)
LATIN = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\rPID|1||Müller\r".encode("latin-1")


def passing_on(world: World) -> None:
    """IB sends to the PassThrough NEXT, which sends to OB."""
    world.handler(lambda msg: Send("NEXT", msg))
    world.internal("NEXT", PassThroughSettings(), router="on")
    world.router(lambda msg: "send", "on")
    world.handler(lambda msg: Send("OB", msg), "send")


# -- state -------------------------------------------------------------------------------------------------------------


async def test_what_another_inbound_wrote_is_not_seen_before_it_is_committed(world: World) -> None:
    """Two messages are in one turn of a thread of their own: the first has written, the second holds the turn."""
    go_on, held = threading.Event(), threading.Event()

    def writes(msg: Any) -> Any:
        if msg["MSH-10"] == "slow":
            go_on.wait(0.3)
        if msg["MSH-10"] == "2":
            held.set()
            go_on.wait(10)
        return [SetState("n", "last", msg["MSH-10"]), Send("OB", msg)]

    sender, partner = world.simple()
    world.handler(writes)
    other, seen = world.inbound("READS", router="reads"), world.outbound("SEEN")
    world.router(lambda msg: "reads", "reads")
    world.handler(lambda msg: Send("SEEN", str(state_get("n", "last"))), "reads")
    async with world.running() as engine:
        await sender.send(adt("slow"))
        await partner.has(1)
        flow = engine.flows["IB"]
        assert flow.detached
        flow.paused = True
        await sender.send(adt("1"))
        await sender.send(adt("2"))
        await until(lambda: len(flow.window) == 2)
        flow.paused = False
        engine.routing.wake()
        await trio.to_thread.run_sync(held.wait, 10)
        await other.send(adt("3"))
        await seen.has(1)
        kept = world.read(lambda reader: reader.state("n", "last"))
        go_on.set()
    assert (kept, seen.delivered) == ('"slow"', [b"slow"])


async def test_what_a_message_wrote_that_was_dead_lettered_while_it_ran_is_not_seen(world: World) -> None:
    go_on, held = threading.Event(), threading.Event()

    def hangs(msg: Any) -> Any:
        if msg["MSH-10"] == "1":
            held.set()
            go_on.wait(10)
            return [SetState("n", "x", "never"), Send("OB", msg)]
        return Send("OB", str(state_get("n", "x")))

    sender, partner = world.simple()
    world.handler(hangs)
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await trio.to_thread.run_sync(held.wait, 10)
        assert await operations(engine).dead_letter(receipt.message_id or 0, actor="test") == 1
        await sender.send(adt("2"))
        go_on.set()
        await until(lambda: partner.delivered == [b"None"])
        await until(lambda: engine.quiet)
        assert engine.flows["IB"].lookups.writes._pending == {}
    assert world.disposition(receipt.message_id) == "ERROR"


async def test_a_look_up_is_over_before_the_store_is_closed_however_the_engine_ends(world: World) -> None:
    """SQLite would end the whole process."""
    began, over = threading.Event(), threading.Event()
    said: list[str] = []

    def asks(msg: Any) -> None:
        began.set()
        try:
            for number in range(2_000_000):
                state_get("n", str(number))
        except Exception as error:
            said.append(str(error))
            raise
        finally:
            over.set()

    sender, _ = world.simple()
    world.handler(asks)
    async with world.running(crash=True):
        await sender.send(adt("1"))
        await trio.to_thread.run_sync(began.wait, 10)
    assert await trio.to_thread.run_sync(over.wait, 10)
    assert said == ["the engine has stopped"]


# -- ack_after ---------------------------------------------------------------------------------------------------------


async def in_background(nursery: trio.Nursery, sender: Sender) -> list[Receipt]:
    """Send, and give the list that the answer will be in."""
    answered: list[Receipt] = []

    async def send() -> None:
        answered.append(await sender.send(adt("1")))

    nursery.start_soon(send)
    return answered


async def test_a_second_answer_that_nobody_waits_for_leaves_nothing_behind(world: World) -> None:
    sender, partner = waiting(world, ack_mode=AckMode.ENHANCED)
    async with world.running() as engine:
        receipt = await sender.send(b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1|||AL|AL\r")
        assert receipt.later is not None
        await partner.has(1)
        await until(lambda: engine.quiet)
        assert not engine.deliveries._awaited
        assert b"\rMSA|AA|1\r" in (await receipt.later() or b"")


async def test_what_an_operator_resends_meanwhile_does_not_stand_for_what_is_waited_for(world: World) -> None:
    sender, partner = waiting(world, ack_deadline_seconds=600)
    away = world.outbound("AWAY", retry=PATIENT)
    away.answers = [Unreachable("away"), Rejected("no", permanent=True, msa_1="AR")]
    world.handler(lambda msg: [Send("OB", msg), Send("AWAY", msg)])
    async with world.running() as engine, trio.open_nursery() as nursery:
        answered = await in_background(nursery, sender)
        await until(lambda: engine.lanes["AWAY"].status.doing == "waiting to retry")
        await partner.has(1)
        message_id = world.read(lambda reader: reader.head("AWAY")).message_id
        assert await operations(engine).resend([message_id], to="OB", actor="test") == 1
        await partner.has(2)
        await until(lambda: not engine.committer.waiting)
        engine.lanes["AWAY"].retry_now()
        await until(lambda: bool(answered))
    assert answered[0].code == "AR"


async def test_a_message_that_is_replayed_meanwhile_is_answered_with_what_it_comes_to(world: World) -> None:
    sender, partner = waiting(world, ack_deadline_seconds=600)
    for name in ("OB", "TWO"):
        world.outbound(name, retry=PATIENT).answers = [Unreachable("away")]
    world.handler(lambda msg: [Send("OB", msg), Send("TWO", msg)])
    async with world.running() as engine, trio.open_nursery() as nursery:
        answered = await in_background(nursery, sender)
        await until(lambda: all(lane.status.doing == "waiting to retry" for lane in engine.lanes.values()))
        message_id = world.read(lambda reader: reader.head("OB")).message_id
        assert await operations(engine).replay([message_id], actor="test") == 1
        await until(lambda: bool(answered))
    assert (answered[0].code, len(partner.delivered)) == ("AA", 1)


async def test_a_sender_is_answered_when_a_reload_removes_what_is_waited_for(world: World) -> None:
    sender, _ = waiting(world, ack_deadline_seconds=600)
    world.outbound("GONE", retry=PATIENT).answers = [Unreachable("away")]
    world.handler(lambda msg: Send("GONE", msg))
    async with world.running() as engine, trio.open_nursery() as nursery:
        answered = await in_background(nursery, sender)
        await until(lambda: engine.lanes["GONE"].status.doing == "waiting to retry")
        del world.outbounds["GONE"]
        with_graph(engine, world.graph)
        await reload(engine)
        await until(lambda: bool(answered))
    assert answered[0].code == "AE"


async def test_a_repeat_waits_for_what_the_first_was_passed_on_as(world: World) -> None:
    sender, partner = waiting(world, ack_deadline_seconds=600, dedupe=Dedupe(window_seconds=60))
    passing_on(world)
    go_on, looked = trio.Event(), 0

    async def later(item: OutboundItem) -> Rejected:
        await go_on.wait()
        return Rejected("no", permanent=True)

    partner.answers = [later]
    async with world.running() as engine, trio.open_nursery() as nursery:
        read = engine.read

        async def counted(look_up: Any) -> Any:
            nonlocal looked
            found = await read(look_up)
            looked += 1
            return found

        engine.read = counted  # type: ignore[assignment]
        await restart(engine)
        first = await in_background(nursery, sender)
        await until(lambda: len(partner.attempts) == 1)
        repeat = await in_background(nursery, sender)
        await until(lambda: looked >= 2)
        assert repeat == []
        go_on.set()
    assert [first[0].code, repeat[0].code] == ["AE", "AE"]


async def restart(engine: Any) -> None:
    """Let the inbound begin again, with the engine as it is now."""
    await operations(engine).stop("IB", actor="test")
    await operations(engine).start("IB", actor="test")


# -- hops --------------------------------------------------------------------------------------------------------------


async def test_what_is_passed_on_is_read_in_the_character_set_of_its_message(world: World) -> None:
    """MSH-18 is empty: the encoding of the inbound tells it, and the PassThrough has none."""
    sender, partner = world.simple()
    settings = world.inbounds["IB"].settings.model_copy(update={"encoding": "latin-1"})
    world.inbounds["IB"] = replace(world.inbounds["IB"], settings=settings)
    passing_on(world)
    world.handler(lambda msg: Send("MORE", msg), "send")
    world.internal("MORE", PassThroughSettings(), router="more")
    world.router(lambda msg: "last", "more")
    world.handler(lambda msg: Send("OB", msg) if msg["PID-3"] == "Müller" else None, "last")
    async with world.running():
        receipt = await sender.send(LATIN)
        await until(lambda: world.disposition(receipt.message_id) in ("PROCESSED", "ERROR"))
        assert world.work(receipt.message_id) == []
        await until(lambda: partner.delivered == [LATIN])


async def test_a_reply_is_read_in_the_character_set_of_its_outbound(world: World) -> None:
    sender, partner, back = looping(world)
    settings = world.outbounds["OB"].settings.model_copy(update={"encoding": "latin-1"})
    world.outbounds["OB"] = replace(world.outbounds["OB"], settings=settings)
    world.internal("LOOP", LoopbackSettings(), router="answered")
    world.handler(lambda msg: Send("BACK", msg) if msg["PID-3"] == "Müller" else None, "answer")
    partner.answers = [Delivered(LATIN, msa_1="AA")]
    async with world.running():
        receipt = await sender.send(adt("1"))
        await until(lambda: world.disposition(receipt.message_id) in ("PROCESSED", "ERROR"))
        assert world.work(receipt.message_id)[0].error == ""
        await until(lambda: back.delivered == [LATIN])


@pytest.mark.parametrize("sends", [True, False])
async def test_a_partner_answers_what_was_passed_on(world: World, sends: bool) -> None:
    """With nothing sent to that partner there is no reply to wait for."""
    sender, partner = world.simple()
    world.inbound(reply_from="OB", reply_timeout=600)
    passing_on(world)
    partner.answers = [Delivered(reply=b"the reply")]
    if not sends:
        world.handler(lambda msg: None, "send")
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        assert not engine.replies._expected
    assert receipt.reply == b"the reply" if sends else b"\rMSA|AE|1\r" in (receipt.reply or b"")


@pytest.mark.parametrize(("loops", "disposition"), [(True, "ERROR"), (False, "PROCESSED")])
async def test_a_delivery_whose_reply_cannot_be_stored_is_settled(
    world: World, monkeypatch: pytest.MonkeyPatch, loops: bool, disposition: str
) -> None:
    """Else it would wait in the store alone, and be sent again at the next start."""
    sender, partner, _ = looping(world)
    if not loops:
        world.outbound("OB")
    async with world.running() as engine:
        store = engine.committer._batches._store
        commit = store.commit

        def picky(units: Any) -> None:
            if any(isinstance(unit, SettleDelivered) and unit.reply is not None for unit in units):
                raise ValueError
            commit(units)

        monkeypatch.setattr(store, "commit", picky)
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, disposition)
    assert "cannot hold it" in world.work(receipt.message_id)[0].error or not loops
    assert len(partner.attempts) == 1
