"""When a cron expression comes next, across changes of clocks."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry_timer.cron import Cron, CronError, ZoneError, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = timedelta(minutes=1)

# A few days around a change: of the spring, of the autumn, of half an hour, and a day that never was.
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29)),
    ("Europe/Berlin", datetime(2026, 10, 25)),
    ("America/New_York", datetime(2026, 3, 8)),
    ("America/New_York", datetime(2026, 11, 1)),
    ("Australia/Lord_Howe", datetime(2026, 10, 4)),
    ("Australia/Lord_Howe", datetime(2026, 4, 5)),
    ("Pacific/Apia", datetime(2011, 12, 30)),
    ("UTC", datetime(2026, 3, 29)),
]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def runs(expression: str, zone: str, start: str, count: int) -> list[str]:
    """The first runs after a moment, as they are written in the zone."""
    cron, moment, found = Cron.parse(expression, ZoneInfo(zone)), seconds(start), []
    for _ in range(count):
        moment = cron.after(moment)
        found.append(datetime.fromtimestamp(moment, ZoneInfo(zone)).isoformat(" ", "minutes"))
    return found


@pytest.mark.parametrize(
    ("expression", "zone", "start", "wanted"),
    [
        # 02:00 to 03:00 is skipped
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00Z",
            ["2026-03-29 03:00+02:00", "2026-03-30 02:30+02:00"],
        ),
        ("0,30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00Z", ["2026-03-29 03:00+02:00", "2026-03-29 03:30+02:00"]),
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:30Z", ["2026-03-29 03:00+02:00", "2026-03-29 03:30+02:00"]),
        # 02:00 to 03:00 comes twice
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00Z",
            ["2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00"],
        ),
        (
            "*/30 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:00Z",
            ["2026-10-25 02:30+02:00", "2026-10-25 03:00+01:00"],
        ),
        # begun inside the second of the doubled hours
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10Z", ["2026-10-26 02:30+01:00"]),
        ("30 1 * * *", "America/New_York", "2026-11-01T05:29Z", ["2026-11-01 01:30-04:00", "2026-11-02 01:30-05:00"]),
        ("15 2 * * *", "America/New_York", "2026-03-08T05:00Z", ["2026-03-08 03:00-04:00", "2026-03-09 02:15-04:00"]),
        # half an hour
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00Z",
            ["2026-10-04 02:30+11:00", "2026-10-05 02:15+11:00"],
        ),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T12:00Z",
            ["2026-04-05 01:45+11:00", "2026-04-06 01:45+10:30"],
        ),
        # 30 December 2011 was not
        ("0 12 * * *", "Pacific/Apia", "2011-12-29T12:00Z", ["2011-12-29 12:00-10:00", "2011-12-31 00:00+14:00"]),
        ("* * 30 12 *", "Pacific/Apia", "2011-12-29T12:00Z", ["2011-12-31 00:00+14:00", "2012-12-30 00:00+14:00"]),
        ("0 6 * * MON-FRI", "UTC", "2026-11-20T12:00Z", ["2026-11-23 06:00+00:00", "2026-11-24 06:00+00:00"]),
    ],
)
def test_the_next_runs(expression: str, zone: str, start: str, wanted: list[str]) -> None:
    assert runs(expression, zone, start, len(wanted)) == wanted


# -- any expression of minutes and hours, minute by minute ------------------------------------------------------------


def minutes_of(zone: ZoneInfo, around: datetime) -> Iterator[tuple[float, datetime]]:
    """Every minute that really comes, in three days, with what it is on the wall."""
    moment = (around.replace(tzinfo=UTC) - timedelta(hours=36)).timestamp()
    for _ in range(72 * 60):
        yield moment, datetime.fromtimestamp(moment, zone).replace(tzinfo=None)
        moment += 60


def expected(hours: set[int], minutes: set[int], zone: ZoneInfo, around: datetime) -> list[float]:
    """Walks the clock: each new time on the wall is looked at once, with those that the clock jumped over."""
    found: list[float] = []
    furthest: datetime | None = None
    for moment, wall in minutes_of(zone, around):
        local = wall if furthest is None else furthest + MINUTE
        while local <= wall:
            if local.hour in hours and local.minute in minutes and (not found or found[-1] != moment):
                found.append(moment)
            local += MINUTE
        furthest = wall if furthest is None else max(furthest, wall)
    return found


def listed(values: set[int]) -> str:
    return ",".join(map(str, sorted(values)))


@given(
    st.sampled_from(CHANGES),
    st.sets(st.integers(0, 23), min_size=1, max_size=6),
    st.sets(st.integers(0, 59), min_size=1, max_size=5),
)
def test_every_local_time_comes_once_and_a_skipped_one_right_after(
    change: tuple[str, datetime], hours: set[int], minutes: set[int]
) -> None:
    zone = ZoneInfo(change[0])
    wanted = expected(hours, minutes, zone, change[1])
    cron = Cron.parse(f"{listed(minutes)} {listed(hours)} * * *", zone)
    start = next(minutes_of(zone, change[1]))[0]
    moment, found = start - 60, []
    while (moment := cron.after(moment)) < start + 72 * 3600:
        found.append(moment)
    assert found == wanted


@given(
    st.sampled_from(CHANGES),
    st.integers(-36 * 3600, 36 * 3600),
    st.sampled_from(["* * * * *", "*/7 * * * *", "15 2 * * *", "30 1,2 * * *", "0 0 * * *", "0 12 L * *"]),
    st.floats(0, 1),
)
def test_from_any_moment_the_next_is_the_first_of_those_that_follow(
    change: tuple[str, datetime], offset: int, expression: str, part: float
) -> None:
    """Whoever asks in between gets the same answer: nothing is passed over, whenever an engine starts."""
    cron = Cron.parse(expression, ZoneInfo(change[0]))
    moment = change[1].replace(tzinfo=UTC).timestamp() + offset
    found = cron.after(moment)
    assert found > moment
    between = moment + (found - moment) * part
    assert cron.after(between) == found or between >= found
    assert datetime.fromtimestamp(found, cron.zone).second == 0


def test_without_a_zone_the_machine_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        cron = Cron.parse("30 2 * * *")
        assert cron.after(seconds("2026-03-28T12:00Z")) == seconds("2026-03-29T03:00+02:00")
        assert cron.after(seconds("2026-10-24T12:00Z")) == seconds("2026-10-25T02:30+02:00")
        assert cron.after(seconds("2026-10-25T00:30Z")) == seconds("2026-10-26T02:30+01:00")
        assert cron.shown(seconds("2026-07-01T10:00Z")) == "2026-07-01 12:00:00+02:00"
    finally:
        monkeypatch.undo()
        time.tzset()


# -- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "must have five fields"),
        ("@daily", "must have five fields"),
        ("0 0 3 * * *", "must have five fields"),
        ("60 * * * *", "has a bad minute"),
        ("0 24 * * *", "has a bad hour"),
        ("0 0 32 * *", "has a bad day-of-month"),
        ("0 0 31 2 *", "has a bad day-of-month"),
        ("0 0 * 13 *", "has a bad month"),
        ("0 0 * * FOO", "has a bad day-of-week"),
        ("0 0 31 4 */2", "has a bad day-of-month"),
        ("0 0 1 2 */7#5", "has a bad day-of-week"),
    ],
)
def test_an_expression_that_cannot_be(expression: str, said: str) -> None:
    with pytest.raises(CronError, match=said):
        Cron.parse(expression)


@given(st.lists(st.text("0123456789*/,-#LWMONabc٣²", min_size=1, max_size=8), min_size=5, max_size=5).map(" ".join))
def test_an_expression_is_used_or_refused(expression: str) -> None:
    try:
        cron = Cron.parse(expression, ZoneInfo("UTC"))
    except CronError:
        return
    assert 0 < cron.after(0) < math.inf


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "Europe", "/etc/passwd", "../zone", "A\0B", "\ud800"])
def test_a_zone_that_is_none(name: str) -> None:
    with pytest.raises(ZoneError):
        zone_of(name)
