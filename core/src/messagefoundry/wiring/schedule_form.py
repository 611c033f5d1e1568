"""How a schedule is written: a dict of Python, or a table of connections.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.schedule import DAY_MINUTES, Schedule, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

OF_A_WINDOW = ("days", "start", "end")
OF_ALL = ("timezone", "invert")
EXAMPLES = {
    "timezone": "'Europe/Vienna'",
    "days": "[0, 1, 2, 3, 4]",
    "start": "'07:00'",
    "end": "'19:00'",
}
CLOCK = re.compile(r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)", re.ASCII)


class ScheduleError(ValueError):
    """A schedule is not usable; the text goes on from the option's name, and shows no value."""


def schedule_of(value: Any) -> Schedule:
    """A schedule from `{"timezone": zone, "windows": [window, ...], "invert": bool}`. Raises ScheduleError.

    A window is `{"days": [0, 4], "start": "07:00", "end": "19:00"}`: 0 is Monday, and an end that is not after the
    start is on the following day. A single window may stand beside `timezone` without `windows`.
    """
    if isinstance(value, Schedule):
        return value
    if not isinstance(value, Mapping):
        raise ScheduleError("must be a dict with 'timezone', 'days', 'start' and 'end', or 'timezone' and 'windows'")
    if "windows" in value:
        _refuse_strangers(value, (*OF_ALL, "windows"))
        windows = _windows(value["windows"])
    else:
        _refuse_strangers(value, (*OF_ALL, "windows", *OF_A_WINDOW))
        windows = (_window(value),)
    found = Schedule(_zone(_required(value, "timezone")), windows, _truth(value.get("invert", False)))
    if found.never_open:
        raise ScheduleError("is never open: its windows are the whole week, and 'invert' leaves nothing of it")
    return found


def _refuse_strangers(value: Mapping[str, Any], known: Sequence[str], where: str = "") -> None:
    for key in value:
        if key in OF_A_WINDOW and key not in known:
            raise ScheduleError(f"has {key!r} beside 'windows': write it into a window")
        if key in OF_ALL and key not in known:
            raise ScheduleError(f"has {key!r}{where}: write it once, beside 'windows'")
        if key not in known:
            mend = did_you_mean(str(key), known)
            raise ScheduleError(f"has no key {str(key)!r}{where}{f': {mend}' if mend else ''}")


def _required(value: Mapping[str, Any], key: str, where: str = "") -> Any:
    if key not in value:
        raise ScheduleError(f"needs {key!r}{where}, such as {EXAMPLES[key]}")
    return value[key]


def _windows(value: Any) -> tuple[Window, ...]:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(each, Mapping) for each in value):
        raise ScheduleError("has 'windows', which must be a list of windows, each with 'days', 'start' and 'end'")
    return tuple(_numbered(f" in window {number}", each) for number, each in enumerate(value, 1))


def _numbered(where: str, value: Mapping[str, Any]) -> Window:
    _refuse_strangers(value, OF_A_WINDOW, where)
    return _window(value, where)


def _window(value: Mapping[str, Any], where: str = "") -> Window:
    days = _days(_required(value, "days", where), where)
    start, end = (_minutes(key, _required(value, key, where), where) for key in ("start", "end"))
    if start == DAY_MINUTES:
        raise ScheduleError(f"has 'start'{where}, which must be before 24:00")
    return Window(days, start, end if end > start else end + DAY_MINUTES)


def _days(value: Any, where: str) -> tuple[int, ...]:
    wanted = isinstance(value, list | tuple | set | frozenset) and bool(value)
    if not wanted or not all(type(each) is int and 0 <= each <= 6 for each in value):
        raise ScheduleError(f"has 'days'{where}, which must be a list of numbers from 0 for Monday to 6 for Sunday")
    return tuple(sorted(set(value)))


def _minutes(key: str, value: Any, where: str) -> int:
    """Minutes after midnight of "07:00", or of a time of TOML such as 07:00:00."""
    if isinstance(value, time) and not value.second and not value.microsecond and value.tzinfo is None:
        return value.hour * 60 + value.minute
    found = CLOCK.fullmatch(value) if isinstance(value, str) else None
    minutes = int(found["hour"]) * 60 + int(found["minute"]) if found else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        wanted = f"a time from '00:00' to '24:00', such as {EXAMPLES[key]}"
        raise ScheduleError(f"has {key!r}{where}, which must be {wanted}")
    return minutes


def _zone(value: Any) -> str:
    """The name of a time zone that this machine knows."""
    if not isinstance(value, str):
        raise ScheduleError(f"has 'timezone', which must be text such as {EXAMPLES['timezone']}")
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # unknown, a path, a folder of zones
        known = available_timezones()
        mend = did_you_mean(value, known) if known else "pip install tzdata"
        raise ScheduleError(f"has 'timezone', which this machine does not know{f': {mend}' if mend else ''}") from None
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ScheduleError("has 'invert', which must be True or False")
    return value
