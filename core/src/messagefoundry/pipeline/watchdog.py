"""The watchdog over the event loop: it notices that nothing was answered for a while, and names the code that ran.

Pure Python and blocking calls in Handlers leave the loop its turns. Code that keeps the interpreter's lock does not: C
extensions, or a costly regular expression. Then the watchdog's own thread stands still too, and finds out by the clock.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from messagefoundry.pipeline.intake import Note

log = logging.getLogger(__name__)

HELD_SECONDS = 1.0
PAUSE_SECONDS = 0.1

ENGINE = "engine"
"""What a hold is noted under when no author's code can be blamed for it."""

MEND = (
    "code that keeps the interpreter's lock, such as a C extension or a costly regular expression, stops everything "
    "else: let it run in a process of its own, with subprocess or multiprocessing"
)
INNOCENT = "no Router or Handler ran then: the process was stopped, the machine was overloaded, or a plugin blocked"


class Run:
    """One call of an author's function, as a block: `kind` is Router or Handler."""

    __slots__ = ("_thread", "began", "ended", "inbound", "kind", "name")

    def __init__(self, kind: str, name: str, inbound: str) -> None:
        self.kind = kind
        self.name = name
        self.inbound = inbound

    def __enter__(self) -> None:
        self._thread = threading.get_ident()
        self.began = monotonic()
        _running[self._thread] = self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del _running[self._thread]
        self.ended = monotonic()
        if self.ended - self.began >= HELD_SECONDS / 2:
            _long.append(self)

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}' of {self.inbound}"


_running: dict[int, Run] = {}
"""What runs now, by thread; each thread changes its own entry alone."""

_long: deque[Run] = deque(maxlen=16)
"""The last runs that took long: when the watchdog gets its turn, the one that held everybody may be over."""


def ran_between(begin: float, end: float) -> list[Run]:
    """The calls that filled most of a span of the monotonic clock."""
    spans = [(run, run.ended) for run in list(_long)] + [(run, end) for run in list(_running.values())]
    enough = (end - begin) / 2
    return [run for run, ended in spans if min(ended, end) - max(run.began, begin) >= enough]


class Turn:
    """A turn of the loop that was asked for."""

    def __init__(self) -> None:
        self._taken = threading.Event()
        self.at = 0.0

    def take(self) -> None:
        """Note when, in the trio thread."""
        self.at = monotonic()
        self._taken.set()

    def taken(self, within: float) -> bool:
        """Wait for it in another thread; whether it came in time."""
        return self._taken.wait(within)


class Watchdog:
    """Watches the loop in which `run` is called. `note` is told there of every hold, once it is over."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._stopped = threading.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch until cancelled."""
        token = trio.lowlevel.current_trio_token()
        threading.Thread(target=self._watch, args=(token,), name="watchdog", daemon=True).start()
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            self._stopped.set()

    def _watch(self, token: trio.lowlevel.TrioToken) -> None:
        last = monotonic()
        try:
            while not self._stopped.wait(PAUSE_SECONDS):
                turn = Turn()
                token.run_sync_soon(turn.take)
                if not turn.taken(HELD_SECONDS):
                    log.warning("the event loop has not turned for %s", held_text(last, monotonic()))
                    self._until_taken(turn)
                if turn.at - last - PAUSE_SECONDS >= HELD_SECONDS:
                    token.run_sync_soon(self._tell, last, turn.at)
                last = turn.at
        except trio.RunFinishedError:
            return

    def _until_taken(self, turn: Turn) -> None:
        while not turn.taken(HELD_SECONDS) and not self._stopped.is_set():
            pass

    def _tell(self, last: float, at: float) -> None:
        if not self._stopped.is_set():
            runs = ran_between(last, at)
            place = runs[0].inbound if runs else ENGINE
            self._note(place, "event loop held", f"for {held_text(last, at)}", alert=bool(runs))


def held_text(last: float, at: float) -> str:
    """How long the loop has not turned since `last`, while what ran."""
    seconds = f"{at - last - PAUSE_SECONDS:.1f} s"
    runs = ran_between(last, at)
    return f"{seconds} while {listed(runs)} ran: {MEND}" if runs else f"{seconds}; {INNOCENT}"


def listed(runs: Iterable[Run]) -> str:
    """Each of these calls once, by name."""
    return " and ".join(dict.fromkeys(map(str, runs)))
