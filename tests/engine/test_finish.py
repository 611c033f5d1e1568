"""A lane that is stopped in order ends the attempt in its hands first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
import trio.testing

from messagefoundry.contracts.outbound import Delivered, OutboundItem, Rejected
from messagefoundry.contracts.units import DeadLetter
from messagefoundry.engine.reload import reload
from messagefoundry.pipeline import supervision
from messagefoundry.pipeline.committer import now
from messagefoundry.wiring.values import RetryPolicy
from tests.engine.toy import Slow
from tests.engine.world import adt, operations, until, with_graph

if TYPE_CHECKING:
    import pytest

    from tests.engine.world import World


async def test_a_stop_waits_for_the_answer_in_flight_and_sends_nothing_more(world: World) -> None:
    sender, partner = world.simple()
    slow = Slow()
    partner.answers = [slow]
    async with world.running() as engine, trio.open_nursery() as nursery:
        first = (await sender.send(adt("1"))).message_id
        second = (await sender.send(adt("2"))).message_id
        await slow.asked.wait()
        nursery.start_soon(lambda: operations(engine).stop("OB", actor="test"))
        await until(lambda: not engine.connections["OB"].wanted)
        slow.may_answer.set()
        await engine.connections["OB"].settled()
        await world.becomes(first, "PROCESSED")
        assert engine.connections["OB"].state == "stopped"
        assert [item.message_id for item in partner.attempts] == [first]
        assert world.disposition(second) == "ROUTED"
        await operations(engine).start("OB", actor="test")
        await world.becomes(second, "PROCESSED")
    assert len(partner.delivered) == 2


async def test_a_stop_does_not_wait_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FINISH_SECONDS", 0.05)
    sender, partner = world.simple()
    slow = Slow()
    partner.answers = [slow]
    async with world.running() as engine:
        message = (await sender.send(adt("1"))).message_id
        await slow.asked.wait()
        await operations(engine).stop("OB", actor="test")
        assert engine.connections["OB"].state == "stopped"
        await until(lambda: "interrupted" in world.trail(message)[-1].detail)
        assert '"outcome":"unknown"' in world.trail(message)[-1].detail


async def test_a_start_during_the_stop_goes_on(world: World) -> None:
    sender, partner = world.simple()
    slow = Slow()
    partner.answers = [slow]
    async with world.running() as engine:
        await sender.send(adt("1"))
        await slow.asked.wait()
        engine.connections["OB"].stop()
        engine.connections["OB"].start()
        await sender.send(adt("2"))
        slow.may_answer.set()
        await partner.has(2)
        await until(lambda: engine.connections["OB"].state == "running")
    assert len(partner.attempts) == 2


async def test_a_head_that_waits_to_be_tried_again_does_not_hold_a_stop_up(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(retry=RetryPolicy(backoff_seconds=3600))
    partner.answers = [Rejected("not now", permanent=False)]
    async with world.running() as engine:
        message = (await sender.send(adt("1"))).message_id
        await until(lambda: engine.lanes["OB"].status.doing == "waiting to retry")
        with trio.fail_after(supervision.FINISH_SECONDS / 2):
            await operations(engine).stop("OB", actor="test")
        assert world.disposition(message) == "ROUTED"
        assert len(partner.attempts) == 1


async def test_a_reload_that_changes_a_lane_lets_it_finish(world: World) -> None:
    sender, partner = world.simple()
    slow = Slow()
    partner.answers = [slow]
    async with world.running() as engine, trio.open_nursery() as nursery:
        message = (await sender.send(adt("1"))).message_id
        await slow.asked.wait()
        world.outbound(retry=RetryPolicy(backoff_seconds=7))
        with_graph(engine, world.graph)
        nursery.start_soon(reload, engine)
        await until(lambda: engine.connections["OB"].ending)
        slow.may_answer.set()
        await world.becomes(message, "PROCESSED")
    assert len(partner.attempts) == 1


async def test_an_item_taken_away_while_it_is_sent_leaves_the_lane_to_the_next(world: World) -> None:
    sender, partner = world.simple()
    slow = Slow()
    partner.answers = [slow]
    async with world.running() as engine:
        first = (await sender.send(adt("1"))).message_id
        assert first is not None
        second = (await sender.send(adt("2"))).message_id
        await slow.asked.wait()
        await operations(engine).dead_letter(first, actor="test")
        await world.becomes(second, "PROCESSED")
        assert world.disposition(first) == "ERROR"
        third = (await sender.send(adt("3"))).message_id
        await world.becomes(third, "PROCESSED")
    assert len(partner.attempts) == 3


async def test_an_answer_to_what_was_dead_lettered_meanwhile_is_on_the_trail(world: World) -> None:
    """The partner answers in the very moment in which an operator decides: the settlement meets a dead item."""
    sender, partner = world.simple()
    slow = Slow()
    partner.answers = [slow]
    async with world.running() as engine:
        message = (await sender.send(adt("1"))).message_id
        assert message is not None
        await slow.asked.wait()
        decision = DeadLetter(message, "test", "", now())
        engine.committer.submit(decision, lambda: None)
        slow.may_answer.set()
        await until(lambda: world.trail(message)[-1].kind == "answered late")
        assert '"msa_1":"AA"' in world.trail(message)[-1].detail
        assert world.disposition(message) == "ERROR"
        again = (await sender.send(adt("2"))).message_id
        await world.becomes(again, "PROCESSED")


class Nested:
    """An answer that is waited for in a nursery, as a connection is opened: cancelled, it raises a group."""

    def __init__(self) -> None:
        self.asked = trio.Event()

    async def __call__(self, item: OutboundItem) -> Delivered | Rejected:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            self.asked.set()
            await trio.sleep_forever()
        raise AssertionError("nobody ends the nursery but a cancellation")


async def test_an_item_taken_away_from_a_nursery_gives_its_place_back(world: World) -> None:
    sender, partner = world.simple()
    nested = Nested()
    partner.answers = [nested]
    async with world.running(unsettled=1) as engine:
        first = (await sender.send(adt("1"))).message_id
        assert first is not None
        await nested.asked.wait()
        await operations(engine).dead_letter(first, actor="test")
        second = (await sender.send(adt("2"))).message_id
        await world.becomes(second, "PROCESSED")


async def test_two_stops_of_a_lane_that_finishes_both_hear_of_its_end(world: World) -> None:
    sender, partner = world.simple()
    slow = Slow()
    partner.answers = [slow]
    async with world.running() as engine, trio.open_nursery() as nursery:
        await sender.send(adt("1"))
        await slow.asked.wait()
        connection = engine.connections["OB"]
        connection.stop()
        nursery.start_soon(connection.settled)
        await trio.testing.wait_all_tasks_blocked()
        connection.stop()
        slow.may_answer.set()
        with trio.fail_after(5):
            await connection.settled()
            while nursery.child_tasks:  # noqa: ASYNC110 - a nursery has no event for its last child
                await trio.sleep(0.01)
