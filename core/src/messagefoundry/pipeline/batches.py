"""Forming and committing batches: the half of the committer that works in its thread.

Units queue here until they are durable. The trio thread adds them and takes what has been committed; the worker thread
forms batches and commits them. At every moment each unit is somewhere: queued, in a batch, or committed; whoever moves
one or looks at several places holds the lock.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import TYPE_CHECKING, NamedTuple

from messagefoundry.contracts.stores import AheadStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from messagefoundry.contracts.errors import MessageFoundryError
    from messagefoundry.contracts.stores import Store
    from messagefoundry.contracts.units import Mint, Unit

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

LONGEST_USUAL_SECONDS = 0.25
"""A commit that took longer counts as this: an outage says nothing about what is usual."""

STEPS_AHEAD = 8 * RUN_BATCHES
"""As RUN_BATCHES: a batch that is sent ahead takes a few steps."""

LATELY = 1 / 8
"""The weight of the newest batch in what is usual."""


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


@dataclass(slots=True, eq=False)
class Entry:
    """A unit in the queue. `deadline` is on trio's clock.

    `given_up` once its caller was told that it failed, `handed_on` once its continuation has begun.
    """

    unit: Unit
    then: Callable[[], None]
    failed: Callable[[MessageFoundryError], None]
    deadline: float
    size: int
    given_up: bool = False
    handed_on: bool = False


class Flight(NamedTuple):
    """A batch on its way, when it was sent, and whether nothing else was on its way then."""

    batch: Sequence[Entry]
    began: float
    alone: bool


class Batches:
    """The queue of a store, and its work. `hand_on` is called in the worker thread when there is something to take."""

    def __init__(self, store: Store, hand_on: Callable[[], None]) -> None:
        self._store = store
        self._ahead = store if isinstance(store, AheadStore) else None
        self._hand_on = hand_on
        self._ids = count(store.last_id() + 1)
        self._queue: deque[Entry] = deque()
        self._lock = threading.Lock()
        self._sent: deque[Flight] = deque()
        self._committed: deque[Sequence[Entry]] = deque()
        self._usual_units = 0.0
        self._usual_seconds = 0.0
        self.current: Sequence[Entry] = ()
        """The batch that is being committed, or that the store has just refused."""
        self.began = 0.0
        """When the newest batch was formed, on the monotonic clock."""

    # -- in the trio thread --------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many units are queued, on their way, or not yet taken."""
        with self._lock:
            batches = (*(flight.batch for flight in self._sent), self.current, *self._committed)
            return len(self._queue) + sum(map(len, batches))

    @property
    def queued(self) -> Sequence[Entry]:
        """What waits for a batch."""
        with self._lock:
            return tuple(self._queue)

    @property
    def on_their_way(self) -> Sequence[Entry]:
        """What is in a batch that is not committed yet."""
        with self._lock:
            return (*chain.from_iterable(flight.batch for flight in self._sent), *self.current)

    def add(self, entry: Entry) -> None:
        """Queue a unit."""
        with self._lock:
            self._queue.append(entry)

    def taken(self) -> Iterator[Sequence[Entry]]:
        """Take the batches that have been committed, in commit order."""
        while True:
            with self._lock:
                if not self._committed:
                    return
                batch = self._committed.popleft()
            yield batch

    def put_back(self, batch: Sequence[Entry]) -> None:
        """Queue what was in the `current` batch again, at the head, but for what nobody waits for any more."""
        with self._lock:
            self._queue.extendleft(entry for entry in reversed(batch) if not entry.given_up)
            self.current = ()

    def remove(self, unwanted: Callable[[Entry], bool]) -> list[Entry]:
        """Take what is unwanted out of the queue."""
        keep, gone = deque[Entry](), list[Entry]()
        with self._lock:
            for entry in self._queue:
                (gone if unwanted(entry) else keep).append(entry)
            self._queue = keep
        return gone

    # -- in the worker thread ------------------------------------------------------------------------------------

    def work(self) -> None:
        """Commit what is queued, and what is queued meanwhile. Raises what the store says of the `current` batch."""
        if self._ahead is not None and (self._sent or self._usual_seconds >= AHEAD_FROM_SECONDS):
            self._work_ahead(self._ahead)
        else:
            self._work()

    def commit(self, batch: Sequence[Entry]) -> None:
        """Commit a batch. Raises what the store says."""
        self.current, self.began = batch, time.monotonic()
        self._store.commit([entry.unit for entry in batch])
        with self._lock:
            self._committed.append(batch)
            self.current = ()
        self._took(time.monotonic() - self.began)

    def _work(self) -> None:
        for _ in range(RUN_BATCHES):
            if not (batch := self._form()):
                return
            self.commit(batch)
            if not self._queue:
                return  # whose end hands on
            self._hand_on()
            self._linger(len(batch))

    def _linger(self, units: int) -> None:
        """After a batch that is smaller than usual among many senders, let the others catch up: one commit for all.

        Nothing waits after the commit of a lone sender, which therefore never meets this.
        """
        self._usual_units += (units - self._usual_units) * LATELY
        if LEAST_CROWD <= self._usual_units > units:
            took = time.monotonic() - self.began
            time.sleep(min(max(LINGER_SECONDS, took * LINGER_SHARE), LONGEST_LINGER_SECONDS))

    def _took(self, seconds: float) -> None:
        self._usual_seconds += (min(seconds, LONGEST_USUAL_SECONDS) - self._usual_seconds) * LATELY

    def _form(self) -> list[Entry]:
        """Take the next batch: units of distinct rows, or one unit that wants a transaction of its own."""
        self.began = time.monotonic()
        batch = list[Entry]()
        rows: set[int] = set()
        size = 0
        with self._lock:
            for entry in islice(self._queue, BATCH_UNITS):
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
            for _ in batch:
                self._queue.popleft()
            self.current = batch
        mint = self._mint()
        for entry in batch:
            entry.unit.mint(mint)
        return batch

    def _mint(self) -> Mint:
        """What gives the ids of one batch: from the time in microseconds on, or from the id after the last one."""
        self._ids = count(max(now(), next(self._ids)))
        return self._ids.__next__

    # -- with a store that is a wire away ------------------------------------------------------------------------

    def _work_ahead(self, store: AheadStore) -> None:
        """The same, but several are on their way at once, sent at even distances over the usual time of a commit."""
        for _ in range(STEPS_AHEAD):
            rest = self.began + self._usual_seconds / BATCHES_AHEAD - time.monotonic()
            room = len(self._sent) < BATCHES_AHEAD
            if not self._sent or (room and rest <= 0 and self._queue):
                if not self._send_next(store):
                    break
            else:
                self._collect(store, max(rest, LINGER_SECONDS) if room else None)
        self._collect_all(store)

    def _send_next(self, store: AheadStore) -> bool:
        """Form a batch and send it, or commit it as ever, if the store wants it so. False when nothing is queued."""
        batch = self._form()
        if not batch:
            return False
        if store.send([entry.unit for entry in batch]):
            with self._lock:
                self._sent.append(Flight(batch, self.began, alone=not self._sent))
                self.current = ()
            return True
        self._put_back_current()
        self._collect_all(store)
        if batch := self._form():
            self.commit(batch)
            self._hand_on()
        return True

    def _collect_all(self, store: AheadStore) -> None:
        while self._sent:
            self._collect(store, None)

    def _collect(self, store: AheadStore, within: float | None) -> None:
        """Wait for the oldest batch sent, `within` so many seconds. If it fails, what is behind it is queued again."""
        try:
            if not store.collect(within):
                return
        except BaseException:
            self._ground()
            raise
        with self._lock:
            flight = self._sent.popleft()
            self._committed.append(flight.batch)
        if flight.alone:
            self._took(time.monotonic() - flight.began)
        self._hand_on()

    def _ground(self) -> None:
        """The oldest batch sent has failed and is the `current` one; those behind it are queued again, in order."""
        with self._lock:
            self.current = self._sent.popleft().batch
            while self._sent:
                self._queue.extendleft(reversed(self._sent.pop().batch))

    def _put_back_current(self) -> None:
        with self._lock:
            self._queue.extendleft(reversed(self.current))
            self.current = ()
