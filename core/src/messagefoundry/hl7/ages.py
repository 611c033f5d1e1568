"""Ages and durations. A day is the one that is written: neither zones nor summer time move it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, overload

from messagefoundry.hl7.timestamps import Precision, precision_of, read_date, read_timestamp

if TYPE_CHECKING:
    from messagefoundry.hl7.timestamps import Zone


@dataclass(frozen=True, slots=True)
class Age:
    """Complete years, the complete months beyond them, and the days beyond those; `total_days` are all of them.

    As text it is what a report shows, in the manner of the NHS CUI patient banner: days up to four weeks, weeks up to
    a year, months up to two years, years and months up to eighteen, then years.

    >>> str(Age(0, 0, 12, 12)), str(Age(0, 2, 1, 60)), str(Age(1, 1, 8, 404)), str(Age(4, 3, 2, 1553))
    ('12d', '8w 4d', '13m 8d', '4y 3m')
    """

    years: int
    months: int
    days: int
    total_days: int

    def __str__(self) -> str:
        if self.years >= 18:
            return f"{self.years}y"
        if self.years >= 2:
            return f"{self.years}y {self.months}m"
        if self.years >= 1:
            return f"{12 + self.months}m {self.days}d"
        weeks, days = divmod(self.total_days, 7)
        return f"{weeks}w {days}d" if weeks >= 4 else f"{self.total_days}d"


@overload
def age(born: date, at: date) -> Age: ...


@overload
def age(born: date | str | None, at: date | str | None) -> Age | None: ...


def age(born: date | str | None, at: date | str | None) -> Age | None:
    """The age on the day `at` of somebody born on the day `born`; None when one of the two has no value.

    Both are dates or DTMs that are precise to the day; for `at` take a time of the message, never today's date, so
    that the Handler gives the same when it runs again. Where a month has no such day, a month or year is complete on
    the first of the next one: who was born on 29 February is a year older on 1 March, in a leap year on 29 February.
    ValueError when one is not a DTM or not precise to the day, or `at` lies before `born`.

    >>> age("19700417", "202601110930")
    Age(years=55, months=8, days=25, total_days=20358)
    >>> str(age("20251228", "20260111"))
    '14d'
    >>> age("20240229", "20250228").years, age("20240229", "20250301").years
    (0, 1)
    """
    first, last = _day(born), _day(at)
    if first is None or last is None:
        return None
    if last < first:
        raise ValueError("an age is asked for on a day before the date of birth")
    whole = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    years, months = divmod(whole, 12)
    return Age(years, months, (last - _anniversary(first, whole)).days, (last - first).days)


@overload
def length_of_stay(admitted: date, discharged: date) -> int: ...


@overload
def length_of_stay(admitted: date | str | None, discharged: date | str | None) -> int | None: ...


def length_of_stay(admitted: date | str | None, discharged: date | str | None) -> int | None:
    """The nights between admission (PV1-44) and discharge (PV1-45), 0 for the same day; None without one of the two.

    The day of discharge is not counted, as in hospital statistics. ValueError when one is not a DTM or not precise to
    the day, or the discharge lies before the admission.

    >>> length_of_stay("202603282330+0100", "202603291100+0200")
    1
    >>> length_of_stay("20260111", None)
    """
    first, last = _day(admitted), _day(discharged)
    if first is None or last is None:
        return None
    if last < first:
        raise ValueError("the discharge lies before the admission")
    return (last - first).days


@overload
def elapsed(start: datetime, end: datetime, *, zone: Zone | None = None) -> timedelta: ...


@overload
def elapsed(
    start: datetime | str | None, end: datetime | str | None, *, zone: Zone | None = None
) -> timedelta | None: ...


def elapsed(start: datetime | str | None, end: datetime | str | None, *, zone: Zone | None = None) -> timedelta | None:
    """The time that really went by between two points in time, across a change of clocks too; None without one of them.

    `zone` is the one of a time without an offset. ValueError when one is not a DTM or not precise to the hour, or only
    one of the two has a zone.

    >>> elapsed("202603290130", "202603290430", zone="Europe/Paris")
    datetime.timedelta(seconds=7200)
    """
    first, last = _moment(start, zone), _moment(end, zone)
    if first is None or last is None:
        return None
    if (first.tzinfo is None) != (last.tzinfo is None):
        raise ValueError("one of the two times has a zone and the other has none: say with zone= which one it is of")
    return last - first if first.tzinfo is None else last.astimezone(UTC) - first.astimezone(UTC)


def _day(moment: date | str | None) -> date | None:
    if isinstance(moment, datetime):
        return moment.date()
    return moment if isinstance(moment, date) else read_date(moment)


def _moment(moment: datetime | str | None, zone: Zone | None) -> datetime | None:
    if isinstance(moment, datetime):
        return moment
    precision = precision_of(moment)
    if precision is not None and precision < Precision.HOUR:
        raise ValueError("a time is needed to the hour, and a day, month or year alone is given")
    return read_timestamp(moment, zone=zone)


def _anniversary(first: date, months: int) -> date:
    """The day on which so many months are complete."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    try:
        return date(year, month + 1, first.day)
    except ValueError:
        return date(year, month + 2, 1)
