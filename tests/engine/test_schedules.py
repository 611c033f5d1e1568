"""Schedules on a running engine, whose clock the test sets: ports and lanes open and close, and nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import trio
import trio.testing

from messagefoundry.contracts.outbound import Delivered, OutboundItem, Rejected
from messagefoundry.engine import status
from messagefoundry.engine.reload import reload
from messagefoundry.engine.schedules import LOOK_SECONDS, NOT_YET, Schedules
from messagefoundry.pipeline import supervision
from messagefoundry.pipeline.supervision import Supervised
from messagefoundry.wiring.schedule_form import schedule_of
from messagefoundry.wiring.values import InternalErrorPolicy, RetryPolicy, StallThreshold
from tests.engine.toy import Broken
from tests.engine.world import World, adt, operations, until, with_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from messagefoundry.engine.engine import Engine

OFFICE = schedule_of({"timezone": "Europe/Vienna", "days": [0, 1, 2, 3, 4], "start": "07:00", "end": "19:00"})
NIGHTS = replace(OFFICE, invert=True)
OUTSIDE = "outside its schedule"


@dataclass
class Clock:
    """A clock that shows what the test says; in Vienna, in November."""

    moment: int = 0

    def __call__(self) -> int:
        return self.moment

    def shows(self, text: str) -> Clock:
        """Set it, as "23 07:00": day of November 2026, which begins with a Sunday."""
        self.moment = int(datetime.fromisoformat(f"2026-11-{text}+01:00").timestamp()) * 1_000_000
        return self


def monday(text: str) -> Clock:
    """A clock of Monday the 23rd."""
    return Clock().shows(f"23 {text}")


def state(engine: Engine, name: str) -> str:
    return engine.connections[name].state


async def becomes(engine: Engine, name: str, wanted: str) -> None:
    await until(lambda: state(engine, name) == wanted)


def events(world: World, name: str) -> list[tuple[str, str]]:
    """Kind and detail of what is on a Connection's trail."""
    return [(each.kind, each.detail) for each in world.read(lambda reader: reader.connection_events(name, 100))]


class Slow:
    """A partner's answer that is given when the test says so."""

    def __init__(self) -> None:
        self.asked = trio.Event()
        self.may_answer = trio.Event()

    async def __call__(self, item: OutboundItem) -> Delivered | Rejected:
        self.asked.set()
        await self.may_answer.wait()
        return Delivered(msa_1="AA")


# -- opening and closing ---------------------------------------------------------------------------------------------


async def test_an_inbound_is_there_inside_of_its_windows_alone(world: World) -> None:
    _, partner = world.simple()
    sender = world.inbound(schedule=OFFICE)
    clock = monday("06:59:59")
    async with world.running(clock=clock) as engine:
        assert state(engine, "IB") == OUTSIDE
        assert sender.starts == 0
        clock.shows("23 07:00")
        engine.schedules.look()
        await sender.send(adt("1"))
        await partner.has(1)
        clock.shows("23 19:00")
        engine.schedules.look()
        await becomes(engine, "IB", OUTSIDE)
        assert not sender.ready.is_set()
        assert sender.starts == 1
    told = events(world, "IB")
    assert told == [
        ("schedule opens", "until 2026-11-23 19:00:00+01:00"),
        ("started", ""),
        ("schedule closes", "until 2026-11-24 07:00:00+01:00"),
        ("stopped", OUTSIDE),
    ]


async def test_work_waits_in_the_store_for_a_closed_lane_and_goes_out_in_order(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(schedule=NIGHTS)
    clock = monday("12:00")
    async with world.running(clock=clock) as engine:
        received = [await sender.send(adt(str(number))) for number in range(5)]
        for receipt in received:
            await world.becomes(receipt.message_id, "ROUTED")
        assert (state(engine, "OB"), partner.attempts) == (OUTSIDE, [])
        clock.shows("23 19:00")
        engine.schedules.look()
        await partner.has(5)
    assert partner.delivered == [adt(str(number)) for number in range(5)]


async def test_what_waited_for_a_schedule_survives_a_crash(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(schedule=NIGHTS)
    async with world.running(crash=True, clock=monday("12:00")):
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ROUTED")
    async with world.running(clock=monday("12:30")) as engine:
        await sender.ready.wait()
        assert (state(engine, "OB"), partner.attempts) == (OUTSIDE, [])
    async with world.running(clock=monday("20:00")):
        await partner.has(1)


async def test_a_closing_lane_finishes_the_attempt_in_hand_however_long_it_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FINISH_SECONDS", 0.0)
    sender, partner = world.simple()
    world.outbound(schedule=OFFICE)
    slow = Slow()
    partner.answers = [slow]
    clock = monday("18:59:59")
    async with world.running(clock=clock) as engine:
        first = await sender.send(adt("1"))
        second = await sender.send(adt("2"))
        await slow.asked.wait()
        clock.shows("23 19:00")
        engine.schedules.look()
        await world.becomes(second.message_id, "ROUTED")
        await trio.testing.wait_all_tasks_blocked()
        assert state(engine, "OB") == "running"
        slow.may_answer.set()
        await becomes(engine, "OB", OUTSIDE)
        await world.becomes(first.message_id, "PROCESSED")
        assert world.disposition(second.message_id) == "ROUTED"
    assert [item.message_id for item in partner.attempts] == [first.message_id]
    assert not any("unknown" in event.detail for event in world.trail(first.message_id))


async def test_a_lane_that_opens_while_it_finishes_goes_on(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(schedule=OFFICE)
    slow = Slow()
    partner.answers = [slow]
    clock = monday("18:59:59")
    async with world.running(clock=clock) as engine:
        await sender.send(adt("1"))
        await slow.asked.wait()
        for moment in ("23 19:00", "24 07:00"):
            clock.shows(moment)
            engine.schedules.look()
        slow.may_answer.set()
        await sender.send(adt("2"))
        await partner.has(2)
        await becomes(engine, "OB", "running")


async def test_somebody_who_stops_a_lane_that_its_schedule_lets_finish_does_not_wait_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FINISH_SECONDS", 0.05)
    sender, partner = world.simple()
    world.outbound(schedule=OFFICE)
    slow = Slow()
    partner.answers = [slow]
    clock = monday("18:59:59")
    async with world.running(clock=clock) as engine:
        await sender.send(adt("1"))
        await slow.asked.wait()
        clock.shows("23 19:00")
        engine.schedules.look()
        assert await operations(engine).stop("OB", actor="op") == "stopped"


async def test_a_lane_in_back_off_closes_at_once(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(schedule=OFFICE, retry=RetryPolicy(backoff_seconds=3600))
    partner.answers = [Rejected("not now", permanent=False)]
    clock = monday("18:59:59")
    async with world.running(clock=clock) as engine:
        receipt = await sender.send(adt("1"))
        await until(lambda: engine.lanes["OB"].status.doing == "waiting to retry")
        clock.shows("23 19:00")
        engine.schedules.look()
        await becomes(engine, "OB", OUTSIDE)
        assert world.disposition(receipt.message_id) == "ROUTED"
        assert len(partner.attempts) == 1


# -- people ----------------------------------------------------------------------------------------------------------


async def test_the_stop_of_an_operator_wins_and_survives(world: World) -> None:
    _, partner = world.simple()
    sender = world.inbound(schedule=OFFICE)
    clock = monday("12:00")
    async with world.running(clock=clock) as engine:
        assert await operations(engine).stop("IB", actor="op") == "stopped"
        for moment in ("23 19:00", "24 07:00"):
            clock.shows(moment)
            engine.schedules.look()
            assert state(engine, "IB") == "stopped"
        await reload(engine)
        assert state(engine, "IB") == "stopped"
    assert not [kind for kind, _ in events(world, "IB") if kind.startswith("schedule")]
    async with world.running(clock=clock.shows("24 08:00")) as engine:
        assert state(engine, "IB") == "stopped"
        assert await operations(engine).start("IB", actor="op") == "running"
        await sender.send(adt("1"))
        await partner.has(1)


async def test_what_somebody_stops_while_it_is_closed_is_stopped_when_its_window_opens(world: World) -> None:
    world.simple()
    sender = world.inbound(schedule=OFFICE)
    clock = monday("06:00")
    async with world.running(clock=clock) as engine:
        assert await operations(engine).stop("IB", actor="op") == "stopped"
        clock.shows("23 07:00")
        engine.schedules.look()
        assert state(engine, "IB") == "stopped"
        assert sender.starts == 0
        assert await operations(engine).start("IB", actor="op") == "running"
        clock.shows("23 19:00")
        engine.schedules.look()
        await becomes(engine, "IB", OUTSIDE)


async def test_a_start_outside_of_the_windows_holds_until_the_schedule_changes_next(world: World) -> None:
    world.simple()
    world.inbound(schedule=OFFICE)
    clock = monday("05:00")
    async with world.running(clock=clock) as engine:
        assert await operations(engine).start("IB", actor="op") == "running"
        (inbound, _) = await status.connections(engine)
        assert (inbound.state, inbound.scheduled) == ("running", "closed")
        assert inbound.reason == "outside its schedule until 2026-11-23 07:00:00+01:00"
        for moment in ("23 05:00:30", "23 06:59:59", "23 04:00"):
            clock.shows(moment)
            engine.schedules.look()
            assert (state(engine, "IB"), engine.connections["IB"].opened) == ("running", True)
        clock.shows("23 07:00")
        engine.schedules.look()
        (inbound, _) = await status.connections(engine)
        assert (inbound.state, inbound.scheduled, inbound.reason) == ("running", "open", "")
        clock.shows("23 19:00")
        engine.schedules.look()
        await becomes(engine, "IB", OUTSIDE)


async def test_a_start_by_hand_does_not_outlive_a_window_that_nobody_saw(world: World) -> None:
    """The machine slept from one evening to the next."""
    world.simple()
    world.inbound(schedule=OFFICE)
    clock = monday("05:00")
    async with world.running(clock=clock) as engine:
        await operations(engine).start("IB", actor="op")
        clock.shows("23 20:00")
        engine.schedules.look()
        await becomes(engine, "IB", OUTSIDE)


async def test_a_clock_that_is_set_back_closes_again(world: World) -> None:
    world.simple()
    world.inbound(schedule=OFFICE)
    clock = monday("07:00")
    async with world.running(clock=clock) as engine:
        await becomes(engine, "IB", "running")
        clock.shows("23 06:30")
        engine.schedules.look()
        await becomes(engine, "IB", OUTSIDE)
        clock.shows("23 07:00")
        engine.schedules.look()
        await becomes(engine, "IB", "running")


async def test_one_that_starts_by_hand_waits_for_that_and_is_under_its_schedule_then(world: World) -> None:
    world.simple()
    world.inbound(schedule=OFFICE, auto_start=False)
    clock = monday("06:00")
    async with world.running(clock=clock) as engine:
        clock.shows("23 07:00")
        engine.schedules.look()
        assert state(engine, "IB") == "stopped"
        assert await operations(engine).start("IB", actor="op") == "running"
        clock.shows("23 19:00")
        engine.schedules.look()
        await becomes(engine, "IB", OUTSIDE)
        clock.shows("24 07:00")
        engine.schedules.look()
        await becomes(engine, "IB", "running")


async def test_held_back_lanes_stay_so_when_their_window_opens(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(schedule=OFFICE)
    clock = monday("06:00")
    async with world.running(clock=clock, hold_outbound=True) as engine:
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ROUTED")
        clock.shows("23 07:00")
        engine.schedules.look()
        assert (state(engine, "OB"), partner.attempts) == ("stopped", [])


async def test_what_failed_waits_for_somebody_and_not_for_its_next_window(world: World) -> None:
    sender, partner = world.simple()
    world.outbound(schedule=OFFICE, internal_error=InternalErrorPolicy.STOP)
    partner.answers = [Broken("the connector's own fault")]
    clock = monday("12:00")
    async with world.running(clock=clock) as engine:
        await sender.send(adt("1"))
        await becomes(engine, "OB", "failed")
        for moment in ("23 19:00", "24 07:00"):
            clock.shows(moment)
            engine.schedules.look()
            assert state(engine, "OB") == "failed"
        await operations(engine).start("OB", actor="op")
        await partner.has(1)


# -- reload ----------------------------------------------------------------------------------------------------------


async def test_another_schedule_closes_no_socket_and_applies_at_once(world: World) -> None:
    world.simple()
    sender = world.inbound(schedule=OFFICE)
    clock = monday("12:00")
    async with world.running(clock=clock) as engine:
        longer = schedule_of({"timezone": "Europe/Vienna", "days": [0], "start": "06:00", "end": "20:00"})
        world.inbound(schedule=longer, flagged=True)
        with_graph(engine, world.graph)
        found = await reload(engine)
        assert (found.schedules, found.unchanged) == (("IB",), ("IB", "OB"))
        assert (state(engine, "IB"), sender.starts) == ("running", 1)
        clock.shows("23 19:30")
        engine.schedules.look()
        assert state(engine, "IB") == "running"
        world.inbound(schedule=OFFICE)
        with_graph(engine, world.graph)
        await reload(engine)
        await becomes(engine, "IB", OUTSIDE)
        world.inbound()
        with_graph(engine, world.graph)
        assert (await reload(engine)).schedules == ("IB",)
        await becomes(engine, "IB", "running")
        assert sender.starts == 2


async def test_a_schedule_that_a_reload_adds_is_followed(world: World) -> None:
    world.simple()
    clock = monday("20:00")
    async with world.running(clock=clock) as engine:
        await becomes(engine, "OB", "running")
        world.outbound(schedule=OFFICE)
        with_graph(engine, world.graph)
        await reload(engine)
        await becomes(engine, "OB", OUTSIDE)


async def test_a_lane_that_changes_otherwise_keeps_to_its_schedule_and_to_what_people_did(world: World) -> None:
    world.simple()
    world.outbound(schedule=OFFICE)
    clock = monday("20:00")
    async with world.running(clock=clock) as engine:
        world.outbound(schedule=OFFICE, metadata={"owner": "lab"})
        with_graph(engine, world.graph)
        assert (await reload(engine)).changed == ("OB",)
        assert state(engine, "OB") == OUTSIDE
        await operations(engine).start("OB", actor="op")
        world.outbound(schedule=OFFICE, metadata={"owner": "ward"})
        with_graph(engine, world.graph)
        await reload(engine)
        await becomes(engine, "OB", "running")
        world.outbound(schedule=replace(OFFICE, timezone="Europe/Berlin"), metadata={"owner": "lab"})
        with_graph(engine, world.graph)
        assert (await reload(engine)).changed == ("OB",)
        await becomes(engine, "OB", OUTSIDE)


# -- alerts ----------------------------------------------------------------------------------------------------------


async def test_a_closed_lane_alerts_of_a_stall_and_not_of_a_buildup(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, partner = world.simple()
    world.outbound(schedule=OFFICE, stall=StallThreshold(0.001))
    world.outbounds["OB"] = replace(
        world.outbounds["OB"], buildup=replace(world.outbounds["OB"].buildup, max_oldest_seconds=0.001)
    )
    clock = monday("20:00")
    raised: list[tuple[str, str]] = []
    monkeypatch.setattr("messagefoundry.alerts.buildup.CHECK_SECONDS", 0.01)
    monkeypatch.setattr(
        "messagefoundry.alerts.alarm.Alarm.raise_alert",
        lambda self, kind, name, detail, **_: raised.append((kind, name)),
    )
    async with world.running(clock=clock) as engine:
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "ROUTED")
        await until(lambda: ("stalled", "OB") in raised)
        assert ("queue_buildup", "OB") not in raised
        assert engine.limits()["OB"].since == NOT_YET
        clock.shows("24 07:00")
        engine.schedules.look()
        await partner.has(1)
        assert engine.limits()["OB"].since == clock.moment


# -- the task itself, without threads --------------------------------------------------------------------------------


class Idle:
    """Runs until it is cancelled."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await trio.sleep_forever()


def virtual_clock(start: int, offset: Callable[[], float] = float) -> Callable[[], int]:
    """A wall clock that goes with trio's own, from `start` on; `offset` seconds are by how much somebody has set it."""
    began = trio.current_time()
    return lambda: start + int((trio.current_time() - began + offset()) * 1_000_000)


def supervised(nursery: trio.Nursery, schedules: Any, name: str, schedule: Any) -> Supervised:
    connection = Supervised(name, Idle, lambda kind, detail, alert: None, opened=schedules.follow(name, schedule))
    nursery.start_soon(connection.run)
    return connection


async def test_the_task_wakes_at_the_very_moment_of_each_change(autojump_clock: trio.testing.MockClock) -> None:
    start = monday("00:00:07").moment
    connections: dict[str, Supervised] = {}
    told: list[tuple[float, str, str]] = []
    schedules = Schedules(
        connections, lambda name, kind, _: told.append((trio.current_time(), name, kind)), virtual_clock(start)
    )
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(schedules.run)
        await trio.lowlevel.checkpoint()
        connections["A"] = supervised(nursery, schedules, "A", OFFICE)
        connections["B"] = supervised(nursery, schedules, "B", NIGHTS)
        await trio.sleep(24 * 3600)
        nursery.cancel_scope.cancel()
    hours = [((at - began + 7) / 3600, name, kind) for at, name, kind in told]
    opens, closes = "schedule opens", "schedule closes"
    expected = [(7, "A", opens), (7, "B", closes), (19, "A", closes), (19, "B", opens)]
    assert [(round(at, 6), name, kind) for at, name, kind in hours] == expected


async def test_a_clock_that_somebody_sets_is_noticed_within_half_a_minute(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ahead = [0.0]
    start = monday("03:00").moment
    connections: dict[str, Supervised] = {}
    schedules = Schedules(connections, lambda *_: None, virtual_clock(start, lambda: ahead[0]))
    async with trio.open_nursery() as nursery:
        connections["A"] = supervised(nursery, schedules, "A", OFFICE)
        await nursery.start(schedules.run)
        await trio.sleep(100)
        ahead[0] = 6 * 3600
        await trio.sleep(LOOK_SECONDS + 1)
        assert connections["A"].state == "running"
        ahead[0] = 0
        await trio.sleep(LOOK_SECONDS + 1)
        assert connections["A"].state == OUTSIDE
        nursery.cancel_scope.cancel()
