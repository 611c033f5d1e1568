"""The inbound `Timer`: hands its body in when a moment has come.

One run at a time. A run that cannot be committed now is tried again until it is; its bookmark tells whether an attempt
that nobody confirmed was committed after all. Runs whose moment passes meanwhile are not made up.
"""

from __future__ import annotations

import math
import re
import secrets
import time
from typing import TYPE_CHECKING

import trio

from messagefoundry_timer.agenda import Agenda
from messagefoundry_timer.body import ENCODING

if TYPE_CHECKING:
    from collections.abc import Callable

    from messagefoundry.contracts import InboundContext
    from messagefoundry_timer.settings import TimerSettings

LOOK_SECONDS = 10
"""Longest time between two looks at the clock: it may be set at any moment, and no event says so."""
RETRY_SECONDS = 1

_BOOKMARK = re.compile(r"timer (\d{1,12}) [0-9a-f]{8}")


class TimerSource:
    """A running Timer."""

    def __init__(
        self,
        settings: TimerSettings,
        context: InboundContext,
        clock: Callable[[], float] = time.time,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """`clock` gives seconds since the epoch; it is looked at every `look_seconds` at least."""
        self._settings = settings
        self._context = context
        self._raw = settings.body.encode(ENCODING)
        self._clock = clock
        self._look_seconds = look_seconds

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hand in at each moment, until cancelled."""
        last_run = run_of(await self._context.bookmark())
        task_status.started()
        if self._settings.interval_seconds is not None:
            await self._at_intervals(self._settings.interval_seconds)
        elif self._settings.cron_expression is not None:
            await self._by_the_calendar(last_run)
        else:
            await self._hand_in(self._clock(), "run at the start")
            await trio.sleep_forever()

    async def _at_intervals(self, seconds: float) -> None:
        """Elapsed time counts here, not what the clock on the wall is set to."""
        due = trio.current_time() + seconds
        while True:
            await trio.sleep_until(due)
            await self._hand_in(self._clock(), f"run after {seconds:g} s")
            due = next_of(due, seconds, trio.current_time())

    async def _by_the_calendar(self, last_run: float) -> None:
        cron = self._settings.cron()
        agenda = Agenda(cron, self._clock(), last_run)
        while True:
            now = self._clock()
            run = agenda.look(now)
            if run is None:
                await trio.sleep(min(self._look_seconds, agenda.due - now))
            elif run.missed:
                detail = f"it was due at {cron.shown(run.due)}; the next is due at {cron.shown(agenda.due)}"
                self._context.note("run missed", detail, alert=True)
            else:
                await self._hand_in(run.due, f"run of {cron.shown(run.due)}")

    async def _hand_in(self, moment: float, peer: str) -> None:
        """One run, to its end: accepted, or refused for good."""
        bookmark = f"timer {moment:.0f} {secrets.token_hex(4)}"
        waits = False
        while True:
            receipt = await self._context.receive(self._raw, peer=peer, bookmark=bookmark)
            if receipt.accepted:
                return
            if not receipt.retry:
                self._context.note("run refused", receipt.reason, alert=True)
                return
            if await self._context.bookmark() == bookmark:
                return
            if not waits:
                self._context.note("run waits", f"{receipt.reason}; it is tried again every {RETRY_SECONDS} s")
                waits = True
            await trio.sleep(RETRY_SECONDS)


def next_of(due: float, seconds: float, now: float) -> float:
    """The first moment after `now` that is a whole number of intervals, at least one, after `due`."""
    return due + seconds * (max(0, math.floor((now - due) / seconds)) + 1)


def run_of(bookmark: str) -> float:
    """When the run of a bookmark was due, in seconds since the epoch; 0 for none, or one of another connector."""
    found = _BOOKMARK.fullmatch(bookmark)
    return float(found[1]) if found else 0
