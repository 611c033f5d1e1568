"""Schedules: what a window is in moments, against a reference that looks at the wall clock minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from messagefoundry.wiring.schedule import DAY_MINUTES, EPOCH, Schedule, Window
from messagefoundry.wiring.schedule_form import schedule_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = 60_000_000
ALL_DAYS = tuple(range(7))

CHANGES = [
    ("Europe/Vienna", "2026-03-29"),  # 02:00 to 03:00 is skipped
    ("Europe/Vienna", "2026-10-25"),  # 02:00 to 03:00 comes twice
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),  # half an hour comes twice
    ("Australia/Lord_Howe", "2026-10-04"),  # half an hour is skipped
    ("Pacific/Chatham", "2026-04-05"),
    ("Africa/Casablanca", "2026-02-15"),
    ("Africa/Cairo", "2026-04-24"),  # midnight is skipped
    ("Africa/Cairo", "2026-10-30"),  # midnight comes twice
    ("America/Havana", "2026-11-01"),
    ("Pacific/Apia", "2011-12-30"),  # a day is skipped
    ("America/Caracas", "2016-05-01"),  # a zone moves for good
    ("Asia/Kathmandu", "2026-01-01"),
    ("UTC", "2026-01-01"),
]
"""Zones, and the day on which they change their clocks."""


def moment(text: str) -> int:
    """Microseconds since the epoch of ISO 8601 text with an offset."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def minutes_of(zone: str, first: int, count: int) -> Iterator[tuple[int, datetime]]:
    """Moments a minute apart, each with the latest time that the wall clock has shown until then.

    A clock that is put back shows nothing new until it has caught up: a time that comes twice counts once.
    """
    latest = datetime.min
    lead = 2 * DAY_MINUTES
    for at in range(first - lead * MINUTE, first + count * MINUTE, MINUTE):
        wall = (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        latest = max(latest, wall)
        if at >= first:
            yield at, latest


def is_open(schedule: Schedule, wall: datetime) -> bool:
    """Whether the windows hold a time on the wall."""
    minute = wall.hour * 60 + wall.minute
    inside = any(
        (wall.weekday() in window.days and window.start <= minute < window.end)
        or ((wall.weekday() - 1) % 7 in window.days and minute < window.end - DAY_MINUTES)
        for window in schedule.windows
    )
    return inside is not schedule.invert


def windows() -> st.SearchStrategy[Window]:
    """Windows, many of which begin or end where clocks change."""
    times = st.sampled_from([0, 30, 60, 90, 120, 135, 150, 165, 180, 210, 1380, 1410]) | st.integers(0, 1439)
    days = st.sets(st.integers(0, 6), min_size=1).map(lambda each: tuple(sorted(each)))
    return st.builds(
        lambda days, start, end: Window(days, start, end if end > start else end + DAY_MINUTES), days, times, times
    )


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CHANGES),
    st.lists(windows(), min_size=1, max_size=3),
    st.booleans(),
    st.integers(-DAY_MINUTES, DAY_MINUTES // 2),
)
@example(("Europe/Vienna", "2026-03-29"), [Window((6,), 120, 150)], False, 0)
@example(("Europe/Vienna", "2026-10-25"), [Window((6,), 150, 210), Window((5,), 1380, 1590)], True, 0)
@example(("Pacific/Apia", "2011-12-30"), [Window((3, 4), 1320, 1800)], False, 0)
@example(("Africa/Cairo", "2026-10-30"), [Window((3,), 1380, 1440)], False, -300)
@example(("Africa/Cairo", "2026-04-24"), [Window((4,), 0, 60)], False, -300)
def test_every_minute_is_as_the_wall_clock_says(
    change: tuple[str, str], chosen: list[Window], invert: bool, shift: int
) -> None:
    zone, day = change
    schedule = Schedule(zone, tuple(chosen), invert)
    first = moment(f"{day}T00:00+00:00") + shift * MINUTE
    expected = [(at, is_open(schedule, wall)) for at, wall in minutes_of(zone, first, 36 * 60)]
    sampled = expected[::7] + [pair for pair, after in pairwise(expected) if pair[1] != after[1]]
    assert [schedule.open_at(at) for at, _ in sampled] == [now for _, now in sampled]
    turns = [at for (_, before), (at, after) in pairwise(expected) if before != after]
    assert turns_of(schedule, first, expected[-1][0]) == turns


def turns_of(schedule: Schedule, first: int, last: int) -> list[int]:
    """Every change until the moment `last`, each found from the one before."""
    found = []
    at = schedule.next_change(first)
    while at is not None and at <= last:
        assert schedule.open_at(at) is not schedule.open_at(at - 1)
        found.append(at)
        at = schedule.next_change(at)
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([zone for zone, _ in CHANGES]),
    st.lists(windows(), min_size=1, max_size=3),
    st.booleans(),
    st.integers(moment("1975-01-01T00:00+00:00"), moment("2090-01-01T00:00+00:00")),
)
def test_nothing_changes_before_the_next_change(zone: str, chosen: list[Window], invert: bool, at: int) -> None:
    schedule = Schedule(zone, tuple(chosen), invert)
    found = schedule.next_change(at)
    until = at + 8 * DAY_MINUTES * MINUTE if found is None else found
    assert all(
        schedule.open_at(each) is schedule.open_at(at) for each in range(at, until, max(MINUTE, (until - at) // 50))
    )
    if found is not None:
        assert found > at
        assert schedule.open_at(found) is not schedule.open_at(at)


VIENNA_SPRING = [
    # window, open from, open until: 2026-03-29, when 02:00 +01:00 is 03:00 +02:00
    (("01:00", "02:30"), "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
    (("02:30", "04:00"), "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"),
    (("23:00", "02:30"), "2026-03-29T23:00+02:00", "2026-03-30T02:30+02:00"),
]
VIENNA_AUTUMN = [
    # 2026-10-25, when 03:00 +02:00 is 02:00 +01:00
    (("01:00", "02:30"), "2026-10-25T01:00+02:00", "2026-10-25T02:30+02:00"),
    (("02:30", "03:30"), "2026-10-25T02:30+02:00", "2026-10-25T03:30+01:00"),
    (("02:15", "02:45"), "2026-10-25T02:15+02:00", "2026-10-25T02:45+02:00"),
]


@pytest.mark.parametrize(("window", "opens", "closes"), [*VIENNA_SPRING, *VIENNA_AUTUMN])
def test_what_the_docstring_says_of_changes_of_clocks(window: tuple[str, str], opens: str, closes: str) -> None:
    schedule = schedule_of({"timezone": "Europe/Vienna", "days": [6], "start": window[0], "end": window[1]})
    assert schedule.next_change(moment(opens) - 30 * MINUTE) == moment(opens)
    assert schedule.next_change(moment(opens)) == moment(closes)
    week_later = schedule.next_change(moment(closes))
    assert week_later is not None
    assert week_later > moment(closes) + 6 * DAY_MINUTES * MINUTE


def test_a_window_that_is_skipped_does_not_open_that_day() -> None:
    schedule = schedule_of({"timezone": "Europe/Vienna", "days": [6], "start": "02:00", "end": "02:30"})
    assert schedule.next_change(moment("2026-03-29T01:00+01:00")) == moment("2026-04-05T02:00+02:00")


def test_a_window_past_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    schedule = schedule_of({"timezone": "UTC", "days": [4], "start": "22:00", "end": "06:00"})
    assert schedule.next_change(moment("2026-11-23T00:00+00:00")) == moment("2026-11-27T22:00+00:00")  # a Friday
    assert schedule.next_change(moment("2026-11-27T22:00+00:00")) == moment("2026-11-28T06:00+00:00")
    assert not schedule.open_at(moment("2026-11-27T05:00+00:00"))


def test_a_window_that_ends_as_it_starts_lasts_a_day() -> None:
    schedule = schedule_of({"timezone": "UTC", "days": [0], "start": "07:00", "end": "07:00"})
    assert schedule.next_change(moment("2026-11-23T07:00+00:00")) == moment("2026-11-24T07:00+00:00")


def test_windows_that_touch_are_one() -> None:
    days = [{"days": [day], "start": "00:00", "end": "24:00"} for day in range(5)]
    schedule = schedule_of({"timezone": "America/New_York", "windows": days})
    assert schedule.next_change(moment("2026-11-23T00:00-05:00")) == moment("2026-11-28T00:00-05:00")


@pytest.mark.parametrize("start", ["00:00", "07:00"])
def test_the_whole_week_never_changes(start: str) -> None:
    schedule = schedule_of({"timezone": "Europe/Vienna", "days": ALL_DAYS, "start": start, "end": start})
    assert schedule.next_change(moment("2026-03-01T00:00+01:00")) is None
    assert schedule.open_at(moment("2026-03-29T02:30+01:00"))


def test_all_but_one_hour_a_week_changes_in_the_week_after_clocks_skipped_it() -> None:
    hour = {"days": [6], "start": "02:00", "end": "03:00"}
    schedule = schedule_of({"timezone": "Europe/Vienna", "windows": [hour], "invert": True})
    assert schedule.next_change(moment("2026-03-23T00:00+01:00")) == moment("2026-04-05T02:00+02:00")
    assert schedule.next_change(moment("2026-10-25T01:00+02:00")) == moment("2026-10-25T02:00+02:00")
    assert schedule.next_change(moment("2026-10-25T02:00+02:00")) == moment("2026-10-25T03:00+01:00")


def test_a_moment_is_shown_as_the_wall_of_the_zone_shows_it() -> None:
    schedule = schedule_of({"timezone": "Europe/Vienna", "days": [0], "start": "07:00", "end": "19:00"})
    assert schedule.shown(moment("2026-11-23T06:00+00:00")) == "2026-11-23 07:00:00+01:00"
    assert datetime.fromisoformat(schedule.shown(0)) == datetime(1970, 1, 1, tzinfo=UTC)


def test_equal_schedules_are_equal_however_they_are_written() -> None:
    flat: dict[str, Any] = {"timezone": "UTC", "days": [1, 0, 1], "start": "7:00", "end": "24:00"}
    long = {"timezone": "UTC", "windows": [{"days": (0, 1), "start": "07:00", "end": "00:00"}], "invert": False}
    assert schedule_of(flat) == schedule_of(long)
    assert hash(schedule_of(flat)) == hash(schedule_of(long))
