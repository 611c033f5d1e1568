"""Which runs of a cron expression are due, from readings of a clock that may be set, stand still or jump.

No time passes here: readings go in, runs come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messagefoundry_timer.cron import Cron

LATEST_SECONDS = 60
"""How long after its moment a run may begin; what is seen later is missed. The clock may be put back as far unseen."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose moment, in seconds since the epoch, has come; `missed` when that was too long ago."""

    due: float
    missed: bool


class Agenda:
    """The runs of one expression, each at most once. All times are in seconds since the epoch."""

    def __init__(self, cron: Cron, now: float, last_run: float = 0) -> None:
        """Begins after `now`, and after `last_run` where that is a little ahead of a clock that was put back."""
        self._cron = cron
        self._begin(max(now, last_run) if last_run - now <= LATEST_SECONDS else now)

    def _begin(self, seen: float) -> None:
        self._seen = seen
        self.due = self._cron.after(seen)

    def look(self, now: float) -> Run | None:
        """The run that is due, if one is. Of several whose moments have passed, only the first is told of."""
        if now < self._seen - LATEST_SECONDS:
            self._begin(now)
        if now < self.due:
            self._seen = now
            return None
        due = self.due
        self._begin(now)
        return Run(due, missed=now - due > LATEST_SECONDS)
