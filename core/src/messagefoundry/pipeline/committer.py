"""Group commit: units of work gather while the previous commit is in flight, then go into one transaction.

A unit carries a continuation that runs in the trio thread right after its commit, in commit order, before the caller
wakes: whoever waits may be cancelled, and the work goes on. The committer mints the ids as it forms a batch, so that
id order is commit order. Its worker thread forms and commits batch after batch while there is work: between two commits
nobody is woken, and the trio thread hands the first batch on while the second is being committed.

When the store cannot commit, the batch stays at the head of the queue, in order, until it can; a unit with a deadline
(a receive, whose sender waits) is failed when that has passed. A unit that fails for itself is found by committing the
batch's units one by one, and fails alone.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice
from typing import TYPE_CHECKING, NamedTuple

import trio

from messagefoundry.contracts.errors import CorruptStore, Fenced, MessageFoundryError, StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.stores import AheadStore
from messagefoundry.pipeline.crossing import Crossing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.stores import Store
    from messagefoundry.contracts.units import Mint, Unit

log = logging.getLogger(__name__)

BATCH_UNITS = 512
BATCH_BYTES = 32 * 1024 * 1024
RUN_BATCHES = 32
"""Batches after which the worker thread reports, however much work there is: so a cancellation is noticed."""

LEAST_CROWD = 5
"""Units a batch, on average, from which on there are others to wait for after a smaller one."""

LINGER_SECONDS = 0.0008
LINGER_SHARE = 1 / 6
"""The rest after a commit: so many seconds, or this share of the commit's own time if that is longer."""

LONGEST_LINGER_SECONDS = 0.005
BATCHES_AHEAD = 4
"""Batches on their way at once to a store that is a wire away."""

AHEAD_FROM_SECONDS = 0.004
"""A usual commit time from which on sending ahead is worth its smaller batches."""

HANGING_SECONDS = 10
WATCH_SECONDS = 1.0
RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)

Continuation = Callable[[], None]
Failure = Callable[[MessageFoundryError], None]


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


@dataclass(slots=True, eq=False)
class Entry:
    """A unit in the queue. `deadline` is on trio's clock; `given_up` once its caller was told to wait no longer."""

    unit: Unit
    then: Continuation
    failed: Failure
    deadline: float
    size: int
    given_up: bool = False


class Flight(NamedTuple):
    """A batch on its way, and when it was sent."""

    batch: Sequence[Entry]
    began: float


def drop(error: MessageFoundryError) -> None:
    """The failure of a unit whose loss changes nothing durable; it is logged, not raised."""
    log.warning("a unit of work was not committed: %s", error)


class Committer:
    """The one writer of a store. Works while `run` does; `drained` waits for what is queued to be committed."""

    def __init__(self, store: Store, *, on_outage: Callable[[StoreUnavailable | None], None] | None = None) -> None:
        self._store = store
        self._ahead = store if isinstance(store, AheadStore) else None
        self._queue: deque[Entry] = deque()
        self._in_flight: Sequence[Entry] = ()
        self._sent: deque[Flight] = deque()
        self._left: Sequence[Entry] = ()
        self._fault: Exception | None = None
        self._committed: deque[Sequence[Entry]] = deque()
        self._forming = threading.Lock()
        self._wake = trio.Event()
        self._idle = trio.Event()
        self._thread: Crossing | None = None
        self._ids = count(store.last_id() + 1)
        self._on_outage = on_outage
        self._began = 0.0
        self._usual_units = 0.0
        self._usual_seconds = 0.0
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
        self._queue.append(entry)
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
        on_their_way = sum(map(len, (*(flight.batch for flight in self._sent), *self._committed)))
        return len(self._queue) + len(self._in_flight) + len(self._left) + on_their_way

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
            if not self._queue:
                self._idle.set()
                self._idle = trio.Event()
                self._wake = trio.Event()
                await self._wake.wait()
            far = self._ahead is not None and self._usual_seconds >= AHEAD_FROM_SECONDS
            failure = await self._in_thread(self._commit_ahead if far else self._commit_batches)
            if isinstance(failure, StoreUnavailable):
                await self._wait_for_store(self._in_flight, failure)
            elif failure is not None:  # one unit's own; committing singly finds which
                await self._commit_singly(self._in_flight, failure)

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

    # -- in the worker thread ------------------------------------------------------------------------------------

    def _commit_batches(self) -> None:
        """Commit what is queued, and what is queued meanwhile. Raises what the store says of the batch in flight."""
        for _ in range(RUN_BATCHES):
            if not (batch := self._form()):
                return
            self._commit_now(batch)
            if not self._queue:
                return  # whose end hands on
            self._token.run_sync_soon(self._hand_on_early, idempotent=True)
            self._linger(len(batch))

    def _linger(self, units: int) -> None:
        """After a batch that is smaller than usual among many senders, let the others catch up: one commit for all.

        Nothing waits after the commit of a lone sender, which therefore never meets this.
        """
        self._usual_units += (units - self._usual_units) / 8
        if LEAST_CROWD <= self._usual_units > units:
            took = time.monotonic() - self._began
            time.sleep(min(max(LINGER_SECONDS, took * LINGER_SHARE), LONGEST_LINGER_SECONDS))

    def _commit_now(self, batch: Sequence[Entry]) -> None:
        self._in_flight, self._began = batch, time.monotonic()
        self._store.commit([entry.unit for entry in batch])
        self._committed.append(batch)
        self._in_flight = ()
        self._took(time.monotonic() - self._began)

    def _took(self, seconds: float) -> None:
        self._usual_seconds += (seconds - self._usual_seconds) / 8

    # -- in the worker thread, with a store that is a wire away ----------------------------------------------------

    def _commit_ahead(self) -> None:
        """The same, but several are on their way at once, sent at even distances over the usual time of a commit."""
        for _ in range(8 * RUN_BATCHES):  # steps, of which a batch takes a few
            rest = self._began + self._usual_seconds / BATCHES_AHEAD - time.monotonic()
            if not self._sent or (rest <= 0 and len(self._sent) < BATCHES_AHEAD and self._queue):
                if not self._send_next():
                    return
            elif len(self._sent) < BATCHES_AHEAD:
                self._collect(max(rest, LINGER_SECONDS))
            else:
                self._collect()
        self._collect_all()

    def _send_next(self) -> bool:
        """Form a batch and send it, or commit it as ever, if the store wants it so. False when nothing is queued."""
        assert self._ahead is not None
        batch = self._form()
        if not batch:
            return False
        if self._ahead.send([entry.unit for entry in batch]):
            self._sent.append(Flight(batch, self._began))
            self._in_flight = ()
            return True
        self._put_back(batch)
        self._in_flight = ()
        self._collect_all()
        if batch := self._form():
            self._commit_now(batch)
            self._token.run_sync_soon(self._hand_on_early, idempotent=True)
        return True

    def _collect_all(self) -> None:
        while self._sent:
            self._collect()

    def _collect(self, within: float | None = None) -> None:
        """Wait for the oldest batch on its way, `within` so many seconds. If it fails, the others are queued again."""
        assert self._ahead is not None
        try:
            if not self._ahead.collect(within):
                return
        except BaseException:
            self._in_flight = self._sent[0].batch
            self._sent.popleft()
            while self._sent:
                self._put_back(self._sent[-1].batch)
                self._sent.pop()
            raise
        self._committed.append(self._sent[0].batch)
        self._took(time.monotonic() - self._sent.popleft().began)
        self._token.run_sync_soon(self._hand_on_early, idempotent=True)

    def _put_back(self, batch: Sequence[Entry]) -> None:
        """At the head of the queue, but for what nobody waits for any more."""
        with self._forming:
            self._queue.extendleft(entry for entry in reversed(batch) if not entry.given_up)

    # -- in the worker thread, both ways -----------------------------------------------------------------------------

    def _form(self) -> list[Entry]:
        """Take the next batch: units of distinct rows, or one unit that wants a transaction of its own."""
        self._began = time.monotonic()
        self._in_flight = batch = list[Entry]()
        rows: set[int] = set()
        size = 0
        with self._forming:
            for entry in list(islice(self._queue, BATCH_UNITS)):  # a copy: the trio thread goes on adding
                unit = entry.unit
                row = unit.row
                size += entry.size
                if batch and (row in rows or size > BATCH_BYTES or unit.alone):
                    break
                batch.append(entry)
                if row is not None:
                    rows.add(row)
                if unit.alone:
                    break
            for _ in batch:  # when they are in flight: at every moment each entry is somewhere
                self._queue.popleft()
        mint = self._mint()
        for entry in batch:
            entry.unit.mint(mint)
        return batch

    def _mint(self) -> Mint:
        """What gives the ids of one batch: from the time in microseconds on, or from the id after the last one."""
        self._ids = count(max(now(), next(self._ids)))
        return self._ids.__next__

    # -- after a commit, in the trio thread ----------------------------------------------------------------------

    def _hand_on_early(self) -> None:
        """Hand on while the thread goes on committing; a fault of ours is raised by the committer's own task."""
        try:
            if self._fault is None:
                self._hand_on()
        except Exception as error:  # noqa: BLE001 - kept, and raised in order
            self._fault = error

    def _hand_on(self) -> None:
        """Run the continuations of what has been committed, in commit order."""
        while self._committed:
            batch = self._committed.popleft()
            self.commits += 1
            self.units += len(batch)
            if self.outage is not None:
                self._set_outage(None)
            for entry in batch:
                entry.then()

    async def _commit_singly(self, batch: Sequence[Entry], error: Exception) -> None:
        self._set_outage(None)
        if len(batch) == 1:
            self._fail(batch[0], error)
            batch = ()
        for position, entry in enumerate(batch):
            self._left = batch[position + 1 :]
            failure = await self._in_thread(partial(self._commit_now, (entry,)))
            if isinstance(failure, StoreUnavailable):
                self._left = ()
                await self._wait_for_store(batch[position:], failure)
                return
            if failure is not None:
                self._fail(entry, failure)
        self._in_flight = ()

    def _fail(self, entry: Entry, error: Exception) -> None:
        if entry.given_up:
            return
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
        self._put_back(batch)
        self._in_flight = ()
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
        keep, over = deque[Entry](), list[Entry]()
        with self._forming:
            for entry in self._queue:
                ended = entry.deadline <= clock or (entry.deadline < math.inf and isinstance(error, CorruptStore))
                (over if ended else keep).append(entry)
            self._queue = keep
        for entry in over:
            self._fail(entry, error)

    async def _watch(self) -> None:
        """Let go of callers whose commit hangs: its outcome is unknown, and they must answer somebody."""
        while True:
            await trio.sleep(WATCH_SECONDS)
            clock = trio.current_time()
            in_flight = (*chain.from_iterable(flight.batch for flight in tuple(self._sent)), *self._in_flight)
            waited_for = (*in_flight, *self._left)
            overdue = [entry for entry in waited_for if entry.deadline <= clock and not entry.given_up]
            if in_flight and time.monotonic() - self._began >= HANGING_SECONDS:
                self._set_outage(StoreUnavailable(f"a commit has not returned for {HANGING_SECONDS} s"))
            if any(entry.deadline <= clock for entry in tuple(self._queue)):  # a copy: the thread takes from it
                self._expire()
            for entry in overdue:
                entry.given_up = True
                entry.failed(StoreUnavailable("the store has not answered in time"))
