from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.cli.times import clock, iso, lasting, moment, moment_of

HERE = timezone(timedelta(hours=1))
PRESENT = datetime(2026, 11, 22, 10, 15, 30, tzinfo=HERE)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2h", datetime(2026, 11, 22, 8, 15, 30, tzinfo=HERE)),
        ("90s", datetime(2026, 11, 22, 10, 14, tzinfo=HERE)),
        ("1.5h ago", datetime(2026, 11, 22, 8, 45, 30, tzinfo=HERE)),
        ("1w", datetime(2026, 11, 15, 10, 15, 30, tzinfo=HERE)),
        ("10:15", datetime(2026, 11, 22, 10, 15, tzinfo=HERE)),
        ("10:30", datetime(2026, 11, 21, 10, 30, tzinfo=HERE)),
        ("today", datetime(2026, 11, 22, tzinfo=HERE)),
        ("yesterday", datetime(2026, 11, 21, tzinfo=HERE)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=HERE)),
        ("2026-11-20T07:30", datetime(2026, 11, 20, 7, 30, tzinfo=HERE)),
        ("2026-11-20 07:30:00+00:00", datetime(2026, 11, 20, 8, 30, tzinfo=HERE)),
    ],
)
def test_times_as_people_write_them(text: str, meant: datetime) -> None:
    assert moment_of(text, PRESENT) == meant


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-13-01", "h", "-2h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the sentence is the option's
        moment_of(text, PRESENT)


@given(st.integers(min_value=0, max_value=10**15))
def test_a_duration_has_at_most_two_units_and_never_exceeds_what_it_is_of(microseconds: int) -> None:
    seconds = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
    parts = lasting(microseconds).split()
    assert len(parts) <= 2
    shown = sum(int(part[:-1]) * seconds[part[-1]] for part in parts)
    smallest = seconds[parts[-1][-1]]
    assert shown <= microseconds / 1_000_000 < shown + max(smallest, 60 * smallest if len(parts) == 1 else smallest)


@given(st.integers(min_value=10**6, max_value=4 * 10**15))
def test_moments_survive_the_way_to_a_program_and_back(microseconds: int) -> None:
    assert abs(moment(iso(microseconds)) - microseconds) < 1000


def test_no_moment_is_nothing() -> None:
    assert iso(0) is None
    assert clock(0) == ""
    assert moment(None) == 0
