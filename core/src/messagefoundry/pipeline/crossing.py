"""A crossing: one worker thread of its own, for calls that come one at a time and very often.

`trio.to_thread.run_sync` costs about 65 µs a call; this costs about 37, because the thread stays and nothing is named,
limited or looked up for each call. What it gives up: one call at a time, and the thread belongs to whoever made it.
"""

from __future__ import annotations

import contextvars
import queue
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Call(Generic[T]):
    """One call: its function, who waits for it, and what it gave. `over` is set in the trio thread when it is done."""

    __slots__ = ("_error", "_function", "_result", "_task", "over")

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._task: trio.lowlevel.Task | None = None
        self._result: T | None = None
        self._error: BaseException | None = None
        self.over = trio.Event()

    def execute(self) -> None:
        """Run the function, in the worker thread."""
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001, ASYNC103 - it is raised where the call was made
            self._error = error

    def finish(self) -> None:
        """Wake who waits, in the trio thread; nobody does any more when the call was abandoned."""
        self.over.set()
        task, self._task = self._task, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    async def wait(self, *, abandon: bool) -> T:
        """Wait for the outcome. Cancelling gives the call up with `abandon`, else it is waited for all the same."""
        if not self.over.is_set():
            self._task = trio.lowlevel.current_task()

            def abort(_: object) -> trio.lowlevel.Abort:
                if not abandon:
                    return trio.lowlevel.Abort.FAILED
                self._task = None
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(abort)
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]


class Crossing:
    """The thread. Made in the trio thread; runs in the context of that moment; `close` lets it end."""

    def __init__(self, name: str) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._context = contextvars.copy_context()
        self._calls: queue.SimpleQueue[Call[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def begin(self, function: Callable[[], T]) -> Call[T]:
        """Hand a call to the thread, which runs it after those before it."""
        call = Call(function)
        self._calls.put(call)
        return call

    def processor_seconds(self) -> float:
        """Processor time that the thread has used; 0 where the operating system does not tell."""
        if sys.platform == "win32" or not self._thread.is_alive():
            return 0.0
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident or 0))

    def close(self) -> None:
        """Let the thread end after the calls that it has."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            self._context.run(call.execute)
            try:
                self._token.run_sync_soon(call.finish)
            except trio.RunFinishedError:
                return
