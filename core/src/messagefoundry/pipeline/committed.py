"""Waiting for one commit, by the task that asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from messagefoundry.contracts.errors import MessageFoundryError
    from messagefoundry.pipeline.replies import Expectation


class Committed:
    """Waits for one commit; `hand_on` runs in the commit's own step, and is told whether anybody still waits."""

    __slots__ = ("_done", "_hand_on", "_task", "error", "expectation")

    def __init__(self, hand_on: Callable[[bool], Expectation | None]) -> None:
        self._hand_on = hand_on
        self._done = False
        self._task: trio.lowlevel.Task | None = None
        self.error: MessageFoundryError | None = None
        self.expectation: Expectation | None = None

    def succeed(self) -> None:
        """The commit is durable."""
        self.expectation = self._hand_on(self._task is not None)
        self._wake()

    def fail(self, error: MessageFoundryError) -> None:
        """The commit failed, or has taken too long."""
        self.error = error
        self._wake()

    def _wake(self) -> None:
        self._done = True
        task, self._task = self._task, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    async def wait(self) -> None:
        """Wait for either; one task does, so nothing is made for it to wait on."""
        if self._done:
            return
        self._task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._give_up)

    def _give_up(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
