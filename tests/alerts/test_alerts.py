"""Alerts: repeats are held back, a bad sink harms nobody, and backlogs are judged."""

from __future__ import annotations

import logging

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.alerts import buildup
from messagefoundry.alerts.alarm import QUEUE, Alarm
from messagefoundry.alerts.buildup import Limits, stalled, too_much
from messagefoundry.alerts.logging_sink import LoggingSink
from messagefoundry.contracts.alerts import Alert
from messagefoundry.contracts.stores import Backlog
from messagefoundry.wiring.values import BuildupThreshold, StallThreshold

SECOND = 1_000_000


class Collected:
    """A sink that keeps what it is given, after failing as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.alerts: list[Alert] = []
        self.got = trio.Event()

    async def send(self, alert: Alert) -> None:
        """Keep one alert."""
        if self.failures:
            self.failures -= 1
            raise OSError("no route")
        self.alerts.append(alert)
        self.got.set()


async def test_repeats_within_the_time_are_held_back_and_others_are_not() -> None:
    sink = Collected()
    alarm = Alarm({"sink": sink}, realert_seconds=300)
    assert alarm.raise_alert("connection_stopped", "OB", "first")
    assert not alarm.raise_alert("connection_stopped", "OB", "again")
    assert alarm.raise_alert("connection_stopped", "OB2", "other connection")
    assert alarm.raise_alert("queue_buildup", "OB", "other kind")
    async with trio.open_nursery() as nursery:
        await nursery.start(alarm.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert [alert.detail for alert in sink.alerts] == ["first", "other connection", "other kind"]


async def test_without_a_time_every_alert_goes_out() -> None:
    alarm = Alarm({}, realert_seconds=0)
    assert all(alarm.raise_alert("kind", "OB", "") for _ in range(3))


async def test_a_failing_sink_stops_neither_the_others_nor_itself(caplog: pytest.LogCaptureFixture) -> None:
    bad, good = Collected(failures=1), Collected()
    alarm = Alarm({"bad": bad, "good": good}, realert_seconds=0)
    alarm.raise_alert("kind", "OB", "1")
    alarm.raise_alert("kind", "OB", "2")
    async with trio.open_nursery() as nursery:
        await nursery.start(alarm.run)
        with trio.fail_after(5):
            await bad.got.wait()
        nursery.cancel_scope.cancel()
    assert [alert.detail for alert in good.alerts] == ["1", "2"][: len(good.alerts)]
    assert [alert.detail for alert in bad.alerts] == ["2"]
    assert "alert sink bad failed: OSError" in caplog.text
    assert "no route" not in caplog.text


async def test_raising_never_waits(caplog: pytest.LogCaptureFixture) -> None:
    alarm = Alarm({}, realert_seconds=0)
    for _ in range(QUEUE + 1):
        alarm.raise_alert("kind", "OB", "")
    assert "dropped" in caplog.text


async def test_the_logging_sink_says_what_and_where(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await LoggingSink().send(Alert("queue_buildup", "OB_LAB", "5 waiting", 0))
    assert "ALERT queue_buildup OB_LAB: 5 waiting" in caplog.text


@pytest.mark.parametrize(
    ("threshold", "depth", "age", "wrong"),
    [
        (BuildupThreshold(), 10_000, 299, False),
        (BuildupThreshold(), 1, 300, True),
        (BuildupThreshold(max_depth=5), 4, 0, False),
        (BuildupThreshold(max_depth=5), 5, 0, True),
        (BuildupThreshold(max_oldest_seconds=None), 1, 10**6, False),
        (BuildupThreshold(max_depth=5, max_oldest_seconds=None), 6, 10**6, True),
    ],
)
def test_depth_and_age_each_count(threshold: BuildupThreshold, depth: int, age: int, wrong: bool) -> None:
    backlog = Backlog("outbound", "OB", depth, oldest_id=10**15)
    assert (too_much(backlog, Limits(threshold), 10**15 + age * SECOND) is not None) is wrong


def test_waiting_for_a_schedule_is_no_buildup() -> None:
    backlog = Backlog("outbound", "OB", 2, oldest_id=10**15)
    opened = Limits(since=10**15 + 36_000 * SECOND)
    assert too_much(backlog, opened, 10**15 + 36_299 * SECOND) is None
    trouble = too_much(backlog, opened, 10**15 + 36_300 * SECOND)
    assert trouble == "2 waiting at the outbound stage, the oldest for 36300 s"
    deep = Limits(BuildupThreshold(max_depth=2), since=10**15 + 36_000 * SECOND)
    assert too_much(backlog, deep, 10**15 + 36_000 * SECOND) is not None


@pytest.mark.parametrize(
    ("stage", "limit", "age", "wrong"),
    [
        ("outbound", None, 10**6, False),
        ("outbound", 900, 899, False),
        ("outbound", 900, 900, True),
        ("routed", 900, 900, False),
        ("ingress", 900, 900, False),
    ],
)
def test_for_a_stall_all_of_the_time_counts(stage: str, limit: float | None, age: int, wrong: bool) -> None:
    at = 10**15 + age * SECOND
    trouble = stalled(Backlog(stage, "OB", 4, 10**15), Limits(stall=StallThreshold(limit), since=at), at)
    assert trouble == (f"the oldest of 4 undelivered has waited for {age} s" if wrong else None)


@given(st.integers(min_value=-(10**12), max_value=0))
def test_a_clock_that_was_set_back_is_no_buildup(step: int) -> None:
    limits = Limits(stall=StallThreshold(1))
    assert too_much(Backlog("outbound", "OB", 1, 10**15), limits, 10**15 + step) is None
    assert stalled(Backlog("outbound", "OB", 1, 10**15), limits, 10**15 + step) is None


@pytest.mark.parametrize("stage", ["ingress", "routed", "outbound"])
async def test_the_watch_alerts_for_every_stage(stage: str) -> None:
    raised: list[tuple[str, str, str]] = []
    seen = trio.Event()

    def raise_alert(kind: str, connection: str, detail: str) -> None:
        raised.append((kind, connection, detail))
        seen.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(
            buildup.watch,
            lambda: [Backlog(stage, "C", 7, 1)],
            lambda: {"C": Limits(BuildupThreshold(max_depth=7))},
            raise_alert,
        )
        with trio.fail_after(5):
            await seen.wait()
        nursery.cancel_scope.cancel()
    ((kind, connection, detail),) = raised
    assert (kind, connection) == ("queue_buildup", "C")
    assert f"7 waiting at the {stage} stage" in detail
