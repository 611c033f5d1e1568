"""Which runs are due, from readings of a clock that is set, stands still or jumps."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from messagefoundry_timer.agenda import LATEST_SECONDS, Agenda, Run
from messagefoundry_timer.cron import Cron

NOON = datetime.fromisoformat("2026-06-01T12:00Z").timestamp()
HOUR = 3600
HOURLY = Cron.parse("0 * * * *")


def test_a_run_is_due_at_its_moment_once() -> None:
    agenda = Agenda(HOURLY, NOON - 5)
    assert [agenda.look(NOON + step) for step in (-1, 0, 0.5, 10)] == [None, Run(NOON, False), None, None]
    assert agenda.due == NOON + HOUR


def test_a_start_makes_up_for_nothing() -> None:
    assert Agenda(HOURLY, NOON + 1).due == NOON + HOUR
    assert Agenda(HOURLY, NOON).due == NOON + HOUR


def test_a_little_late_is_still_a_run_and_more_is_missed() -> None:
    assert Agenda(HOURLY, NOON - 5).look(NOON + LATEST_SECONDS) == Run(NOON, False)
    assert Agenda(HOURLY, NOON - 5).look(NOON + LATEST_SECONDS + 1) == Run(NOON, True)


def test_after_a_year_asleep_one_run_is_missed_and_the_next_one_is_ahead() -> None:
    agenda = Agenda(HOURLY, NOON - 5)
    later = NOON + 365 * 24 * HOUR + 600
    assert agenda.look(later) == Run(NOON, True)
    assert agenda.look(later) is None
    assert agenda.due == later - 600 + HOUR


def test_a_clock_put_back_a_little_repeats_nothing() -> None:
    agenda = Agenda(HOURLY, NOON - 5)
    assert agenda.look(NOON + 1)
    assert [agenda.look(NOON + step) for step in (-LATEST_SECONDS + 2, -1, 0, 1)] == [None] * 4
    assert agenda.due == NOON + HOUR


def test_a_clock_put_back_in_several_little_steps_repeats_nothing() -> None:
    agenda = Agenda(HOURLY, NOON - 5)
    assert agenda.look(NOON + 1)
    assert [agenda.look(NOON + step) for step in (-50, -100, -50, 1)] == [None] * 4
    assert agenda.due == NOON + HOUR


def test_a_clock_that_was_far_ahead_is_not_waited_for() -> None:
    agenda = Agenda(HOURLY, NOON + 365 * 24 * HOUR)
    assert agenda.look(NOON + 5) is None
    assert agenda.due == NOON + HOUR


def test_a_restart_with_a_clock_put_back_a_little_repeats_nothing() -> None:
    assert Agenda(HOURLY, NOON - 10, last_run=NOON).due == NOON + HOUR


def test_a_last_run_of_a_clock_that_was_far_ahead_does_not_count() -> None:
    assert Agenda(HOURLY, NOON - 10, last_run=NOON + 24 * HOUR).due == NOON


@given(st.lists(st.floats(0.01, 4 * HOUR), min_size=1, max_size=50))
def test_a_clock_that_goes_forward_in_any_steps_gives_no_burst(steps: list[float]) -> None:
    """At most one run a reading, each in order, none before its moment, none that has long passed."""
    agenda, now, runs = Agenda(HOURLY, NOON), NOON, []
    for step in steps:
        now += step
        run = agenda.look(now)
        assert agenda.due > now
        if run and not run.missed:
            assert 0 <= now - run.due <= LATEST_SECONDS
            runs.append(run.due)
    assert runs == sorted(set(runs))


@given(st.lists(st.floats(-LATEST_SECONDS, 2 * HOUR), min_size=1, max_size=50))
def test_a_clock_that_is_put_back_a_little_gives_no_moment_twice(steps: list[float]) -> None:
    """Steps back are from the furthest reading, as a clock that is kept in time makes them."""
    agenda, furthest, dues = Agenda(HOURLY, NOON), NOON, []
    for step in steps:
        if run := agenda.look(furthest + step):
            dues.append(run.due)
        furthest = max(furthest, furthest + step)
    assert len(dues) == len(set(dues))
