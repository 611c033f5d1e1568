"""When a cron expression comes next, in a time zone whose clocks are put forward and back.

cronsim reads the expression and computes with dates and times as they stand on a wall, without a zone. What these
become in a zone is decided here: a local time that a change of clocks skips comes at the first moment after the change,
and one that comes twice counts the first time alone. cronsim's own rules for zones are those of Debian's cron, which
treats expressions with a star in another way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS = 5


class CronError(ValueError):
    """A cron expression cannot be used; the text goes on from its name: "has a bad minute"."""


class ZoneError(ValueError):
    """This machine knows no time zone of that name."""


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises ZoneError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, a path, a folder of zones
        raise ZoneError from None


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields in a time zone; without a zone, in that of the machine."""

    expression: str
    zone: ZoneInfo | None = None

    @classmethod
    def parse(cls, expression: str, zone: ZoneInfo | None = None) -> Cron:
        """The expression, checked. Raises CronError."""
        if len(expression.split()) != FIELDS:
            raise CronError("must have five fields: minute, hour, day of the month, month, day of the week")
        cron = cls(expression, zone)
        try:
            if cron.after(0) == math.inf:
                raise CronError("names a day that never comes")
        except CronSimError as error:
            raise CronError(f"has a {str(error).lower()}") from None
        return cron

    def after(self, moment: float) -> float:
        """The first moment of the expression after `moment`; both in seconds since the epoch. Infinity for never."""
        for local in CronSim(self.expression, self._on_the_wall(moment)):
            found = self._moment(local)
            if found > moment:
                return found
        return math.inf

    def shown(self, moment: float) -> str:
        """A moment as it is written in the zone, with its offset from UTC."""
        return datetime.fromtimestamp(moment, UTC).astimezone(self.zone).isoformat(" ", "seconds")

    def _on_the_wall(self, moment: float) -> datetime:
        return datetime.fromtimestamp(moment, self.zone).replace(tzinfo=None)

    def _offset(self, moment: int) -> timedelta:
        return self._on_the_wall(moment) - datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)

    def _moment(self, local: datetime) -> float:
        """When it is `local` for the first time; PEP 495 puts the second reading of a skipped time before the first."""
        first, second = (local.replace(tzinfo=self.zone, fold=fold).timestamp() for fold in (0, 1))
        return first if first <= second else self._change_between(int(second), int(first))

    def _change_between(self, before: int, after: int) -> float:
        """The first second with the offset of `after`."""
        offset = self._offset(after)
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (before, middle) if self._offset(middle) == offset else (middle, after)
        return after
