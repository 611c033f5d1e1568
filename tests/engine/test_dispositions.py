"""What becomes of messages: the truth table of dispositions, and replay from every stage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.contracts.outbound import Rejected
from messagefoundry.engine.reload import reload
from messagefoundry.wiring.values import RetryPolicy, Send
from tests.engine.toy import ToySettings
from tests.engine.world import World, adt, operations, until, with_graph

if TYPE_CHECKING:
    from collections.abc import Callable


def raises(error: BaseException) -> Callable[[Any], Any]:
    """A function of a message that raises."""

    def function(_: Any) -> Any:
        raise error

    return function


@pytest.mark.parametrize(
    ("names", "decision", "expected"),
    [
        ([], None, "UNROUTED"),
        (None, None, "UNROUTED"),
        ("handle", None, "FILTERED"),
        ("handle", [], "FILTERED"),
        (["handle"], "OB", "PROCESSED"),
        (["handle"], "NOWHERE", "ERROR"),
        (["missing"], "OB", "ERROR"),
        (["missing", "handle"], "OB", "ERROR"),
        (42, "OB", "ERROR"),
    ],
)
async def test_truth_table(world: World, names: Any, decision: Any, expected: str) -> None:
    sender = world.inbound()
    world.outbound()
    world.router(lambda msg: names)
    world.handler(lambda msg: Send(decision, msg) if isinstance(decision, str) else decision)
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, expected)


async def test_a_handler_that_declines_counts_as_filtered(world: World) -> None:
    sender, partner = world.simple()
    world.handler(lambda msg: Send("OB", msg), accepts=lambda msg: False)
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "FILTERED")
    assert partner.attempts == []


@pytest.mark.parametrize("error", [ValueError("PID|secret"), SystemExit(1), RecursionError(), KeyboardInterrupt()])
async def test_a_router_that_raises_dies_at_ingress_and_replays(world: World, error: BaseException) -> None:
    sender, partner = world.simple()
    world.router(raises(error))
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
        (dead,) = world.work(receipt.message_id)
    assert (dead.stage, dead.state) == ("ingress", "dead")
    assert type(error).__name__ in dead.error.partition("\n")[0]
    assert "secret" not in dead.error.partition("\n")[0]
    world.router(lambda msg: "handle")
    async with world.running() as engine:
        assert await operations(engine).replay_dead([dead.id], actor="op") == 1
        await partner.has(1)
        await world.becomes(receipt.message_id, "PROCESSED")


async def test_a_handler_that_raises_keeps_its_routed_row_while_its_sibling_delivers(world: World) -> None:
    sender, partner = world.simple()
    other = world.outbound("OB2")
    world.router(lambda msg: ["bad", "handle"])
    world.handler(raises(ValueError("no")), "bad")
    async with world.running():
        receipt = await sender.send(adt("1"))
        await partner.has(1)
        await world.becomes(receipt.message_id, "ERROR")
    dead = next(row for row in world.work(receipt.message_id) if row.state == "dead")
    assert (dead.stage, dead.handler) == ("routed", "bad")
    world.handler(lambda msg: Send("OB2", msg), "bad")
    async with world.running() as engine:
        await operations(engine).replay_dead([dead.id], actor="op")
        await other.has(1)
        await world.becomes(receipt.message_id, "PROCESSED")
    assert len(partner.delivered) == 1, "the sibling is not run again"


async def test_every_send_of_a_handler_that_raises_late_is_dropped(world: World) -> None:
    sender, partner = world.simple()

    def late(msg: Any) -> Any:
        yield Send("OB", msg)
        raise ValueError

    world.handler(late)
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
    assert partner.attempts == []


async def test_two_sends_to_one_outbound_are_two_deliveries_in_the_order_returned(world: World) -> None:
    sender, partner = world.simple()
    world.handler(lambda msg: [Send("OB", b"first"), Send("OB", "second")])
    async with world.running():
        await sender.send(adt("1"))
        await partner.has(2)
    assert partner.delivered == [b"first", b"second"]


async def test_a_send_is_a_snapshot(world: World) -> None:
    sender, partner = world.simple()

    def handle(msg: Any) -> Any:
        first = Send("OB", msg)
        msg["PID-3"] = "CHANGED"
        return [first, Send("OB", msg)]

    world.handler(handle)
    async with world.running():
        await sender.send(adt("1"))
        await partner.has(2)
    assert partner.delivered[0] == adt("1")
    assert b"CHANGED" in partner.delivered[1]


async def test_handlers_do_not_see_each_others_edits(world: World) -> None:
    sender, partner = world.simple()
    world.router(lambda msg: ["edit", "handle"])

    def edit(msg: Any) -> None:
        msg["PID-3"] = "CHANGED"

    world.handler(edit, "edit")
    async with world.running():
        await sender.send(adt("1"))
        await partner.has(1)
    assert partner.delivered == [adt("1")]


async def test_a_permanent_rejection_is_a_dead_letter_at_once_and_replays(world: World) -> None:
    sender, partner = world.simple()
    partner.answers = [Rejected("AR", permanent=True)]
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
        assert len(partner.attempts) == 1
        (dead,) = world.work(receipt.message_id)
        await operations(engine).replay_dead([dead.id], actor="op")
        await partner.has(1)
        await world.becomes(receipt.message_id, "PROCESSED")


async def test_finite_attempts_end_in_a_dead_letter(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(retry=RetryPolicy(max_attempts=3, backoff_seconds=0))
    partner.answers = [Rejected("AE", permanent=False)] * 3
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
    assert [item.attempt for item in partner.attempts] == [1, 2, 3]


async def test_a_message_is_routed_and_not_final_while_work_waits_beside_dead_work(world: World) -> None:
    sender, partner = world.simple()
    slow = world.outbound("OB2")
    gate = trio.Event()

    async def wait(item: object) -> None:
        await gate.wait()

    slow.answers = [wait]
    partner.answers = [Rejected("AR", permanent=True)]
    world.handler(lambda msg: [Send("OB", msg), Send("OB2", msg)])
    async with world.running():
        receipt = await sender.send(adt("1"))
        await slow.until(lambda slow: len(slow.attempts) == 1)
        await until(lambda: world.message(receipt.message_id or 0).has_dead)
        assert world.disposition(receipt.message_id) == "ROUTED"
        gate.set()
        await world.becomes(receipt.message_id, "ERROR")


async def test_replay_runs_everything_again_and_resend_sends_what_was_stored(world: World) -> None:
    sender, partner = world.simple()
    other = world.outbound("OB2")
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await partner.has(1)
        await world.becomes(receipt.message_id, "PROCESSED")
        assert receipt.message_id
        assert await operations(engine).replay([receipt.message_id], actor="op") == 1
        await partner.has(2)
        await world.becomes(receipt.message_id, "PROCESSED")
        await operations(engine).resend([receipt.message_id], to="OB2", actor="op")
        await other.has(1)
        await world.becomes(receipt.message_id, "PROCESSED")
    assert partner.delivered == [adt("1")] * 2
    assert other.delivered == [adt("1")]
    assert "op" in " ".join(event.detail for event in world.trail(receipt.message_id))


async def test_the_trail_tells_the_whole_story(world: World) -> None:
    sender, partner = world.simple()
    partner.answers = [Rejected("AE", permanent=False, msa_1="AE", reply=b"MSA|AE")]
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "PROCESSED")
    trail = world.trail(receipt.message_id)
    assert len(trail) == 4
    assert [event.connection for event in trail] == ["IB", "IB", "OB", "OB"]
    assert trail[-1].has_reply
    assert trail[2].has_reply
    assert trail == sorted(trail, key=lambda event: event.id)


async def test_one_send_to_nowhere_holds_back_the_handlers_others(world: World) -> None:
    sender, partner = world.simple()
    world.handler(lambda msg: [Send("OB", msg), Send("DOE^JANE", msg)])
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
        (dead,) = world.work(receipt.message_id)
        assert partner.attempts == []
        safe, _, text = dead.error.partition("\n")
        assert "not declared" in safe
        assert "DOE^JANE" not in safe
        assert "DOE^JANE" in text
        world.handler(lambda msg: Send("OB", msg))
        with_graph(engine, world.graph)
        await reload(engine)
        await operations(engine).replay_dead([dead.id], actor="op")
        await partner.has(1)


async def test_a_payload_that_cannot_be_encoded_is_a_dead_letter_and_nothing_else(world: World) -> None:
    sender, partner = world.simple()
    settings = ToySettings(partner=partner, encoding="ascii")
    world.outbounds["OB"] = replace(world.outbounds["OB"], settings=settings)
    world.handler(lambda msg: Send("OB", "\u00e9" if msg["PID-3"] == "bad" else "e"))
    async with world.running():
        bad = await sender.send(adt("1", text="bad"))
        good = await sender.send(adt("2", text="good"))
        await world.becomes(good.message_id, "PROCESSED")
        await world.becomes(bad.message_id, "ERROR")
    assert partner.delivered == [b"e"]


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (
            lambda msg: msg,
            "it returned a Message: return Send(...), SetState(...) or SetMeta(...), a list of them, or None",
        ),
        (lambda msg: "OB", "it returned a str: return Send(...)"),
        (lambda msg: [msg], "it returned a Message: the list holds Send(...), SetState(...) and SetMeta(...)"),
        (lambda msg: 5, "it returned an int"),
    ],
)
async def test_a_handler_that_returns_something_else_is_told_what_to_return(
    world: World, returned: Callable[[Any], Any], sentence: str
) -> None:
    sender, _ = world.simple()
    world.handler(returned)
    async with world.running():
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ERROR")
    assert sentence in world.work(receipt.message_id)[0].error.partition("\n")[0]


async def test_the_trail_names_handlers_that_sent_nothing(world: World) -> None:
    sender, partner = world.simple()
    world.router(lambda msg: ["handle", "silent"])
    world.handler(lambda msg: None, "silent")
    async with world.running():
        receipt = await sender.send(adt("1"))
        await partner.has(1)
    assert "handle, silent (nothing sent)" in [event.detail for event in world.trail(receipt.message_id)]
