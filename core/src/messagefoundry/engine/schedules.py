"""Schedules of a running engine: one task looks at the clock for all of them, and opens and closes Connections."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from messagefoundry.pipeline.supervision import Supervised
    from messagefoundry.wiring.schedule import Schedule

LOOK_SECONDS = 30.0
"""How soon it is noticed that somebody has set the clock."""

NOT_YET = 2**63 - 1
"""A moment that never comes."""


@dataclass(slots=True)
class Followed:
    """A schedule and what it says: whether the Connection is open from `as_of` until `until`, None for always.

    `opened_at` is when it was seen to open, 0 when that was before this engine followed it. Moments are microseconds
    since the epoch.
    """

    schedule: Schedule
    open: bool
    as_of: int
    until: int | None
    opened_at: int = 0

    @classmethod
    def read(cls, schedule: Schedule, at: int) -> Followed:
        """What a schedule says at a moment."""
        return cls(schedule, schedule.open_at(at), at, schedule.next_change(at))

    def says(self, at: int) -> bool:
        """Whether it is known what the schedule says at a moment: a clock that was set back asks anew."""
        return self.as_of <= at and (self.until is None or at < self.until)

    @property
    def limit(self) -> str:
        """Until when it stays as it is, for people."""
        return "for good" if self.until is None else f"until {self.schedule.shown(self.until)}"


class Schedules:
    """The schedules of `connections`. `note` puts an event on a Connection's trail; `clock` tells the moment."""

    def __init__(
        self, connections: Mapping[str, Supervised], note: Callable[[str, str, str], None], clock: Callable[[], int]
    ) -> None:
        self._connections = connections
        self._note = note
        self._clock = clock
        self._followed: dict[str, Followed] = {}
        self._more = trio.Event()

    def follow(self, name: str, schedule: Schedule | None) -> bool:
        """Follow a Connection's schedule, None for one without, in place of an earlier; whether it is open now."""
        self.forget(name)
        if schedule is None:
            return True
        found = self._followed[name] = Followed.read(schedule, self._clock())
        self._more.set()
        return found.open

    def forget(self, name: str) -> None:
        """Follow a Connection no longer."""
        self._followed.pop(name, None)

    def change(self, name: str, schedule: Schedule | None) -> None:
        """Another schedule for a Connection that goes on; it applies at once, to what somebody started too."""
        before = self._followed.get(name)
        if schedule == (None if before is None else before.schedule):
            return
        self._apply(name, opened=self.follow(name, schedule))

    def seen(self, name: str) -> Followed | None:
        """What the schedule of a Connection says, None for one without."""
        return self._followed.get(name)

    def overruled(self, name: str) -> bool:
        """Whether somebody started a Connection outside of its schedule."""
        found = self._followed.get(name)
        return found is not None and not found.open and self._connections[name].opened

    def waits_since(self, name: str) -> int:
        """From when on it is the Connection's own doing that work waits for it: not while its schedule keeps it."""
        found = self._followed.get(name)
        if found is None:
            return 0
        return found.opened_at if self._connections[name].opened else NOT_YET

    def look(self) -> None:
        """Open and close Connections as the clock says."""
        at = self._clock()
        for name, found in list(self._followed.items()):
            if found.says(at):
                found.as_of = at
                continue
            now = self._followed[name] = Followed.read(found.schedule, at)
            now.opened_at = found.opened_at if found.open or not now.open else at
            if now.open is not found.open or (found.until is not None and at >= found.until):
                self._apply(name, opened=now.open)

    def _apply(self, name: str, *, opened: bool) -> None:
        connection, found = self._connections[name], self._followed.get(name)
        if connection.wanted and connection.opened is not opened:
            limit = "" if found is None else found.limit
            self._note(name, "schedule opens" if opened else "schedule closes", limit)
        (connection.open if opened else connection.close)()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look at the next change and every 30 s until then, until cancelled."""
        task_status.started()
        while True:
            self.look()
            self._more = trio.Event()
            with trio.move_on_after(self._pause()):
                await self._more.wait()

    def _pause(self) -> float:
        """Seconds until the next look; without schedules there is none."""
        if not self._followed:
            return inf
        until = min((found.until for found in self._followed.values() if found.until is not None), default=None)
        left = inf if until is None else (until - self._clock()) / 1_000_000
        return max(0.0, min(left, LOOK_SECONDS))
