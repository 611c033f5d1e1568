"""When a running Timer hands in, on virtual time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from messagefoundry.contracts.inbound import Receipt
from messagefoundry.testing import InboundRecorder
from messagefoundry_timer.settings import TimerSettings
from messagefoundry_timer.source import LOOK_SECONDS, TimerSource, next_of, run_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio.testing import MockClock

START = datetime.fromisoformat("2026-03-28T23:59:30+00:00").timestamp()
BODY = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1\rPID|1||Größe\r"
AGAIN = Receipt(False, reply=b"again", code="AE", retry=True, reason="The store is away")


@dataclass
class Diary(InboundRecorder):
    """Remembers when, since the start, messages were handed in, and takes `slow` seconds for each."""

    slow: float = 0
    began: float = field(default_factory=trio.current_time)
    times: list[float] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)

    async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
        self.times.append(round(trio.current_time() - self.began, 3))
        self.marks.append(bookmark)
        await trio.sleep(self.slow)
        return await super().receive(raw, peer=peer, bookmark=bookmark)


@dataclass
class Wall:
    """A clock on the wall that goes with virtual time, and can be set."""

    offset: float = 0

    def __post_init__(self) -> None:
        self.began = trio.current_time()

    def __call__(self) -> float:
        return START + trio.current_time() - self.began + self.offset


@asynccontextmanager
async def running(context: InboundRecorder, clock: Wall | None = None, **options: Any) -> AsyncIterator[trio.Nursery]:
    source = TimerSource(TimerSettings(body=BODY, **options), context, clock or Wall())
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: source.run(task_status=task_status))
        yield nursery
        nursery.cancel_scope.cancel()


async def until(moment: float, context: Diary) -> None:
    """Wait for a moment of the diary, and for what happens in it."""
    await trio.sleep_until(context.began + moment)
    await trio.testing.wait_all_tasks_blocked()


# -- intervals -------------------------------------------------------------------------------------------------------


async def test_an_interval_after_the_start_and_after_each_run(autojump_clock: MockClock) -> None:
    context = Diary()
    async with running(context, interval_seconds=60):
        await until(200, context)
    assert context.times == [60, 120, 180]
    assert context.received == [BODY.encode()] * 3
    assert context.peers == ["run after 60 s"] * 3
    assert len(set(context.marks)) == 3


async def test_a_run_that_takes_longer_than_the_interval_is_not_overlapped(autojump_clock: MockClock) -> None:
    context = Diary(slow=25)
    async with running(context, interval_seconds=10):
        await until(100, context)
    assert context.times == [10, 40, 70, 100]


async def test_intervals_go_on_whatever_the_wall_clock_is_set_to(autojump_clock: MockClock) -> None:
    context, wall = Diary(), Wall()
    async with running(context, wall, interval_seconds=60):
        wall.offset = -86400
        await until(70, context)
        wall.offset = 86400
        await until(130, context)
    assert context.times == [60, 120]


async def test_after_a_stop_of_the_process_one_run_comes_late_and_no_more(mock_clock: MockClock) -> None:
    """As after SIGSTOP: time went on, and nothing ran."""
    context = Diary()
    async with running(context, interval_seconds=60):
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(3630)
        await trio.testing.wait_all_tasks_blocked()
        assert context.times == [3630]
        mock_clock.jump(29)
        await trio.testing.wait_all_tasks_blocked()
        assert context.times == [3630]
        mock_clock.jump(1)
        await trio.testing.wait_all_tasks_blocked()
    assert context.times == [3630, 3660]


@pytest.mark.parametrize(
    ("now", "wanted"), [(100, 110), (109.9, 110), (110, 120), (115, 120), (95, 110), (1e9, 1e9 + 10)]
)
def test_the_next_of_a_row_of_intervals(now: float, wanted: float) -> None:
    assert next_of(100, 10, now) == wanted


# -- the calendar ----------------------------------------------------------------------------------------------------


async def test_by_cron_across_the_spring(autojump_clock: MockClock) -> None:
    """The start is 00:59:30 in Berlin; at 02:00 clocks are put forward by an hour."""
    context = Diary()
    async with running(context, cron_expression="0,30 1-4 * * *", timezone="Europe/Berlin"):
        await until(3 * 3600, context)
    assert context.times == [30, 1830, 3630, 5430, 7230, 9030]
    assert context.peers[2] == "run of 2026-03-29 03:00:00+02:00"


async def test_a_moment_during_a_run_is_not_made_up(autojump_clock: MockClock) -> None:
    context = Diary(slow=200)
    async with running(context, cron_expression="* * * * *", timezone="UTC"):
        await until(500, context)
    assert context.times == [30, 270, 510][: len(context.times)]
    assert len(context.times) == 2
    assert [kind for kind, _, _ in context.notes] == ["run missed", "run missed"]


async def test_what_came_due_while_the_machine_slept_is_missed_and_said(autojump_clock: MockClock) -> None:
    """As after a suspend: the clock on the wall is hours ahead at once."""
    context, wall = Diary(), Wall()
    async with running(context, wall, cron_expression="0 * * * *", timezone="UTC"):
        wall.offset = 6 * 3600 + 600
        await until(LOOK_SECONDS, context)
        assert context.times == []
        ((kind, detail, alert),) = context.notes
        await until(3600, context)
    assert (kind, alert) == ("run missed", True)
    assert detail == "it was due at 2026-03-29 00:00:00+00:00; the next is due at 2026-03-29 07:00:00+00:00"
    assert context.times == [3030]


async def test_a_clock_put_back_by_a_second_repeats_no_run(autojump_clock: MockClock) -> None:
    context, wall = Diary(), Wall()
    async with running(context, wall, cron_expression="0 * * * *", timezone="UTC"):
        await until(30, context)
        wall.offset = -2
        await until(3000, context)
    assert context.times == [30]


async def test_a_clock_that_was_a_year_ahead_is_not_waited_for(autojump_clock: MockClock) -> None:
    context, wall = Diary(), Wall(offset=365 * 86400)
    async with running(context, wall, cron_expression="0 12 * * *", timezone="UTC"):
        await until(5, context)
        wall.offset = 0
        await until(86400, context)
    assert context.times == [12 * 3600 + 30]


async def test_a_restart_in_the_minute_of_a_run_does_not_repeat_it(autojump_clock: MockClock) -> None:
    context, wall = Diary(), Wall()
    async with running(context, wall, cron_expression="0 * * * *", timezone="UTC"):
        await until(31, context)
    wall.offset = -5
    async with running(context, wall, cron_expression="0 * * * *", timezone="UTC"):
        await until(600, context)
    assert context.times == [30]


async def test_a_time_missed_while_down_is_not_made_up(autojump_clock: MockClock) -> None:
    context, wall = Diary(), Wall()
    async with running(context, wall, cron_expression="0 * * * *", timezone="UTC"):
        await until(31, context)
    wall.offset = 5 * 3600
    async with running(context, wall, cron_expression="0 * * * *", timezone="UTC"):
        await until(60, context)
    assert context.times == [30]
    assert context.notes == []


# -- once ------------------------------------------------------------------------------------------------------------


async def test_once_at_each_start(autojump_clock: MockClock) -> None:
    context = Diary()
    for _ in range(2):
        async with running(context, run_once=True):
            await until(trio.current_time() - context.began + 86400, context)
    assert context.times == [0, 86400]
    assert context.peers == ["run at the start"] * 2


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"interval_seconds": 30}, {"cron_expression": "* * * * *"}, {"run_once": True}],
    ids=lambda options: next(iter(options)),
)
async def test_a_run_that_is_refused_for_now_is_tried_again_soon(
    autojump_clock: MockClock, options: dict[str, Any]
) -> None:
    context = Diary()
    refusals = iter([AGAIN, AGAIN, AGAIN])
    context.judge = lambda raw: next(refusals, Receipt(True, 1))
    async with running(context, **options):
        await until(40, context)
    first = context.times[0]
    assert context.times == [first, first + 1, first + 2, first + 3]
    assert len(set(context.marks)) == 1
    assert [kind for kind, _, _ in context.notes] == ["run waits"]


async def test_a_refusal_for_good_is_told_and_the_next_run_comes(autojump_clock: MockClock) -> None:
    context = Diary(judge=lambda raw: Receipt(False, code="AE", reason="The message cannot be read"))
    async with running(context, interval_seconds=60):
        await until(130, context)
    assert context.times == [60, 120]
    assert context.notes == [("run refused", "The message cannot be read", True)] * 2


@pytest.mark.parametrize("bookmark", ["", "timer", "timer x 00000000", "1763776830-0a1b2c3d-5-6", "timer 1 0000000g"])
def test_the_bookmark_of_another_connector_says_nothing(bookmark: str) -> None:
    assert run_of(bookmark) == 0
    assert run_of("timer 1763776830 0a1b2c3d") == 1763776830
