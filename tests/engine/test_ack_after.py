"""`ack_after="delivered"`: the sender is answered when everything that was sent of its message has an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import Delivered, Rejected
from messagefoundry.internal import LoopbackSettings, PassThroughSettings
from messagefoundry.wiring.values import AckAfter, AckMode, Dedupe, RetryPolicy, Send
from tests.engine.world import World, adt, operations, until

if TYPE_CHECKING:
    from messagefoundry.contracts.inbound import Receipt
    from messagefoundry.contracts.outbound import OutboundItem
    from tests.engine.toy import Partner, Sender

WAITING: dict[str, Any] = {"ack_after": AckAfter.DELIVERED, "ack_deadline_seconds": 10}


def waiting(world: World, **options: Any) -> tuple[Sender, Partner]:
    """One of each, and the sender is answered after the delivery."""
    _, partner = world.simple()
    return world.inbound(**{**WAITING, **options}), partner


def reason(receipt: Receipt) -> str:
    """ERR-8 of an answer."""
    return (receipt.reply or b"").decode().rstrip("\r").rpartition("|")[2]


@pytest.mark.parametrize(
    ("names", "answer", "code"),
    [
        ("handle", Delivered(msa_1="AA"), "AA"),
        ("handle", Rejected("no", permanent=True, msa_1="AR"), "AR"),
        ("handle", Rejected("no", permanent=True, msa_1="AE"), "AE"),
        ("handle", Rejected("no", permanent=True), "AE"),
        ("filter", None, "AA"),
        (None, None, "AA"),
        ("missing", None, "AE"),
        (42, None, "AE"),
    ],
)
async def test_the_outcome_is_the_answer(world: World, names: Any, answer: Any, code: str) -> None:
    sender, partner = waiting(world)
    world.router(lambda msg: names)
    world.handler(lambda msg: None, "filter")
    partner.answers = [answer] * (answer is not None)
    async with world.running():
        receipt = await sender.send(adt("1"))
    assert (receipt.code, receipt.accepted, receipt.message_id is not None) == (code, True, True)
    assert f"MSA|{code}|1".encode() in (receipt.reply or b"")


async def test_the_answer_waits_for_every_send(world: World) -> None:
    sender, partner = waiting(world)
    world.outbound("SLOW")
    slow = world.partners["SLOW"]
    world.handler(lambda msg: [Send("OB", msg), Send("SLOW", msg)])
    go_on = trio.Event()

    async def later(item: OutboundItem) -> Delivered:
        await go_on.wait()
        return Delivered()

    slow.answers = [later]
    answered: list[Receipt] = []

    async def send() -> None:
        answered.append(await sender.send(adt("1")))

    async with world.running() as engine, trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await partner.has(1)
        await until(lambda: len(slow.attempts) == 1 and not engine.committer.waiting)
        assert answered == []
        go_on.set()
    assert answered[0].code == "AA"


async def test_an_attempt_that_is_repeated_is_waited_for(world: World) -> None:
    sender, partner = waiting(world)
    partner.answers = [Unreachable("away"), Rejected("not now", permanent=False, msa_1="AE")]
    async with world.running():
        assert (await sender.send(adt("1"))).code == "AA"
    assert len(partner.attempts) == 3


async def test_one_dead_letter_is_enough(world: World) -> None:
    sender, partner = waiting(world)
    world.outbound("NEVER", retry=RetryPolicy(backoff_seconds=60))
    world.partners["NEVER"].answers = [Unreachable("away")] * 5
    world.handler(lambda msg: [Send("OB", msg), Send("NEVER", msg)])
    partner.answers = [Rejected("no", permanent=True)]
    async with world.running():
        assert (await sender.send(adt("1"))).code == "AE"


@pytest.mark.parametrize(
    ("chosen", "said"), [("AE", "not delivered yet"), ("AR", "not delivered in time"), ("AA", "1")]
)
async def test_the_deadline_has_a_chosen_answer_and_the_message_goes_on(world: World, chosen: str, said: str) -> None:
    sender, partner = waiting(world, ack_deadline_seconds=0.05, ack_on_deadline=chosen)
    partner.answers = [Unreachable("away")] * 10
    async with world.running():
        receipt = await sender.send(adt("1"))
        assert (receipt.code, receipt.accepted) == (chosen, True)
        assert reason(receipt).endswith(said)
        await partner.has(1)
        await world.becomes(receipt.message_id, "PROCESSED")
    events = world.read(lambda reader: reader.connection_events("IB", 20))
    told = [event.detail for event in events if event.kind == "answered before the outcome"]
    assert told == [f"message {receipt.message_id}: {chosen}"]


async def test_a_stop_answers_who_waits(world: World) -> None:
    sender, partner = waiting(world, ack_deadline_seconds=600)
    partner.answers = [Unreachable("away")] * 10000
    answered: list[Receipt] = []

    async def send() -> None:
        answered.append(await sender.send(adt("1")))

    async with trio.open_nursery() as nursery, world.running() as engine:
        nursery.start_soon(send)
        await until(lambda: len(partner.attempts) > 1)
        engine.stop()
        await until(lambda: bool(answered))
    assert answered[0].code == "AE"


async def test_a_dead_letter_by_an_operator_answers(world: World) -> None:
    sender, _ = waiting(world, ack_deadline_seconds=600)
    world.outbound(retry=RetryPolicy(backoff_seconds=60))
    world.partners["OB"].answers = [Unreachable("away")]
    answered: list[Receipt] = []

    async def send() -> None:
        answered.append(await sender.send(adt("1")))

    async with world.running() as engine, trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await until(lambda: engine.lanes["OB"].status.doing == "waiting to retry")
        message_id = world.read(lambda reader: reader.head("OB")).message_id
        await operations(engine).dead_letter(message_id, actor="test")
        await until(lambda: bool(answered))
    assert answered[0].code == "AE"


async def test_what_passes_through_is_waited_for(world: World) -> None:
    sender, partner = waiting(world)
    world.handler(lambda msg: Send("NEXT", msg))
    world.internal("NEXT", PassThroughSettings(), router="on")
    world.router(lambda msg: "send", "on")
    world.handler(lambda msg: Send("OB", msg), "send")
    partner.answers = [Rejected("no", permanent=True, msa_1="AR")]
    async with world.running() as engine:
        assert (await sender.send(adt("1"))).code == "AR"
        assert (await sender.send(adt("2"))).code == "AA"
        assert engine.deliveries.of(0) is None
        assert not engine.deliveries._awaited


async def test_the_wait_ends_at_a_loopback(world: World) -> None:
    sender, partner = waiting(world)
    world.outbound("OB", reingress_to="LOOP")
    world.internal("LOOP", LoopbackSettings(), router="on")
    world.router(lambda msg: 42, "on")
    partner.answers = [Delivered(adt("R"))]
    async with world.running():
        assert (await sender.send(adt("1"))).code == "AA"


async def test_a_sender_that_left_leaves_nothing_behind(world: World) -> None:
    sender, partner = waiting(world)
    partner.answers = [Unreachable("away")] * 3
    async with world.running() as engine:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sender.send, adt("1"))
                await until(lambda: bool(partner.attempts))
                scope.cancel()
        assert not engine.deliveries._awaited
        await partner.has(1)


async def test_a_repeat_meets_the_first_still_under_way(world: World) -> None:
    sender, partner = waiting(world, dedupe=Dedupe(window_seconds=60))
    go_on = trio.Event()

    async def later(item: OutboundItem) -> Rejected:
        await go_on.wait()
        return Rejected("no", permanent=True)

    partner.answers = [later]
    codes: list[str] = []

    async def send() -> None:
        codes.append((await sender.send(adt("1"))).code)

    async with world.running() as engine, trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await until(lambda: len(partner.attempts) == 1)
        nursery.start_soon(send)
        await until(lambda: engine.flows["IB"].repeats == 1)
        assert codes == []
        go_on.set()
    assert codes == ["AE", "AE"]
    assert len(partner.attempts) == 1


async def test_a_repeat_after_a_crash_is_answered_with_the_outcome(world: World) -> None:
    sender, partner = waiting(world, dedupe=Dedupe(window_seconds=60))
    partner.answers = [Unreachable("away")] * 5
    with trio.CancelScope() as scope:
        async with world.running(), trio.open_nursery() as nursery:
            nursery.start_soon(sender.send, adt("1"))
            await until(lambda: bool(partner.attempts))
            scope.cancel()
    async with world.running():
        assert (await sender.send(adt("1"))).code == "AA"
    assert len(partner.delivered) == 1


async def test_in_enhanced_mode_the_second_answer_comes_later(world: World) -> None:
    sender, partner = waiting(world, ack_mode=AckMode.ENHANCED)
    go_on = trio.Event()

    async def later(item: OutboundItem) -> Rejected:
        await go_on.wait()
        return Rejected("no", permanent=True, msa_1="AR")

    partner.answers = [later]
    raw = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1|||AL|AL\r"
    async with world.running():
        receipt = await sender.send(raw)
        assert receipt.code == "CA"
        assert receipt.later is not None
        go_on.set()
        reply = await receipt.later()
    assert reply is not None
    assert b"\rMSA|AR|1\r" in reply


@pytest.mark.parametrize(("wanted", "answer"), [("NE", None), ("ER", None), ("SU", b"\rMSA|AA|1\r")])
async def test_the_second_answer_is_given_as_asked_for(world: World, wanted: str, answer: bytes | None) -> None:
    sender, _ = waiting(world, ack_mode=AckMode.ENHANCED)
    raw = f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1|||NE|{wanted}\r".encode()
    async with world.running():
        receipt = await sender.send(raw)
        assert receipt.reply is None
        assert receipt.later is not None
        reply = await receipt.later()
    assert reply is None if answer is None else answer in (reply or b"")
