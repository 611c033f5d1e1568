from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.hl7 import (
    Precision,
    in_zone,
    precision_of,
    read_date,
    read_timestamp,
    sender_zone,
    write_timestamp,
)
from messagefoundry.message import Message

FORMAT = "a point in time is"
DAY = "the month is"
TIME = "the hour is"
OFFSET = "the zone offset is"

ZONES = ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati"]
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31))
precisions = st.sampled_from(Precision)


@pytest.mark.parametrize(
    ("text", "precision", "moment"),
    [
        ("1970", Precision.YEAR, datetime(1970, 1, 1)),
        ("197004", Precision.MONTH, datetime(1970, 4, 1)),
        ("19700417", Precision.DAY, datetime(1970, 4, 17)),
        ("1970041709", Precision.HOUR, datetime(1970, 4, 17, 9)),
        ("197004170905", Precision.MINUTE, datetime(1970, 4, 17, 9, 5)),
        ("19700417090501", Precision.SECOND, datetime(1970, 4, 17, 9, 5, 1)),
        ("19700417090501.5", Precision.TENTH, datetime(1970, 4, 17, 9, 5, 1, 500_000)),
        ("19700417090501.05", Precision.HUNDREDTH, datetime(1970, 4, 17, 9, 5, 1, 50_000)),
        ("19700417090501.005", Precision.MILLISECOND, datetime(1970, 4, 17, 9, 5, 1, 5_000)),
        ("19700417090501.0005", Precision.TENTH_OF_MILLISECOND, datetime(1970, 4, 17, 9, 5, 1, 500)),
        ("20240229", Precision.DAY, datetime(2024, 2, 29)),
        ("00010101", Precision.DAY, datetime(1, 1, 1)),
        ("197004170905^D", Precision.DAY, datetime(1970, 4, 17, 9, 5)),
        ("1970^S", Precision.YEAR, datetime(1970, 1, 1)),
        ("19700417^", Precision.DAY, datetime(1970, 4, 17)),
    ],
)
def test_every_precision(text: str, precision: Precision, moment: datetime) -> None:
    assert precision_of(text) == precision
    assert read_timestamp(text) == moment


@pytest.mark.parametrize(
    ("text", "offset"),
    [("+0000", 0), ("-0000", 0), ("+0530", 330), ("-0330", -210), ("+1400", 840), ("-1200", -720), ("+0001", 1)],
)
@pytest.mark.parametrize("digits", ["2026", "20260111", "202601110930", "20260111093012.25"])
def test_an_offset_may_follow_every_precision(digits: str, text: str, offset: int) -> None:
    moment = read_timestamp(digits + text)
    assert moment is not None
    assert moment.utcoffset() == timedelta(minutes=offset)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("26", FORMAT),
        ("202", FORMAT),
        ("20261", FORMAT),
        ("2026-01-11", FORMAT),
        ("20260111T0930", FORMAT),
        ("2026011109301", FORMAT),
        ("202601110930.5", FORMAT),
        ("20260111.5", FORMAT),
        ("20260111093012.", FORMAT),
        ("20260111093012.12345", FORMAT),
        ("20260111+01", FORMAT),
        ("20260111 ", FORMAT),
        ("20260111\n", FORMAT),
        ("\uff12\uff10\uff12\uff16", FORMAT),
        ("20260111^X", FORMAT),
        ("0000", "the year is"),
        ("202600", DAY),
        ("202613", DAY),
        ("20260100", DAY),
        ("20250229", DAY),
        ("20260431", DAY),
        ("2026011124", TIME),
        ("202601110960", TIME),
        ("20260111093060", TIME),
        ("20260111+1401", OFFSET),
        ("20260111-1500", OFFSET),
        ("20260111+0160", OFFSET),
        ("20260111+9900", OFFSET),
    ],
)
def test_what_is_no_point_in_time_is_refused_by_the_rule_without_the_text(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule) as refusal:
        read_timestamp(text)
    assert text not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("text", [None, "", '""'])
def test_without_a_value_there_is_nothing_to_read(text: str | None) -> None:
    assert read_timestamp(text) is None
    assert read_date(text) is None
    assert precision_of(text) is None
    assert in_zone(text, "UTC") == text


@given(text=st.text(alphabet="0123456789+-.^YLDHMS ", max_size=26) | st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        moment = read_timestamp(text)
    except ValueError:
        return
    assert moment is None or isinstance(moment, datetime)


@given(moment=moments | st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=offsets), precision=precisions)
def test_what_is_written_is_read_again(moment: datetime, precision: Precision) -> None:
    text = write_timestamp(moment, precision)
    again = read_timestamp(text)
    assert precision_of(text) == precision
    assert again is not None
    assert write_timestamp(again, precision) == text
    assert again.replace(tzinfo=None) <= moment.replace(tzinfo=None), "cut off, never rounded"
    assert (again.tzinfo is not None) == (moment.tzinfo is not None and precision > Precision.DAY)


@given(
    moment=st.datetimes(datetime(1901, 1, 1), datetime(2037, 1, 1), timezones=st.sampled_from(ZONES).map(ZoneInfo)),
    to=st.sampled_from(ZONES),
)
def test_another_zone_is_the_same_point_in_time(moment: datetime, to: str) -> None:
    text = write_timestamp(moment, Precision.TENTH_OF_MILLISECOND)
    moved = in_zone(text, to)
    first, second = read_timestamp(text), read_timestamp(moved)
    assert first is not None
    assert second is not None
    assert abs(first - second) < timedelta(minutes=1), "an offset has no seconds"
    assert in_zone(moved, "UTC") == in_zone(text, "UTC") or first != second


@pytest.mark.parametrize("text", ["1970", "197004", "19700417", "19700417+1400", "197004170905^D"])
@pytest.mark.parametrize("to", ZONES)
def test_a_date_never_moves(text: str, to: str) -> None:
    assert in_zone(text, to, zone="America/New_York") == text


def test_the_precision_stays_unless_the_hour_moves_by_less_than_one() -> None:
    assert in_zone("2026011112+0000", "Europe/Paris") == "2026011113+0100"
    assert in_zone("2026011112+0000", "Asia/Kolkata") == "202601111730+0530"
    assert in_zone("20260111120000.5+0000", "Asia/Kolkata") == "20260111173000.5+0530"


def test_summer_time_is_that_of_the_day() -> None:
    assert in_zone("202603290059", "UTC", zone="Europe/Paris") == "202603282359+0000"
    assert in_zone("202603290300", "UTC", zone="Europe/Paris") == "202603290100+0000"
    assert in_zone("202610250230", "UTC", zone="Europe/Paris") == "202610250030+0000", "the first of the two"


def test_an_offset_wins_over_the_zone_of_the_sender() -> None:
    moment = read_timestamp("202601110930+0500", zone="America/New_York")
    assert moment == datetime(2026, 1, 11, 4, 30, tzinfo=UTC)


def test_a_time_of_no_zone_does_not_move() -> None:
    with pytest.raises(ValueError, match="has no zone offset"):
        in_zone("202601110930", "UTC")
    with pytest.raises(ValueError, match="has no zone offset"):
        write_timestamp(datetime(2026, 1, 11), zone="UTC")


@pytest.mark.parametrize("zone", ["Europe/Pariz", "", "../etc/passwd", "/etc/passwd", "Europe", "a\0b"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="not one that this machine knows"):
        read_timestamp("20260111", zone=zone)


@pytest.mark.parametrize(("text", "to"), [("000101010000+1400", "UTC"), ("999912312359-1200", "UTC")])
def test_no_zone_leads_out_of_the_calendar(text: str, to: str) -> None:
    with pytest.raises(ValueError, match="the year is not 0001 to 9999"):
        in_zone(text, to)


def test_a_date_has_no_time_and_no_offset() -> None:
    assert write_timestamp(date(2026, 1, 1), Precision.MONTH) == "202601"
    assert write_timestamp(datetime(2026, 1, 1, 23, tzinfo=UTC), Precision.DAY) == "20260101"
    with pytest.raises(ValueError, match="a date has no time of day"):
        write_timestamp(date(2026, 1, 1), Precision.HOUR)


def test_a_year_alone_is_no_date() -> None:
    assert read_date("19700417230000-0500") == date(1970, 4, 17), "the day as it is written"
    for text in ("1970", "197004", "197004170905^L"):
        with pytest.raises(ValueError, match="needed to the day"):
            read_date(text)


def test_the_zone_of_a_sender_is_that_of_msh_7() -> None:
    for written, expected in (
        ("20260111-0500", timezone(-timedelta(hours=5))),
        ("20260111", None),
        ("", None),
        ("20260111+0100^S", timezone(timedelta(hours=1))),
    ):
        assert sender_zone(Message.parse(f"MSH|^~\\&|A|B|||{written}||ADT^A01|1|T|2.5.1")) == expected


def test_a_zone_of_long_ago_is_written_to_the_minute() -> None:
    moment = datetime(1890, 1, 1, tzinfo=ZoneInfo("Europe/Paris"))
    assert moment.utcoffset() == timedelta(seconds=561)
    assert write_timestamp(moment) == "18900101000000+0009"
