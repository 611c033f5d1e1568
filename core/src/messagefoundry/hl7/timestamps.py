"""Points in time (DTM and TS, HL7 v2.5.1 §2.A.22 and §2.A.77): text to and from datetime, with zones.

The format is `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`, and how many digits there are is how precise it is.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone, tzinfo
from enum import IntEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from messagefoundry.hl7.values import Text, has_value

if TYPE_CHECKING:
    from messagefoundry.message import Access

Zone = str | tzinfo
"""A time zone: its IANA name, such as "Europe/Paris", or Python's object."""


class Precision(IntEnum):
    """How precise a point in time is: the number of its digits, those of the zone offset left out."""

    YEAR = 4
    MONTH = 6
    DAY = 8
    HOUR = 10
    MINUTE = 12
    SECOND = 14
    TENTH = 15
    HUNDREDTH = 16
    MILLISECOND = 17
    TENTH_OF_MILLISECOND = 18


_FORMAT: Final = re.compile(
    r"(?P<digits>[0-9]{4}(?:[0-9]{2}){0,5})(?:(?<=[0-9]{14})\.(?P<fraction>[0-9]{1,4}))?"
    r"(?P<offset>[+-][0-9]{4})?(?:\^(?P<degree>[YLDHMS])?)?"
)
_DEGREES: Final = {
    "Y": Precision.YEAR,
    "L": Precision.MONTH,
    "D": Precision.DAY,
    "H": Precision.HOUR,
    "M": Precision.MINUTE,
    "S": Precision.SECOND,
}
"""TS.2, the degree of precision of messages before v2.3 (table 0529)."""

_LARGEST_OFFSET: Final = timedelta(hours=14)


def precision_of(text: str | None) -> Precision | None:
    """How precise a point in time is; None where there is no value. A degree of precision (TS.2) may lower it.

    ValueError when `text` is not a DTM.

    >>> precision_of("197004"), precision_of("20260111093012.25-0500"), precision_of("202601110930^D")
    (<Precision.MONTH: 6>, <Precision.HUNDREDTH: 16>, <Precision.DAY: 8>)
    """
    return _precision(_matched(text)) if has_value(text) else None


def read_timestamp(text: str | None, *, zone: Zone | None = None) -> datetime | None:
    """The point in time that `text` says, None where it has no value; a part that it leaves out is the first one.

    With a zone offset the result has that offset. Without one it has `zone`, the sender's (see `sender_zone`), or none:
    then it is naive. A local time that `zone` has twice, when clocks are put back, is the first of the two.
    ValueError when `text` is not a DTM, names a day or hour that there is not, or `zone` is unknown.

    >>> read_timestamp("20260111093012.25-0500").isoformat()
    '2026-01-11T09:30:12.250000-05:00'
    >>> read_timestamp("202607110930", zone="Europe/Paris").isoformat()
    '2026-07-11T09:30:00+02:00'
    >>> read_timestamp("1970")
    datetime.datetime(1970, 1, 1, 0, 0)
    >>> read_timestamp('""')
    """
    if not has_value(text):
        return None
    found = _matched(text)
    moment = datetime.fromisoformat(_iso(found))
    offset = found["offset"]
    if offset:
        return moment.replace(tzinfo=_fixed(offset))
    return moment if zone is None else moment.replace(tzinfo=_known(zone))


def read_date(text: str | None) -> date | None:
    """The day that `text` says, as it is written, whatever the zone; None where it has no value.

    ValueError when `text` is not a DTM, or is not precise to the day: a year alone is no date.

    >>> read_date("19700417"), read_date("202601112330-0500")
    (datetime.date(1970, 4, 17), datetime.date(2026, 1, 11))
    """
    precision = precision_of(text)
    moment = read_timestamp(text)
    if precision is None or moment is None:
        return None
    if precision < Precision.DAY:
        raise ValueError("a date is needed to the day, and year or month alone is given")
    return moment.date()


def write_timestamp(
    moment: date, precision: Precision | None = None, *, zone: Zone | None = None, offset: bool = True
) -> str:
    """A date or datetime as a DTM, by default to the day or to the second; what is finer is cut off, never rounded.

    A datetime with a zone is written with its offset, in `zone` if that is given; `offset=False` leaves the offset out.
    A date, and what is cut to the day, never has an offset. ValueError for a date that is wanted more precise than the
    day, and for a datetime without a zone that is wanted in another.

    >>> write_timestamp(datetime(2026, 1, 11, 9, 30, 12, 250_000), Precision.MILLISECOND)
    '20260111093012.250'
    >>> write_timestamp(read_timestamp("202607110930", zone="Europe/Paris"), zone="America/New_York")
    '20260711033000-0400'
    >>> write_timestamp(date(1970, 4, 17))
    '19700417'
    """
    if not isinstance(moment, datetime):
        return _written_date(moment, precision or Precision.DAY)
    if zone is not None:
        moment = _moved(moment, _known(zone))
    precision = precision or Precision.SECOND
    text = _digits(moment.replace(tzinfo=None), precision)
    return text + (_offset_of(moment) if offset and precision > Precision.DAY else "")


def in_zone(text: Text, to: Zone, *, zone: Zone | None = None, offset: bool = True) -> Text:
    """The same point in time in another zone, as precise as it was; without a value `text` as it is.

    `zone` is the one of a time without an offset. A date (the day, month or year alone) is the same everywhere: it
    stays as it is, so that a date of birth never moves. An hour that moves by half an hour is written to the minute.
    ValueError when `text` is not a DTM, or has a time without an offset and `zone` is not given.

    >>> in_zone("20260111093012.25-0500", "UTC")
    '20260111143012.25+0000'
    >>> in_zone("202601110930", "America/New_York", zone="Europe/Paris", offset=False)
    '202601110330'
    >>> in_zone("19700417", "Asia/Tokyo", zone="Europe/Paris")
    '19700417'
    """
    precision = precision_of(text)
    moment = read_timestamp(text, zone=zone)
    if precision is None or moment is None or precision <= Precision.DAY:
        return text
    moved = _moved(moment, _known(to))
    finest = max(precision, Precision.MINUTE) if moved.minute != moment.minute else precision
    return write_timestamp(moved, finest, offset=offset)


def sender_zone(message: Access) -> tzinfo | None:
    """The zone offset of MSH-7, which holds for every time of a message that has none of its own; None without one.

    ValueError when MSH-7 is not a DTM.

    >>> from messagefoundry.message import Message
    >>> message = Message.parse(r"MSH|^~\\&|ADT|WARD|||202601110930-0500||ADT^A01|1|T|2.5.1")
    >>> read_timestamp("202601110800", zone=sender_zone(message)).isoformat()
    '2026-01-11T08:00:00-05:00'
    """
    moment = read_timestamp(message["MSH-7.1"])
    return None if moment is None else moment.tzinfo


def _matched(text: str) -> re.Match[str]:
    found = _FORMAT.fullmatch(text)
    if found is None:
        raise ValueError("a point in time is YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ] in digits")
    return found


def _precision(found: re.Match[str]) -> Precision:
    written = Precision(len(found["digits"]) + len(found["fraction"] or ""))
    return min(written, _DEGREES.get(found["degree"], written))


def _iso(found: re.Match[str]) -> str:
    """The ISO 8601 form, from the first of January of that year on; checked as far as it goes."""
    digits, fraction = found["digits"], found["fraction"] or ""
    year, month, day, hour, minute, second = (digits[start:end] for start, end in _PARTS)
    if year == "0000":
        raise ValueError("the year is 0001 to 9999")
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        raise ValueError("the month is 01 to 12, and the day one that the month has") from None
    if hour > "23" or minute > "59" or second > "59":
        raise ValueError("the hour is 00 to 23, minutes and seconds are 00 to 59")
    return f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}.{fraction:0<6}"


_PARTS: Final = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))


def _fixed(offset: str) -> timezone:
    distance = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
    if distance > _LARGEST_OFFSET or offset[3:] > "59":
        raise ValueError("the zone offset is +HHMM or -HHMM, up to 14 hours")
    return timezone(-distance if offset[0] == "-" else distance)


def _known(zone: Zone) -> tzinfo:
    if isinstance(zone, tzinfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError("the zone is not one that this machine knows by name, such as 'Europe/Paris'") from None


def _moved(moment: datetime, zone: tzinfo) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the time has no zone offset: say with zone= which zone it is of")
    try:
        return moment.astimezone(zone)
    except OverflowError:
        raise ValueError("in that zone the year is not 0001 to 9999") from None


def _written_date(day: date, precision: Precision) -> str:
    if precision > Precision.DAY:
        raise ValueError("a date has no time of day: it is written to the day at most")
    return day.isoformat().replace("-", "")[:precision]


def _digits(moment: datetime, precision: Precision) -> str:
    whole = moment.isoformat(timespec="seconds").translate(_SEPARATORS)
    fraction = f".{moment.microsecond:06d}"[: precision - Precision.SECOND + 1] if precision > Precision.SECOND else ""
    return whole[:precision] + fraction


_SEPARATORS: Final = str.maketrans("", "", "-:T")


def _offset_of(moment: datetime) -> str:
    """The offset to the minute: before 1900 the offsets of zones have seconds, which the standard cannot write."""
    distance = moment.utcoffset()
    if distance is None:
        return ""
    minutes = round(distance / timedelta(minutes=1))
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
