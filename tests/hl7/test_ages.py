from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.hl7 import Age, age, elapsed, length_of_stay

days = st.dates(date(1880, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("born", "at", "expected"),
    [
        ("20260111", "20260111", (0, 0, 0, 0)),
        ("20260111", "20270110", (0, 11, 30, 364)),
        ("20260111", "20270111", (1, 0, 0, 365)),
        ("20260131", "20260228", (0, 0, 28, 28)),
        ("20260131", "20260301", (0, 1, 0, 29)),
        ("20260131", "20260330", (0, 1, 29, 58)),
        ("20260131", "20260331", (0, 2, 0, 59)),
        ("20240131", "20240229", (0, 0, 29, 29)),
        ("20240229", "20250228", (0, 11, 30, 365)),
        ("20240229", "20250301", (1, 0, 0, 366)),
        ("20240229", "20280228", (3, 11, 30, 1460)),
        ("20240229", "20280229", (4, 0, 0, 1461)),
        ("20251231", "20260101", (0, 0, 1, 1)),
    ],
)
def test_complete_years_months_and_days(born: str, at: str, expected: tuple[int, int, int, int]) -> None:
    assert age(born, at) == Age(*expected)


@pytest.mark.parametrize(
    ("born", "shown"),
    [
        ("20260111", "0d"),
        ("20251215", "27d"),
        ("20251214", "4w 0d"),
        ("20250112", "52w 0d"),
        ("20250111", "12m 0d"),
        ("20240112", "23m 30d"),
        ("20240111", "2y 0m"),
        ("20080112", "17y 11m"),
        ("20080111", "18y"),
        ("19260111", "100y"),
    ],
)
def test_what_a_report_shows(born: str, shown: str) -> None:
    assert str(age(born, "20260111")) == shown


@given(first=days, second=days)
def test_an_age_leads_from_birth_to_the_day(first: date, second: date) -> None:
    born, at = sorted((first, second))
    here = age(born, at)
    assert 0 <= here.months < 12
    assert 0 <= here.days <= 31
    assert here.total_days == (at - born).days
    same_day = (at.month, at.day) >= (born.month, born.day)
    assert here.years == at.year - born.year - (not same_day)


@given(born=days, at=st.dates(date(1880, 1, 1), date(2100, 12, 30)))
def test_a_day_later_nobody_is_younger(born: date, at: date) -> None:
    if at < born:
        born, at = at, born
    today, tomorrow = age(born, at), age(born, at + timedelta(days=1))
    assert (today.years, today.months, today.days) < (tomorrow.years, tomorrow.months, tomorrow.days)


def test_dates_and_texts_are_the_same() -> None:
    told = age("20200229", "202603291030+0200")
    assert told == age(date(2020, 2, 29), datetime(2026, 3, 29, 10, 30, tzinfo=ZoneInfo("Europe/Paris")))


@pytest.mark.parametrize("absent", [None, "", '""'])
def test_without_a_value_there_is_no_age_and_no_stay(absent: str | None) -> None:
    assert age(absent, "20260101") is None
    assert age("20260101", absent) is None
    assert length_of_stay("20260101", absent) is None
    assert elapsed(absent, "2026010109") is None


def test_a_birth_to_come_and_a_year_alone_are_refused_without_the_dates() -> None:
    with pytest.raises(ValueError, match=r"^an age is asked for on a day before the date of birth$"):
        age("20260112", "20260111")
    with pytest.raises(ValueError, match="needed to the day"):
        age("1970", "20260111")
    with pytest.raises(ValueError, match=r"^the discharge lies before the admission$"):
        length_of_stay("20260112", "20260111")


@pytest.mark.parametrize(
    ("admitted", "discharged", "nights"),
    [
        ("202601110001", "202601112359", 0),
        ("202601112359", "202601120001", 1),
        ("202602280900", "202603010900", 1),
        ("202402280900", "202403010900", 2),
        ("202610242300+0200", "202610251100+0100", 1),
    ],
)
def test_a_stay_is_counted_in_nights(admitted: str, discharged: str, nights: int) -> None:
    assert length_of_stay(admitted, discharged) == nights


def test_a_night_of_changing_clocks_has_its_real_length() -> None:
    paris = ZoneInfo("Europe/Paris")
    evening, morning = datetime(2026, 3, 28, 20, tzinfo=paris), datetime(2026, 3, 29, 8, tzinfo=paris)
    assert elapsed(evening, morning) == timedelta(hours=11)
    assert elapsed("202610242000", "202610250800", zone="Europe/Paris") == timedelta(hours=13)
    assert elapsed("202601010800", "202601010700") == -timedelta(hours=1)


def test_times_are_compared_only_when_both_have_a_zone_or_none() -> None:
    with pytest.raises(ValueError, match="one of the two times has a zone"):
        elapsed("202601010800", "202601010900+0100")
    with pytest.raises(ValueError, match="needed to the hour"):
        elapsed("20260101", "202601010900")
