"""When a Connection runs: weekly windows of the wall clock in a time zone, as moments.

A window opens at the first moment at which the wall clock of its day shows `start` or later, and closes at the first
one at which it shows `end` or later. So when clocks change:

- A local time that is skipped takes effect at the first minute after the change. Where 02:00 to 03:00 is skipped, a
  window from 02:30 opens at 03:00, one until 02:30 closes at 03:00, and one from 02:00 to 02:30 does not open that day.
- A local time that comes twice counts the first time alone. Where 02:00 to 03:00 comes twice, a window from 01:00 to
  02:30 closes at the first 02:30 and stays closed, and one from 02:30 to 03:30 is open for two hours.

Moments are microseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

REACH_DAYS = 2
"""A window ends at most a day after its own, and no zone has ever put its clocks by more than a day."""

HORIZON_DAYS = 64
"""What does not change in so many days never does: changes of clocks can hide one of a week, not those of all weeks."""

Span = tuple[int, int]
"""Two moments, the second one not in it."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end` on each of `days`, 0 for Monday. Both are minutes after the day's midnight.

    `end` is after `start`; one of more than 1440 is on the following day, and belongs to the day on which it started.
    """

    days: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly windows in a time zone of the IANA database; with `invert`, all but them. Windows may overlap."""

    timezone: str
    windows: tuple[Window, ...]
    invert: bool = False

    def open_at(self, moment: int) -> bool:
        """Whether the Connection is to run at `moment`."""
        spans = (span for day in islice(self._days(moment), 2 * REACH_DAYS + 1) for span in self._spans(day))
        return any(begin <= moment < end for begin, end in spans) is not self.invert

    def next_change(self, moment: int) -> int | None:
        """The first moment after `moment` at which the answer of `open_at` is another one; None for never."""
        for begin, end in self._merged(moment):
            if begin > moment:
                return begin
            if end > moment:
                return end
        return None

    def shown(self, moment: int) -> str:
        """A moment as it is written in the zone, to the second and with its offset from UTC."""
        return self._on_the_wall(moment).isoformat(" ", "seconds")

    @property
    def never_open(self) -> bool:
        """Whether the windows are the whole week, and all but them is nothing."""
        if not self.invert:
            return False
        reached = 0
        for begin, end in sorted(self._week()):
            if begin > reached:
                return False
            reached = max(reached, end)
        return reached >= WEEK_MINUTES

    def _week(self) -> Iterator[Span]:
        """The windows in minutes of a week, those of the week before that reach into it among them."""
        for window in self.windows:
            for day in (*window.days, *(day - 7 for day in window.days)):
                yield day * DAY_MINUTES + window.start, day * DAY_MINUTES + window.end

    def _merged(self, moment: int) -> Iterator[Span]:
        """The spans around and after `moment`, those that touch as one; what reaches the horizon has no end."""
        begun = ended = None
        for day in islice(self._days(moment), HORIZON_DAYS):
            for begin, end in self._spans(day):
                if begun is None or ended is None:
                    begun, ended = begin, end
                elif begin <= ended:
                    ended = max(ended, end)
                else:
                    yield begun, ended
                    begun, ended = begin, end

    def _days(self, moment: int) -> Iterator[date]:
        """The days from the first whose windows may reach `moment`."""
        day = self._on_the_wall(moment).date() - timedelta(days=REACH_DAYS)
        while True:
            yield day
            day += timedelta(days=1)

    def _spans(self, day: date) -> list[Span]:
        """The windows that start on `day`, in order, without those that a change of clocks leaves nothing of."""
        own = (window for window in self.windows if day.weekday() in window.days)
        spans = ((self._moment(day, window.start), self._moment(day, window.end)) for window in own)
        return sorted((begin, end) for begin, end in spans if begin < end)

    def _on_the_wall(self, moment: int) -> datetime:
        return (EPOCH + moment * MICROSECOND).astimezone(ZoneInfo(self.timezone))

    def _moment(self, day: date, minutes: int) -> int:
        """The first moment at which the wall clock shows that many minutes after midnight of `day`, or later.

        PEP 495 puts the second reading of a time that is skipped before the first.
        """
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone))
        local = midnight + timedelta(minutes=minutes)
        first, second = ((local.replace(fold=fold) - EPOCH) // MICROSECOND for fold in (0, 1))
        return first if first <= second else self._change_between(second, first)

    def _change_between(self, before: int, after: int) -> int:
        """The first second with the offset of `after`, as a moment; both are whole seconds."""
        offset = self._on_the_wall(after).utcoffset()
        while after - before > 1_000_000:
            middle = (before + after) // 2_000_000 * 1_000_000
            before, after = (before, middle) if self._on_the_wall(middle).utcoffset() == offset else (middle, after)
        return after
