"""Times as people write and read them. Inside, a moment is microseconds since the epoch."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import Any

import click

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
FORMS = "2h, 30m, 3d, 10:30, 2026-11-22, 2026-11-22T10:30 or today"


def now() -> int:
    """The present moment."""
    return time.time_ns() // 1000


def iso(moment: int) -> str | None:
    """A moment with its UTC offset, for programs; None for none."""
    return datetime.fromtimestamp(moment / 1_000_000).astimezone().isoformat("T", "milliseconds") if moment else None


def moment(text: str | None) -> int:
    """The moment that ISO 8601 text with an offset names; 0 for none."""
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000) if text else 0


def clock(moment: int) -> str:
    """A moment to the second with its UTC offset, for people; "" for none."""
    return datetime.fromtimestamp(moment / 1_000_000).astimezone().isoformat(" ", "seconds") if moment else ""


def lasting(microseconds: int) -> str:
    """A duration in its two largest units: "4m 12s"."""
    seconds = max(0, microseconds) // 1_000_000
    parts: list[str] = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, SECONDS[unit])
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def ago(moment: int) -> str:
    """How long ago a moment is; "" for none."""
    return f"{lasting(now() - moment)} ago" if moment else ""


def moment_of(text: str, present: datetime) -> datetime:
    """The moment that `text` means at the time `present`, an aware datetime. Raises ValueError.

    "2h" is two hours ago; "10:30" the last time that a clock showed it; a date its first moment. What has no UTC offset
    is in the zone of `present`.
    """
    text = text.strip()
    ago_form = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])(?:\s+ago)?", text)
    if ago_form:
        return present - timedelta(seconds=float(ago_form[1]) * SECONDS[ago_form[2]])
    midnight = present.replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "yesterday"):
        return midnight - timedelta(days=text == "yesterday")
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
        hour, minute, second = (*map(int, text.split(":")), 0)[:3]
        moment = midnight.replace(hour=hour, minute=minute, second=second)
        return moment if moment <= present else moment - timedelta(days=1)
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=present.tzinfo)


class Moment(click.ParamType[int]):
    """A point in time, given as people give it."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Microseconds since the epoch."""
        if isinstance(value, int):
            return value
        try:
            moment = moment_of(value, datetime.now().astimezone())
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; write {FORMS}", param, ctx)
        return int(moment.timestamp() * 1_000_000)


MOMENT = Moment()
