"""Supervision: one Connection's task, started, stopped by an operator, and restarted with back-off after a crash."""

from __future__ import annotations

import logging
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Literal, Protocol

import trio

from messagefoundry.contracts.errors import ConfigurationError, fault_site, sole
from messagefoundry.pipeline.committer import now
from messagefoundry.pipeline.lane import LaneStopped

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
HEALTHY_SECONDS = 30.0
FINISH_SECONDS = 5.0
"""How long what is stopped in order may take to end the work in its hands."""

State = Literal["stopped", "outside its schedule", "starting", "waiting", "running", "waiting to restart", "failed"]

UNSETTLED_START = ("starting", "stopped", "outside its schedule")
UNSETTLED_STOP = ("starting", "waiting", "running", "waiting to restart")


class Runnable(Protocol):
    """What can be supervised: a listener, a poller, a lane."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Run until cancelled; `task_status.started()` when ready."""


class Supervised:
    """One Connection under supervision. `make` gives what is to run, anew for each start.

    It runs while it is `wanted`, which people decide, and `opened`, which its schedule does. What somebody starts
    outside of its schedule is opened until the schedule says otherwise.

    `told` hears (kind, detail, alert) of what happens: started, stopped, crashed. `finish`, if there is one, asks what
    runs to end after the work in hand. When people stop it, it is cancelled if it has not done so in a few seconds; a
    schedule waits for it. `waits_for` says what must be there before it may run, "" when all of it is; after a change
    somebody calls `look_again`.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Runnable],
        told: Callable[[str, str, bool], None],
        *,
        wanted: bool = True,
        opened: bool = True,
        finish: Callable[[], None] | None = None,
        waits_for: Callable[[], str] = str,
    ) -> None:
        self.name = name
        self.state: State = "stopped" if not wanted else "starting" if opened else "outside its schedule"
        self.since = now()
        self.reason = ""
        self._make = make
        self._told = told
        self._finish = finish
        self._waits_for = waits_for
        self._wanted = wanted
        self._opened = opened
        self._gave_up = False
        self._ended = False
        self._changed = trio.Event()
        self._moved = trio.Event()
        self._scope = trio.CancelScope()
        self._asked_to_end = False
        self.over = trio.Event()
        """Set when `run` has returned."""

    @property
    def wanted(self) -> bool:
        """Whether people mean the Connection to run, one that failed or has no more to do among them."""
        return self._wanted

    @property
    def opened(self) -> bool:
        """Whether the Connection's schedule lets it run, or somebody who started it outside of that."""
        return self._opened

    @property
    def ending(self) -> bool:
        """Whether it was told to stop for good."""
        return self._ended

    @property
    def _runs(self) -> bool:
        return self._wanted and self._opened and not self._gave_up and not self._ended

    def start(self) -> None:
        """Run, at once even when a restart was waited for; again when the last run is ending."""
        self._wanted = self._opened = True
        self._gave_up = False
        self._go()

    def stop(self) -> None:
        """Stop and stay stopped."""
        self._wanted = False
        self._change()

    def look_again(self) -> None:
        """What is waited for may have come, or gone: what runs without it stops until it is there."""
        if self._runs and (self.state == "waiting" or self._waits_for()):
            self._change()

    def open(self) -> None:
        """Its schedule lets it run. What somebody stopped stays so, and what failed: a human must look."""
        if not self._opened:
            self._opened = True
            self._gave_up = self.state == "failed"
            self._go()

    def close(self) -> None:
        """Its schedule lets it run no more: stop when the work in hand is done."""
        runs, self._opened = self._runs, False
        if runs:
            self._change(inf)

    def _go(self) -> None:
        if self._runs and self.state != "running":
            self._enter("starting")
            self._change()

    def end(self) -> None:
        """Stop for good: `run` returns. What people want of it from then on is kept for the next of its name."""
        self._ended = True
        self._change()

    def _change(self, finish_seconds: float | None = None) -> None:
        self._changed.set()
        self._changed = trio.Event()
        self._asked_to_end = True
        if self._finish is None or self.state != "running":
            self._scope.cancel()
        else:
            self._finish()
            seconds = FINISH_SECONDS if finish_seconds is None else finish_seconds
            self._scope.deadline = min(self._scope.deadline, trio.current_time() + seconds)

    async def settled(self) -> None:
        """Wait until the Connection is as is wanted, or has failed to be."""
        while self._unsettled:
            await self._moved.wait()

    @property
    def _unsettled(self) -> bool:
        if self._runs:
            return self.state in UNSETTLED_START
        return self.state in UNSETTLED_STOP or (self.state == "outside its schedule" and not self._wanted)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Supervise until cancelled or ended; reports ready when the first start has succeeded or failed."""
        try:
            await self._supervise(Once(task_status.started))
        finally:
            self.over.set()
            self._enter("stopped")

    async def _supervise(self, ready: Once) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._ended:
            if not self._runs:
                ready()
                await self._rest()
                continue
            if self._waits_for():
                ready()
                await self._wait()
                continue
            began = trio.current_time()
            failure = await self._run_once(ready)
            ready()
            if failure is None:
                pause = FIRST_PAUSE_SECONDS
            elif isinstance(failure, ConfigurationError | LaneStopped):
                self._gave_up = True
                self._enter("failed", str(failure))
                self._told("stopped", str(failure), True)
            elif not self._runs:
                log.warning("%s ended while it was being stopped: %s", self.name, fault_site(failure))
            else:
                pause = FIRST_PAUSE_SECONDS if trio.current_time() - began >= HEALTHY_SECONDS else pause
                self._crashed(failure, pause)
                with trio.move_on_after(pause):
                    await self._changed.wait()
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_once(self, ready: Callable[[], None]) -> Exception | None:
        """One life of the Connection: None when it was ended from outside or had no more to do, else its failure."""
        self._enter("starting")
        self._asked_to_end = False
        try:
            with trio.CancelScope() as self._scope:
                await self._make().run(task_status=Started(partial(self._started, ready)))
        except Exception as error:  # noqa: BLE001 - one Connection's crash; its siblings never notice
            return only(error)
        if not self._asked_to_end:
            self._gave_up = True
        return None

    def _started(self, ready: Callable[[], None]) -> None:
        self._enter("running")
        self._told("started", "", False)
        ready()

    async def _rest(self) -> None:
        while not self._runs and not self._ended:
            self._come_to_rest()
            await self._changed.wait()

    def _come_to_rest(self) -> None:
        scheduled = self._wanted and not self._gave_up
        state: State = "outside its schedule" if scheduled else "stopped"
        if self.state not in (state, "failed"):
            self._enter(state)
            self._told("stopped", state if scheduled else "", False)

    async def _wait(self) -> None:
        """Until something has changed: what is waited for, or what is wanted."""
        needed = self._waits_for()
        if (self.state, self.reason) != ("waiting", needed):
            self._enter("waiting", needed)
            self._told("waiting", f"waits for {needed}", True)
        await self._changed.wait()

    def _crashed(self, error: Exception, pause: float) -> None:
        text = os_error_text(error) if isinstance(error, OSError) else fault_site(error)
        log.error("%s ended, restarting in %.0f s: %s", self.name, pause, text)
        self._enter("waiting to restart", text)
        self._told("crashed", text, True)

    def _enter(self, state: State, reason: str = "") -> None:
        self.state, self.since, self.reason = state, now(), reason
        self._moved.set()
        self._moved = trio.Event()


def only(error: Exception) -> Exception:
    """The one error of a nursery that had one."""
    inner = sole(error)
    return inner if isinstance(inner, Exception) else error


class Started:
    """A `task_status` that calls a function when what runs is ready."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function

    def started(self, value: None = None) -> None:
        """It is ready."""
        self._function()


class Once:
    """Calls a function the first time only."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function: Callable[[], None] | None = function

    def __call__(self) -> None:
        """Call the function if nobody has yet."""
        function, self._function = self._function, None
        if function is not None:
            function()


def os_error_text(error: OSError) -> str:
    """What the operating system says, such as "Address already in use"."""
    return error.strerror or str(error) or type(error).__name__
