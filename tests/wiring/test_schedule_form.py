"""Schedules, stall thresholds, flags and labels as authors write them: in Python, in connections.toml, and wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messagefoundry.wiring.schedule import Schedule, Window
from messagefoundry.wiring.schedule_form import ScheduleError, schedule_of
from messagefoundry.wiring.values import StallThreshold

if TYPE_CHECKING:
    from tests.wiring.conftest import Configuration

OFFICE = {"timezone": "Europe/Vienna", "days": [0, 1, 2, 3, 4], "start": "07:00", "end": "19:00"}
WINDOW = {"days": [0], "start": "07:00", "end": "19:00"}

WRONG: list[tuple[Any, str]] = [
    ([], "must be a dict with 'timezone', 'days', 'start' and 'end', or 'timezone' and 'windows'"),
    ({}, "needs 'days', such as [0, 1, 2, 3, 4]"),
    ({"days": [0], "start": "07:00"}, "needs 'end', such as '19:00'"),
    (WINDOW, "needs 'timezone', such as 'Europe/Vienna'"),
    ({**OFFICE, "zone": "UTC"}, "has no key 'zone': did you mean 'timezone'?"),
    ({**OFFICE, "day": [0]}, "has no key 'day': did you mean 'days'?"),
    ({**OFFICE, 3: [0]}, "has no key '3': known are days, end, invert, start, timezone, windows"),
    ({**OFFICE, "windows": [WINDOW]}, "has 'days' beside 'windows': write it into a window"),
    ({**OFFICE, "timezone": "Europe/Viena"}, "has 'timezone', which this machine does not know: did you mean "),
    ({**OFFICE, "timezone": "../etc/passwd"}, "has 'timezone', which this machine does not know"),
    ({**OFFICE, "timezone": ["UTC"]}, "has 'timezone', which must be text such as 'Europe/Vienna'"),
    ({**OFFICE, "days": []}, "has 'days', which must be a list of numbers from 0 for Monday to 6 for Sunday"),
    ({**OFFICE, "days": [7]}, "has 'days', which must be a list of numbers from 0 for Monday to 6 for Sunday"),
    ({**OFFICE, "days": [True]}, "has 'days', which must be a list of numbers from 0 for Monday to 6 for Sunday"),
    ({**OFFICE, "days": 0}, "has 'days', which must be a list of numbers from 0 for Monday to 6 for Sunday"),
    ({**OFFICE, "days": ["Mon"]}, "has 'days', which must be a list of numbers from 0 for Monday to 6 for Sunday"),
    ({**OFFICE, "start": 7}, "has 'start', which must be a time from '00:00' to '24:00', such as '07:00'"),
    ({**OFFICE, "start": "24:00"}, "has 'start', which must be before 24:00"),
    ({**OFFICE, "end": "24:01"}, "has 'end', which must be a time from '00:00' to '24:00', such as '19:00'"),
    ({**OFFICE, "end": "19:00:00"}, "has 'end', which must be a time from '00:00' to '24:00', such as '19:00'"),
    ({**OFFICE, "end": "19:60"}, "has 'end', which must be a time from '00:00' to '24:00', such as '19:00'"),
    ({**OFFICE, "end": "\u0661\u0669:00"}, "has 'end', which must be a time from '00:00' to '24:00', such as '19:00'"),
    ({**OFFICE, "invert": "yes"}, "has 'invert', which must be True or False"),
    (
        {**OFFICE, "days": range(7), "start": "00:00", "end": "24:00", "invert": True},
        "has 'days', which must be a list of numbers from 0 for Monday to 6 for Sunday",
    ),
    (
        {**OFFICE, "days": [*range(7)], "start": "09:00", "end": "09:00", "invert": True},
        "is never open: its windows are the whole week, and 'invert' leaves nothing of it",
    ),
    (
        {"timezone": "UTC", "windows": []},
        "has 'windows', which must be a list of windows, each with 'days', 'start' and 'end'",
    ),
    (
        {"timezone": "UTC", "windows": [WINDOW, "all"]},
        "has 'windows', which must be a list of windows, each with 'days', 'start' and 'end'",
    ),
    ({"timezone": "UTC", "windows": [WINDOW, {**WINDOW, "days": [9]}]}, "has 'days' in window 2, which must be a list"),
    ({"timezone": "UTC", "windows": [WINDOW, {"days": [1], "end": "1:00"}]}, "needs 'start' in window 2, such as"),
    ({"timezone": "UTC", "windows": [{**WINDOW, "till": 1}]}, "has no key 'till' in window 1: known are days, end"),
    ({"timezone": "UTC", "windows": [OFFICE]}, "has 'timezone' in window 1: write it once, beside 'windows'"),
]


@pytest.mark.parametrize(("value", "sentence"), WRONG)
def test_a_wrong_schedule_is_one_sentence(value: Any, sentence: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        schedule_of(value)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["07:00", "UTC", "24:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["timezone", "windows", "days", "start", "end", "invert"])


@given(JSON | st.dictionaries(KEYS, JSON | st.lists(st.dictionaries(KEYS, JSON)), max_size=6))
@example({**OFFICE, "timezone": "\ud800"})
@example({**OFFICE, "timezone": "a" * 5000})
@example({**OFFICE, "timezone": "Europe"})
@example({**OFFICE, "timezone": "UTC\x00"})
def test_anything_is_a_schedule_or_a_sentence(value: Any) -> None:
    sentence = ""
    try:
        schedule_of(value).open_at(0)
    except ScheduleError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert len(sentence) < 300


def test_connections_carry_what_was_written(configuration: Configuration) -> None:
    configuration.values = {"zone": "America/New_York"}
    configuration.feed(
        """
inbound("IB", Pipe(port=1), router="adt", flagged=True, schedule={
    "timezone": env("zone"),
    "windows": [{"days": [0], "start": "22:00", "end": "06:00"}, {"days": [6], "start": "00:00", "end": "24:00"}],
    "invert": True,
})
outbound("OB_LAB", Drop(password="x"), stall=StallThreshold(max_oldest_seconds=900), schedule=None)
outbound("OB_PLAIN", Drop(password="x"))
"""
    )
    graph = configuration.load()
    windows = (Window((0,), 22 * 60, 30 * 60), Window((6,), 0, 24 * 60))
    assert graph.inbounds["IB"].schedule == Schedule("America/New_York", windows, invert=True)
    assert graph.inbounds["IB"].flagged
    assert graph.outbounds["OB_LAB"].stall == StallThreshold(max_oldest_seconds=900)
    plain = graph.outbounds["OB_PLAIN"]
    assert (plain.schedule, plain.stall.max_oldest_seconds, plain.flagged) == (None, None, False)


TOML = """
[[inbound]]
name = "IB"
transport = "Pipe"
router = "adt"
flagged = true

[inbound.settings]
port = 1

[inbound.schedule]
timezone = { env = "zone" }
days = [0, 1]
start = 07:30:00
end = "19:00"

[[outbound]]
name = "OB_LAB"
transport = "Drop"
settings = { password = "x" }
stall = { max_oldest_seconds = 60 }

[outbound.schedule]
timezone = "Europe/Vienna"

[[outbound.schedule.windows]]
days = [5]
start = "00:00"
end = "24:00"
"""


def test_the_same_in_a_file(configuration: Configuration) -> None:
    configuration.values = {"zone": "UTC"}
    configuration.feed("")
    configuration.write("connections.toml", TOML)
    graph = configuration.load()
    assert graph.inbounds["IB"].schedule == Schedule("UTC", (Window((0, 1), 450, 1140),))
    assert graph.inbounds["IB"].flagged
    assert graph.outbounds["OB_LAB"].schedule == Schedule("Europe/Vienna", (Window((5,), 0, 1440),))
    assert graph.outbounds["OB_LAB"].stall.max_oldest_seconds == 60


def test_a_mistake_names_file_line_and_connection(configuration: Configuration) -> None:
    configuration.values = {"zone": "Mars/Olympus"}
    configuration.feed('outbound("OB_WARD", Drop(password="x"), schedule=3, stall=4, flagged="x", metadata={"a": len})')
    broken = TOML.replace("max_oldest_seconds = 60", 'max_oldest_second = "x"').replace("days = [5]", "days = 5")
    configuration.write("connections.toml", broken)
    assert configuration.problems() == [
        "connections.toml:11: IB: option 'schedule' has 'timezone', which this machine does not know",
        "connections.toml:21: OB_LAB: option 'stall' has no key 'max_oldest_second': did you mean "
        "'max_oldest_seconds'?",
        "connections.toml:23: OB_LAB: option 'schedule' has 'days' in window 1, which must be a list of numbers from "
        "0 for Monday to 6 for Sunday",
        "feed.py:5: OB_WARD: option 'schedule' must be a dict with 'timezone', 'days', 'start' and 'end', or "
        "'timezone' and 'windows'",
        "feed.py:5: OB_WARD: option 'stall' must be a StallThreshold",
        "feed.py:5: OB_WARD: option 'flagged' must be True or False",
        "feed.py:5: OB_WARD: option 'metadata' must hold text, numbers, True or False, dates, and lists and dicts of "
        "them",
    ]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_stall_threshold_is_a_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="StallThreshold: max_oldest_seconds must be a number above 0"):
        StallThreshold(max_oldest_seconds=seconds)


def test_an_inbound_has_no_stall(configuration: Configuration) -> None:
    configuration.feed('inbound("IB", Pipe(port=1), router="adt", stall=StallThreshold(3))')
    mend = "it is an option of outbound()"
    assert configuration.problems() == [f"feed.py:5: IB: inbound() has no option 'stall' ({mend})"]
