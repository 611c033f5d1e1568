"""Outbound batches: what is gathered, what becomes of each member, and what an operator, a stop or a crash changes."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import trio

from messagefoundry.contracts.errors import CredentialFault, Unreachable
from messagefoundry.contracts.outbound import Delivered, OutboundBatch, Rejected, Unanswered
from messagefoundry.engine.reload import reload
from messagefoundry.pipeline import batching, supervision
from messagefoundry.wiring.values import BatchConfig, InternalErrorPolicy, OrderingMode, RetryPolicy, Send
from tests.engine.test_lanes import small_windows
from tests.engine.toy import Broken, Partner, Sender
from tests.engine.world import QUICK, World, adt, control_id_of, operations, until, with_graph

HOURS = 10_000_000
"""Milliseconds, more than a test lasts."""

AA = Delivered(msa_1="AA")
AE, AR = Rejected("the partner answered AE", permanent=False), Rejected("the partner answered AR", permanent=True)
LEFT_OUT = Unanswered("the reply leaves it out")


def wired(world: World, count: int = 3, wait: int = HOURS, **options: Any) -> tuple[Sender, Partner]:
    """One inbound and one batch lane."""
    world.router(lambda msg: "handle")
    world.handler(lambda msg: Send("OB", msg))
    return world.inbound(), world.outbound(batch=BatchConfig(count, wait), **options)


def sent(partner: Partner) -> list[list[str]]:
    """MSH-10 of the members of each batch that was attempted."""
    return [[control_id_of(item.payload) for item in batch.members] for batch in partner.batches]


def ids(partner: Partner) -> list[str]:
    """MSH-10 of what was delivered."""
    return [control_id_of(raw) for raw in partner.delivered]


async def send(sender: Sender, *control_ids: object) -> list[int]:
    """Send messages; their ids."""
    receipts = [await sender.send(adt(str(control_id))) for control_id in control_ids]
    return [receipt.message_id or 0 for receipt in receipts]


async def gathered(world: World, engine: Any, count: int) -> None:
    """Wait until the lane has so many in a batch that it gathers."""
    lane = engine.lanes["OB"]
    await until(lambda: lane.status.doing == "gathering a batch" and lane.window.held == count)


async def test_a_full_batch_goes_at_once_and_in_the_order_of_the_lane(world: World) -> None:
    sender, partner = wired(world)
    async with world.running():
        first, *_ = await send(sender, *range(6))
        with trio.fail_after(10):
            await partner.has(6)
        await world.becomes(first, "PROCESSED")
    assert sent(partner) == [["0", "1", "2"], ["3", "4", "5"]]
    assert [member.attempt for batch in partner.batches for member in batch.members] == [1] * 6


async def test_what_came_until_the_wait_is_over_goes_and_one_alone_is_a_batch_too(world: World) -> None:
    sender, partner = wired(world, count=1000, wait=50)
    async with world.running():
        await send(sender, 1)
        await partner.has(1)
        await send(sender, 2, 3)
        await partner.has(3)
    assert sent(partner)[0] == ["1"]
    assert [each for batch in sent(partner) for each in batch] == ["1", "2", "3"]


async def test_the_trail_tells_the_batch_and_the_place(world: World) -> None:
    sender, partner = wired(world, count=2)
    async with world.running():
        messages = await send(sender, 1, 2)
        for message in messages:
            await world.becomes(message, "PROCESSED")
    (batch,) = partner.batches
    details = [json.loads(world.trail(message)[-1].detail) for message in messages]
    assert [each["batch"] for each in details] == [batch.control_id.decode()] * 2
    assert [each["place"] for each in details] == ["1 of 2", "2 of 2"]
    assert [each["msa_1"] for each in details] == ["AA"] * 2


async def test_each_member_is_settled_by_its_own_answer_and_the_rest_is_tried_again_as_a_batch(world: World) -> None:
    sender, partner = wired(world, count=4)
    partner.batch_answers = [[AA, AE, AR, LEFT_OUT], [AE, AA]]
    async with world.running():
        delivered, retried, dead, left_out = await send(sender, 1, 2, 3, 4)
        for message in (delivered, retried, left_out):
            await world.becomes(message, "PROCESSED")
        await world.becomes(dead, "ERROR")
    assert sent(partner) == [["1", "2", "3", "4"], ["2", "4"], ["2"]]
    assert [[member.attempt for member in batch.members] for batch in partner.batches] == [[1] * 4, [2, 2], [3]]
    assert len({batch.control_id for batch in partner.batches}) == 3
    assert outcomes(world, retried) == [None, None, None]
    assert outcomes(world, left_out) == ["unknown", None]


def outcomes(world: World, message: int) -> list[str | None]:
    """What the trail says of the outcome of each attempt."""
    return [json.loads(event.detail).get("outcome") for event in world.trail(message)[2:]]


@pytest.mark.parametrize("answer", [AE, Unreachable("away"), Unreachable("cut", outcome_unknown=True)])
async def test_a_batch_that_failed_is_tried_again_whole_before_anything_behind_it(world: World, answer: Any) -> None:
    sender, partner = wired(world, count=2)
    partner.batch_answers = [answer]
    async with world.running():
        messages = await send(sender, *range(4))
        await partner.has(4)
        await world.becomes(messages[-1], "PROCESSED")
    assert sent(partner) == [["0", "1"], ["0", "1"], ["2", "3"]]
    first, second, _ = partner.batches
    assert (first.control_id, first.created) == (second.control_id, second.created)
    unknown = isinstance(answer, Unreachable) and answer.outcome_unknown
    for message in messages[:2]:
        details = [json.loads(event.detail) for event in world.trail(message)[2:]]
        assert [each["batch"] for each in details] == [first.control_id.decode()] * 2
        assert details[0].get("outcome") == ("unknown" if unknown else None)


async def test_ar_for_all_dead_letters_all_and_the_lane_goes_on(world: World) -> None:
    sender, partner = wired(world, count=2)
    partner.batch_answers = [AR]
    async with world.running():
        messages = await send(sender, *range(4))
        for message, disposition in zip(messages, ["ERROR"] * 2 + ["PROCESSED"] * 2, strict=True):
            await world.becomes(message, disposition)


async def test_attempts_are_used_up_by_each_member_for_itself(world: World) -> None:
    sender, partner = wired(world, count=2, retry=RetryPolicy(max_attempts=2, backoff_seconds=0))
    partner.batch_answers = [[AA, AE], [AE]]
    async with world.running():
        delivered, dead = await send(sender, 1, 2)
        await world.becomes(delivered, "PROCESSED")
        await world.becomes(dead, "ERROR")
    assert sent(partner) == [["1", "2"], ["2"]]


async def test_an_unordered_lane_goes_on_and_gathers_what_is_due_again(world: World) -> None:
    retry = RetryPolicy(backoff_seconds=0.3)
    sender, partner = wired(world, count=2, ordering=OrderingMode.UNORDERED, retry=retry)
    partner.batch_answers = [AE]
    async with world.running():
        await send(sender, *range(4))
        with trio.fail_after(10):
            await partner.has(4)
    assert sent(partner) == [["0", "1"], ["2", "3"], ["0", "1"]]


async def test_what_cannot_stand_in_a_batch_goes_alone_and_keeps_its_place(world: World) -> None:
    sender, partner = wired(world, count=3)
    other = b'{"no": "hl7"}'
    double = adt("5") + adt("6")
    odd = {"2": other, "5": double}
    world.handler(lambda msg: Send("OB", odd.get(msg["MSH-10"], msg)))
    async with world.running():
        await send(sender, *range(9))
        with trio.fail_after(10):
            await partner.has(9)
    assert sent(partner) == [["0", "1"], ["3", "4"], ["6", "7", "8"]]
    assert [item.payload for item in partner.attempts] == [other, double]
    assert partner.delivered[2] == other
    assert partner.delivered[5] == double


async def test_simulated_work_leaves_nothing_and_is_processed_without_waiting(world: World) -> None:
    sender, partner = wired(world, simulate=True)
    async with world.running():
        for message in await send(sender, 1, 2):
            await world.becomes(message, "PROCESSED")
            assert "simulated" in world.trail(message)[-1].detail
    assert partner.batches == []
    assert partner.attempts == []


async def test_a_batch_stays_below_the_most_bytes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOST_BYTES", len(adt("0")) * 2)
    sender, partner = wired(world, count=100)
    async with world.running():
        await send(sender, *range(5))
        await partner.has(4)
    assert sent(partner) == [["0", "1"], ["2", "3"]]


async def test_a_backlog_larger_than_memory_leaves_in_full_batches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_windows(monkeypatch, 7)
    sender, partner = wired(world, count=5)
    async with world.running(hold_outbound=True):
        await send(sender, *range(30))
    async with world.running():
        with trio.fail_after(20):
            await partner.has(30)
    assert sent(partner) == [[str(number) for number in range(start, start + 5)] for start in range(0, 30, 5)]


async def test_a_batch_larger_than_memory_goes_when_memory_is_full(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_windows(monkeypatch, 4)
    sender, partner = wired(world, count=1000)
    async with world.running():
        await send(sender, *range(12))
        with trio.fail_after(20):
            await partner.has(12)
    assert ids(partner) == [str(number) for number in range(12)]


async def test_nobody_waits_for_what_memory_cannot_take(world: World) -> None:
    sender, partner = wired(world)
    async with world.running() as engine:
        await send(sender, 1)
        await gathered(world, engine, 1)
        engine.memory.limit = 1
        await send(sender, 2)
        with trio.fail_after(10):
            await partner.has(2)
    assert sent(partner) == [["1"], ["2"]]


async def test_a_batch_does_not_wait_for_memory_that_settlements_have_not_freed(world: World) -> None:
    sender, partner = wired(world, count=2)
    arrived, go = trio.Event(), trio.Event()

    async def slow(batch: OutboundBatch) -> Delivered:
        arrived.set()
        await go.wait()
        return AA

    partner.batch_answers = [slow]
    async with world.running() as engine:
        await send(sender, 1, 2)
        await arrived.wait()
        await send(sender, 3)
        await until(lambda: len(engine.lanes["OB"].window) == 1)
        engine.memory.limit = 1
        go.set()
        with trio.fail_after(10):
            await partner.has(3)
    assert sent(partner) == [["1", "2"], ["3"]]


async def test_an_unordered_lane_reads_nothing_twice_into_a_batch(world: World) -> None:
    sender, partner = wired(world, count=3, ordering=OrderingMode.UNORDERED)
    partner.batch_answers = [[AA, AE, AE]]
    async with world.running() as engine:
        await send(sender, 1, 2, 3)
        await partner.has(1)
        await gathered(world, engine, 2)
        lane = engine.lanes["OB"]
        lane.reread()
        await until(lambda: not lane.window.spilled)
        await send(sender, 4)
        with trio.fail_after(10):
            await partner.has(4)
    assert sent(partner) == [["1", "2", "3"], ["2", "3", "4"]]


# -- operators, stops and crashes ------------------------------------------------------------------------------------


async def test_dead_letter_now_takes_a_member_out_of_a_gathering_batch(world: World) -> None:
    sender, partner = wired(world, count=3)
    async with world.running() as engine:
        messages = await send(sender, 1, 2)
        await gathered(world, engine, 2)
        assert await operations(engine).dead_letter(messages[0], actor="op") == 1
        await send(sender, 3)
        await gathered(world, engine, 2)
        await send(sender, 4)
        with trio.fail_after(10):
            await partner.has(3)
        await world.becomes(messages[0], "ERROR")
    assert sent(partner) == [["2", "3", "4"]]


async def test_dead_letter_now_of_all_of_a_gathering_batch_frees_the_lane(world: World) -> None:
    sender, partner = wired(world, count=2)
    async with world.running() as engine:
        (message,) = await send(sender, 1)
        await gathered(world, engine, 1)
        await operations(engine).dead_letter(message, actor="op")
        await send(sender, 2, 3)
        with trio.fail_after(10):
            await partner.has(2)
    assert sent(partner) == [["2", "3"]]


async def test_dead_letter_now_takes_a_member_out_of_a_batch_in_back_off(world: World) -> None:
    sender, partner = wired(world, count=2, retry=RetryPolicy(backoff_seconds=300))
    partner.batch_answers = [AE]
    async with world.running() as engine:
        first, _ = await send(sender, 1, 2)
        await until(lambda: engine.lanes["OB"].status.doing == "waiting to retry")
        await operations(engine).dead_letter(first, actor="op")
        engine.lanes["OB"].retry_now()
        with trio.fail_after(10):
            await partner.has(1)
    assert sent(partner) == [["1", "2"], ["2"]]
    assert partner.batches[0].control_id != partner.batches[1].control_id


async def test_dead_letter_now_of_a_member_that_is_being_sent_leaves_the_others_alone(world: World) -> None:
    sender, partner = wired(world, count=2)
    arrived, go = trio.Event(), trio.Event()

    async def slow(batch: OutboundBatch) -> Delivered:
        arrived.set()
        await go.wait()
        return AA

    partner.batch_answers = [slow]
    async with world.running() as engine:
        first, second = await send(sender, 1, 2)
        await arrived.wait()
        await operations(engine).dead_letter(first, actor="op")
        go.set()
        await world.becomes(second, "PROCESSED")
        await world.becomes(first, "ERROR")
        await until(lambda: any('"msa_1"' in event.detail for event in world.trail(first)))
        await send(sender, 3, 4)
        await partner.has(4)
    assert sent(partner) == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("told", [True, False])
async def test_a_member_that_died_while_the_send_failed_is_not_sent_again(world: World, told: bool) -> None:
    """Told or not: the store knows it."""
    sender, partner = wired(world, count=3)
    arrived, go = trio.Event(), trio.Event()

    async def slow(batch: OutboundBatch) -> Rejected:
        arrived.set()
        await go.wait()
        return AE

    partner.batch_answers = [slow]
    async with world.running() as engine:
        first, second, third = await send(sender, 1, 2, 3)
        await arrived.wait()
        if not told:
            engine.lanes["OB"].drop = lambda work_ids: None  # type: ignore[method-assign]
        await operations(engine).dead_letter(second, actor="op")
        before = len(world.trail(second))
        go.set()
        for message in (first, third):
            await world.becomes(message, "PROCESSED")
        assert len(world.trail(second)) == before + (not told)
    assert sent(partner) == [["1", "2", "3"], ["1", "3"]]


async def test_dead_letter_now_of_all_that_are_being_sent_cuts_the_send(world: World) -> None:
    sender, partner = wired(world, count=2)

    async def hang(batch: OutboundBatch) -> None:
        await trio.sleep_forever()

    partner.batch_answers = [hang]
    async with world.running() as engine:
        messages = await send(sender, 1, 2)
        await partner.until(lambda partner: len(partner.batches) == 1)
        for message in messages:
            await operations(engine).dead_letter(message, actor="op")
        await send(sender, 3, 4)
        with trio.fail_after(10):
            await partner.has(2)
    assert sent(partner) == [["1", "2"], ["3", "4"]]


async def test_a_stop_gives_back_what_was_gathered_and_a_start_gathers_it_again(world: World) -> None:
    sender, partner = wired(world, count=3)
    async with world.running() as engine:
        await send(sender, 1, 2)
        await gathered(world, engine, 2)
        with trio.fail_after(5):
            assert await operations(engine).stop("OB", actor="op") == "stopped"
        assert partner.batches == []
        assert engine.memory.used == 0
        await operations(engine).start("OB", actor="op")
        await send(sender, 3)
        await partner.has(3)
    assert sent(partner) == [["1", "2", "3"]]


async def test_the_engine_stops_at_once_while_a_batch_is_gathered(world: World) -> None:
    sender, partner = wired(world, count=3)
    with trio.fail_after(10):
        async with world.running(shutdown_timeout_seconds=60) as engine:
            await send(sender, 1, 2)
            await gathered(world, engine, 2)
    assert partner.batches == []
    async with world.running():
        await send(sender, 3)
        await partner.has(3)
    assert sent(partner) == [["1", "2", "3"]]


async def test_a_send_that_is_interrupted_is_repeated_and_every_trail_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FINISH_SECONDS", 0.05)
    sender, partner = wired(world, count=2)

    async def hang(batch: OutboundBatch) -> None:
        await trio.sleep_forever()

    partner.batch_answers = [hang]
    async with world.running() as engine:
        messages = await send(sender, 1, 2)
        await partner.until(lambda partner: len(partner.batches) == 1)
        await operations(engine).stop("OB", actor="op")
        await operations(engine).start("OB", actor="op")
        for message in messages:
            await world.becomes(message, "PROCESSED")
    assert [[member.attempt for member in batch.members] for batch in partner.batches] == [[1, 1], [2, 2]]
    for number, message in enumerate(messages, 1):
        (interrupted,) = [json.loads(event.detail) for event in world.trail(message) if "interrupted" in event.detail]
        assert interrupted["outcome"] == "unknown"
        assert interrupted["place"] == f"{number} of 2"


async def test_a_crash_in_the_middle_of_a_send_loses_nothing_and_keeps_the_order(world: World) -> None:
    sender, partner = wired(world, count=3)

    async def hang(batch: OutboundBatch) -> None:
        partner.delivered.extend(item.payload for item in batch.members)
        await trio.sleep_forever()

    partner.batch_answers = [AA, hang]
    async with world.running(crash=True):
        await send(sender, *range(8))
        await partner.has(6)
    async with world.running():
        await send(sender, 8)
        with trio.fail_after(10):
            await partner.has(12)
    first_seen = list(dict.fromkeys(ids(partner)))
    assert first_seen == [str(number) for number in range(9)]
    assert [each for each in first_seen if ids(partner).count(each) > 1] == ["3", "4", "5"]


@pytest.mark.parametrize("fault", [CredentialFault("bad key"), Broken("bug"), KeyError("secret")])
async def test_a_lane_that_stops_keeps_the_whole_batch(world: World, fault: Exception) -> None:
    sender, partner = wired(world, count=2, internal_error=InternalErrorPolicy.STOP)
    partner.batch_answers = [fault]
    async with world.running() as engine:
        messages = await send(sender, 1, 2)
        await until(lambda: engine.connections["OB"].state == "failed")
        assert "secret" not in engine.connections["OB"].reason
        assert [world.disposition(message) for message in messages] == ["ROUTED"] * 2
        assert await operations(engine).start("OB", actor="op") == "running"
        await partner.has(2)
    assert sent(partner) == [["1", "2"]] * 2


@pytest.mark.parametrize("fault", [CredentialFault("bad key"), Broken("bug")])
async def test_a_lane_that_stops_keeps_one_alone_too_whatever_its_attempts(world: World, fault: Exception) -> None:
    retry = RetryPolicy(max_attempts=1)
    sender, partner = wired(world, wait=10, internal_error=InternalErrorPolicy.STOP, retry=retry)
    partner.batch_answers = [fault]
    async with world.running() as engine:
        (message,) = await send(sender, 1)
        await until(lambda: engine.connections["OB"].state == "failed")
        assert world.disposition(message) == "ROUTED"


async def test_one_member_that_breaks_the_connector_dies_alone(world: World) -> None:
    sender, partner = wired(world, count=3)

    async def poisoned(batch: OutboundBatch) -> Delivered:
        if any(b"POISON" in item.payload for item in batch.members):
            raise Broken("bug")
        return AA

    partner.batch_answers = [poisoned] * 5
    async with world.running():
        first = await sender.send(adt("1"))
        poison = await sender.send(adt("2", text="POISON"))
        last = await sender.send(adt("3"))
        await world.becomes(poison.message_id, "ERROR")
        for receipt in (first, last):
            await world.becomes(receipt.message_id, "PROCESSED")
        await send(sender, 4, 5, 6)
        await partner.has(5)
    assert sent(partner) == [["1", "2", "3"], ["1"], ["2"], ["3"], ["4", "5", "6"]]
    assert [member.attempt for batch in partner.batches[1:4] for member in batch.members] == [2, 2, 2]


async def test_a_connector_that_tells_too_few_outcomes_has_broken(world: World) -> None:
    sender, partner = wired(world, count=2)
    partner.batch_answers = [[AA]]
    async with world.running():
        messages = await send(sender, 1, 2)
        for message in messages:
            await world.becomes(message, "PROCESSED")
    assert sent(partner) == [["1", "2"], ["1"], ["2"]]


async def test_at_most_a_whole_batch_is_ahead_of_the_store(world: World) -> None:
    sender, partner = wired(world, count=5)
    async with world.running(unsettled=3) as engine:
        batches, seen = engine.committer._batches, list[int]()

        async def watch(batch: OutboundBatch) -> Delivered:
            entries = [*batches.queued, *batches.on_their_way]
            seen.append(sum("Settle" in type(entry.unit).__name__ for entry in entries) + len(batch.members))
            return AA

        partner.batch_answers = [watch] * 12
        async with trio.open_nursery() as nursery:
            for number in range(60):
                nursery.start_soon(sender.send, adt(str(number)))
        await partner.has(60)
    assert max(seen) <= 5


async def test_memory_is_given_back(world: World) -> None:
    sender, partner = wired(world, count=4, wait=20)
    partner.batch_answers = [[AA, AE, AR, LEFT_OUT], Unreachable("away"), Broken("bug")]
    async with world.running() as engine:
        await send(sender, *range(10))
        await until(lambda: not engine.memory.used and not engine.lanes["OB"].window.held)
        assert engine.lanes["OB"]._settling._ahead.value == 32


async def test_a_lane_says_once_that_a_batch_fails(world: World) -> None:
    sender, partner = wired(world, count=2, retry=QUICK)
    partner.batch_answers = [Unreachable("10.0.0.7:2575: Connection refused")] * 3
    async with world.running():
        await send(sender, 1, 2)
        await partner.has(2)
    events = world.read(lambda reader: reader.connection_events("OB", 20))
    told = [(event.kind, event.detail) for event in events if event.kind != "started"]
    assert told == [("delivery fails", "10.0.0.7:2575: Connection refused"), ("delivers again", "")]
    assert sent(partner) == [["1", "2"]] * 4


async def test_a_reload_begins_and_ends_batches(world: World) -> None:
    sender, partner = wired(world, count=2)
    batched = world.graph
    world.outbound()
    alone = world.graph
    async with world.running() as engine:
        await send(sender, 1)
        await partner.has(1)
        with_graph(engine, batched)
        await reload(engine)
        await send(sender, 2, 3, 4)
        await partner.has(3)
        with_graph(engine, alone)
        with trio.fail_after(10):
            await reload(engine)
            await partner.has(4)
    assert sent(partner) == [["2", "3"]]
    assert ids(partner) == ["1", "2", "3", "4"]


class Moody:
    """Answers as chance has it, and knows what each member may expect."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.seen: list[str] = []
        self.final: dict[str, str] = {}

    async def __call__(self, batch: OutboundBatch) -> list[Any]:
        members = [control_id_of(item.payload) for item in batch.members]
        assert not self.final.keys() & set(members), "what is settled does not come again"
        self.seen += members
        await trio.lowlevel.checkpoint()
        mood = self.chance.randrange(10)
        if mood == 0:
            raise Unreachable("away", outcome_unknown=self.chance.random() < 0.5)
        if mood == 1:
            self.final |= {member: "ERROR" for member in members if len(members) == 1}
            raise Broken("bug")
        for_all = self.chance.choice([AA, AE, AR]) if mood < 5 else None
        answers = [for_all or self.chance.choice([AA, AA, AE, AR, LEFT_OUT]) for _ in members]
        for member, answer in zip(members, answers, strict=True):
            if answer in (AA, AR):
                self.final[member] = "PROCESSED" if answer is AA else "ERROR"
        return answers


@pytest.mark.parametrize("ordering", list(OrderingMode))
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_answered_everything_ends_in_order_and_nothing_is_sent_without_need(
    world: World, ordering: OrderingMode, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_windows(monkeypatch, 12)
    sender, partner = wired(world, count=5, wait=5, ordering=ordering)
    moody = Moody(seed)
    partner.batch_answers = [moody] * 2000
    async with world.running(unsettled=4) as engine:
        messages: dict[str, int] = {}
        for number in range(60):
            (messages[str(number)],) = await send(sender, number)
            if number % 20 == 10:
                await operations(engine).stop("OB", actor="op")
                await operations(engine).start("OB", actor="op")
        await until(lambda: len(moody.final) == 60)
        for control_id, disposition in moody.final.items():
            await world.becomes(messages[control_id], disposition)
        await until(lambda: not engine.memory.used and not engine.lanes["OB"].window.held)
        assert engine.lanes["OB"]._settling._ahead.value == 5
    if ordering is OrderingMode.FIFO:
        assert list(dict.fromkeys(moody.seen)) == [str(number) for number in range(60)]
