"""Supervision: one Connection's task, started, stopped by an operator, and restarted with back-off after a crash."""

from __future__ import annotations

import logging
from functools import partial
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

State = Literal["stopped", "starting", "running", "waiting to restart", "failed"]

UNSETTLED_START = ("starting", "stopped")
UNSETTLED_STOP = ("starting", "running", "waiting to restart")


class Runnable(Protocol):
    """What can be supervised: a listener, a poller, a lane."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Run until cancelled; `task_status.started()` when ready."""


class Supervised:
    """One Connection under supervision. `make` gives what is to run, anew for each start.

    `told` hears (kind, detail, alert) of what happens: started, stopped, crashed. `finish`, if there is one, asks what
    runs to end after the work in hand; it is cancelled when it has not done so in a few seconds.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Runnable],
        told: Callable[[str, str, bool], None],
        *,
        wanted: bool = True,
        finish: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.state: State = "starting" if wanted else "stopped"
        self.since = now()
        self.reason = ""
        self._make = make
        self._told = told
        self._finish = finish
        self._wanted = wanted
        self._ended = False
        self._changed = trio.Event()
        self._moved = trio.Event()
        self._scope = trio.CancelScope()
        self._asked_to_end = False
        self.over = trio.Event()
        """Set when `run` has returned."""

    @property
    def wanted(self) -> bool:
        """Whether the Connection is meant to run."""
        return self._wanted

    def start(self) -> None:
        """Run, at once even when a restart was waited for; again when the last run is ending."""
        self._wanted = True
        if self.state != "running":
            self._enter("starting")
            self._change()

    def stop(self) -> None:
        """Stop and stay stopped."""
        self._wanted = False
        self._change()

    def end(self) -> None:
        """Stop for good: `run` returns."""
        self._ended = True
        self.stop()

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
        self._asked_to_end = True
        if self._finish is None or self.state != "running":
            self._scope.cancel()
        else:
            self._finish()
            self._scope.deadline = min(self._scope.deadline, trio.current_time() + FINISH_SECONDS)

    async def settled(self) -> None:
        """Wait until the Connection is as is wanted, or has failed to be."""
        while self.state in (UNSETTLED_START if self._wanted else UNSETTLED_STOP):
            await self._moved.wait()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Supervise until cancelled or ended; reports ready when the first start has succeeded or failed."""
        try:
            await self._supervise(Once(task_status.started))
        finally:
            self.over.set()

    async def _supervise(self, ready: Once) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._ended:
            if not self._wanted:
                ready()
                await self._stay_stopped()
                continue
            began = trio.current_time()
            failure = await self._run_once(ready)
            ready()
            if failure is None:
                pause = FIRST_PAUSE_SECONDS
            elif isinstance(failure, ConfigurationError | LaneStopped):
                self._wanted = False
                self._enter("failed", str(failure))
                self._told("stopped", str(failure), True)
            elif not self._wanted:
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
            self._wanted = False
        return None

    def _started(self, ready: Callable[[], None]) -> None:
        self._enter("running")
        self._told("started", "", False)
        ready()

    async def _stay_stopped(self) -> None:
        if self.state not in ("stopped", "failed"):
            self._enter("stopped")
            self._told("stopped", "", False)
        while not self._wanted and not self._ended:
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
