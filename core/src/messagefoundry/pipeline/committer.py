"""Group commit: units of work gather while the previous commit is in flight, then go into one transaction.

A unit carries a continuation that runs in the trio thread right after its commit, in commit order, before the caller
wakes: whoever waits may be cancelled, and the work goes on. Ids are minted as a batch is formed, so that id order is
commit order. A worker thread forms and commits batch after batch while there is work (`Batches`): between two commits
nobody is woken, and the trio thread hands the first batch on while the second is being committed.

When the store cannot commit, the batch stays at the head of the queue, in order, until it can; a unit with a deadline
(a receive, whose sender waits) is failed when that has passed. A unit that fails for itself is found by committing the
batch's units one by one, and fails alone.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.errors import CorruptStore, Fenced, MessageFoundryError, StoreUnavailable, UnstorableUnit
from messagefoundry.pipeline.batches import Batches, Entry, now
from messagefoundry.pipeline.crossing import Crossing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.stores import Store
    from messagefoundry.contracts.units import Unit

__all__ = ["Committer", "Continuation", "Failure", "now"]

log = logging.getLogger(__name__)

HANGING_SECONDS = 10
WATCH_SECONDS = 1.0
RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)

Continuation = Callable[[], None]
Failure = Callable[[MessageFoundryError], None]


def drop(error: MessageFoundryError) -> None:
    """The failure of a unit whose loss changes nothing durable; it is logged, not raised."""
    log.warning("a unit of work was not committed: %s", error)


class Committer:
    """The one writer of a store. Works while `run` does; `drained` waits for what is queued to be committed."""

    def __init__(self, store: Store, *, on_outage: Callable[[StoreUnavailable | None], None] | None = None) -> None:
        self._batches = Batches(store, self._soon)
        self._left: Sequence[Entry] = ()
        self._fault: Exception | None = None
        self._wake = trio.Event()
        self._idle = trio.Event()
        self._thread: Crossing | None = None
        self._on_outage = on_outage
        self._outages = 0
        self._back = trio.Event()
        self.outage: StoreUnavailable | None = None
        self.commits = 0
        self.units = 0

    # -- for callers ---------------------------------------------------------------------------------------------

    def submit(
        self,
        unit: Unit,
        then: Continuation,
        failed: Failure = drop,
        *,
        deadline: float = math.inf,
        size: int = 0,
    ) -> Entry:
        """Queue a unit. `then` or `failed` runs once, in the trio thread.

        Only a unit with a `deadline` can meet both: a commit that hangs beyond it fails the caller, and should it
        succeed after all, `then` hands the work on.
        """
        entry = Entry(unit, then, failed, deadline, size)
        self._batches.add(entry)
        self._wake.set()
        return entry

    async def commit(self, unit: Unit, then: Continuation | None = None, *, patience: float = math.inf) -> None:
        """Queue a unit and wait until it is committed and `then` has run.

        Raises what the store said: StaleUnit, or StoreUnavailable after `patience` seconds without a commit. A caller
        that is cancelled leaves the unit in the queue.
        """
        done = trio.Event()
        failure: list[MessageFoundryError] = []

        def committed() -> None:
            if then is not None:
                then()
            done.set()

        def failed(error: MessageFoundryError) -> None:
            failure.append(error)
            done.set()

        self.submit(unit, committed, failed, deadline=trio.current_time() + patience)
        await done.wait()
        if failure:
            raise failure[0]

    @property
    def waiting(self) -> int:
        """How many units wait or are in flight."""
        return len(self._batches) + len(self._left)

    async def available(self) -> None:
        """Wait while the store cannot commit."""
        while self.outage is not None:
            await self._back.wait()

    async def drained(self) -> None:
        """Wait until nothing is queued or in flight."""
        while self.waiting:
            await self._idle.wait()

    # -- the work ------------------------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Commit until cancelled. Raises Fenced when another engine has taken the store over."""
        self._thread = Crossing("committer")
        self._token = trio.lowlevel.current_trio_token()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch)
                task_status.started()
                await self._commit_for_ever()
        finally:
            self._thread.close()

    async def _commit_for_ever(self) -> None:
        while True:
            await trio.lowlevel.checkpoint_if_cancelled()
            if not self._batches:
                self._idle.set()
                self._idle = trio.Event()
                self._wake = trio.Event()
                await self._wake.wait()
            failure = await self._in_thread(self._batches.work)
            if isinstance(failure, StoreUnavailable):
                await self._wait_for_store(self._batches.current, failure)
            elif failure is not None:  # one unit's own; committing singly finds which
                await self._commit_singly(self._batches.current, failure)

    async def _in_thread(self, work: Callable[[], None]) -> Exception | None:
        """Let the worker thread work, hand on whatever it has committed, and give what the store raised."""
        assert self._thread is not None
        failure: Exception | None = None
        try:
            await self._thread.begin(work).wait(abandon=False)
        except Exception as error:  # noqa: BLE001 - decided about where it is known what was to be committed
            failure = error
        if self._fault is not None:
            raise self._fault
        self._hand_on()
        return failure

    # -- after a commit, in the trio thread ----------------------------------------------------------------------

    def _soon(self) -> None:
        """Have it handed on, while the worker thread, in which this is called, goes on."""
        self._token.run_sync_soon(self._hand_on_early, idempotent=True)

    def _hand_on_early(self) -> None:
        """Hand on while the thread goes on committing; a fault of ours is raised by the committer's own task."""
        try:
            if self._fault is None:
                self._hand_on()
        except Exception as error:  # noqa: BLE001 - kept, and raised in order
            self._fault = error

    def _hand_on(self) -> None:
        """Run the continuations of what has been committed, in commit order."""
        for batch in self._batches.taken():
            self.commits += 1
            self.units += len(batch)
            if self.outage is not None:
                self._set_outage(None)
            for entry in batch:
                entry.handed_on = True
                entry.then()

    async def _commit_singly(self, batch: Sequence[Entry], error: Exception) -> None:
        self._set_outage(None)
        if len(batch) == 1:
            self._fail(batch[0], error)
            batch = ()
        for position, entry in enumerate(batch):
            self._left = batch[position:]
            failure = await self._in_thread(partial(self._batches.commit, (entry,)))
            if isinstance(failure, StoreUnavailable):
                self._left = ()
                await self._wait_for_store(batch[position:], failure)
                return
            if failure is not None:
                self._fail(entry, failure)
        self._left = ()
        self._batches.current = ()

    def _fail(self, entry: Entry, error: Exception) -> None:
        if entry.given_up or entry.handed_on:
            return
        entry.given_up = True
        if isinstance(error, MessageFoundryError):
            entry.failed(error)
        else:
            log.error("the store refused a %s: %s", type(entry.unit).__name__, type(error).__name__)
            entry.failed(UnstorableUnit(f"the store cannot hold a {type(entry.unit).__name__}: {type(error).__name__}"))

    async def _wait_for_store(self, batch: Sequence[Entry], error: StoreUnavailable) -> None:
        """Put the batch back at the head, fail what cannot wait, and give the store a little time.

        Raises Fenced: the store will not come back to this engine.
        """
        if isinstance(error, Fenced):
            raise error
        self._batches.put_back(batch)
        self._set_outage(error)
        pause = RETRY_SECONDS[min(self._outages, len(RETRY_SECONDS) - 1)]
        self._outages += 1
        self._expire()
        await trio.sleep(pause)
        self._expire()

    def _set_outage(self, error: StoreUnavailable | None) -> None:
        if error is None:
            self._outages = 0
        changed = type(error) is not type(self.outage)
        self.outage = error
        if error is None:
            self._back.set()
            self._back = trio.Event()
        if changed and self._on_outage is not None:
            self._on_outage(error)

    def _expire(self) -> None:
        """Fail the units whose callers have waited long enough; they leave the queue uncommitted."""
        error = self.outage or StoreUnavailable()
        clock = trio.current_time()

        def ended(entry: Entry) -> bool:
            return entry.deadline <= clock or (entry.deadline < math.inf and isinstance(error, CorruptStore))

        for entry in self._batches.remove(ended):
            self._fail(entry, error)

    async def _watch(self) -> None:
        """Let go of callers whose commit hangs: its outcome is unknown, and they must answer somebody."""
        while True:
            await trio.sleep(WATCH_SECONDS)
            clock = trio.current_time()
            on_their_way = self._batches.on_their_way
            waited_for = (*on_their_way, *self._left)
            overdue = [entry for entry in waited_for if entry.deadline <= clock]
            if on_their_way and time.monotonic() - self._batches.began >= HANGING_SECONDS:
                self._set_outage(StoreUnavailable(f"a commit has not returned for {HANGING_SECONDS} s"))
            if any(entry.deadline <= clock for entry in self._batches.queued):
                self._expire()
            for entry in overdue:
                self._fail(entry, StoreUnavailable("the store has not answered in time"))
