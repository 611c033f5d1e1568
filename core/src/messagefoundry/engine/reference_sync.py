"""One reference set of a running engine: read from its source on a cadence, its last good copy kept.

Rows are read and checked whole in a worker thread, committed as one snapshot, and shown to Handlers after that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from math import inf
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.ciphers import UnreadableValue
from messagefoundry.contracts.errors import MessageFoundryError, SourceUnreadable, fault_site
from messagefoundry.contracts.units import KeepReference
from messagefoundry.wiring.reference_content import content_of, values_of
from messagefoundry.wiring.reference_sets import ReferenceSet

if TYPE_CHECKING:
    from messagefoundry.contracts.stores import StoreReader
    from messagefoundry.pipeline.committer import Committer
    from messagefoundry.wiring.graph import DeclaredReference

READ_SECONDS = 300.0
"""How long a source may take to give all of its rows."""

COMMIT_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

Told = Callable[["Synced", str, str], None]
"""Hears of a set what happened to it ("synced", "not synced", "stale") and a detail."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A good copy of a set; `digest` tells whether another one has the same rows.

    `synced_at` is when reading it began, in microseconds since the epoch.
    """

    values: ReferenceSet
    digest: bytes
    synced_at: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source gave, checked: its rows as bytes for the store, and the copy for Handlers."""

    content: bytes
    copy: Copy


def fetched(declared: DeclaredReference, old: Copy | None, read_at: int) -> Fetched:
    """Read a source and check all that it gives; rows that have not changed are those of `old`.

    Blocks. Raises SourceUnreadable, and what a plugin may raise.
    """
    content = content_of(declared.read())
    if old is not None and old.digest == blake2b(content).digest():
        return Fetched(content, replace(old, synced_at=read_at))
    return Fetched(content, copy_of(declared.name, content, read_at))


def copy_of(name: str, content: bytes, synced_at: int) -> Copy:
    """The copy that the store keeps as `content`. Raises ValueError for what is no such content."""
    return Copy(ReferenceSet(name, values_of(content)), blake2b(content).digest(), synced_at)


class Synced:
    """One set. `clock` gives microseconds since the epoch; `told` hears what happens to the set."""

    def __init__(self, declared: DeclaredReference, committer: Committer, told: Told, clock: Callable[[], int]) -> None:
        self.declared = declared
        self.copy: Copy | None = None
        self.problem = ""
        """Why the last reading failed; "" when it did not."""
        self.first_try = trio.Event()
        self._scope = trio.CancelScope()
        self._over = trio.Event()
        self._committer = committer
        self._told = told
        self._clock = clock
        self._limiter = trio.CapacityLimiter(1)
        self._lock = trio.Lock()
        self._failures = 0
        self._doubtful = False
        """Whether the store may have other rows than `copy`: a commit that failed may have succeeded later."""

    # -- what is kept --------------------------------------------------------------------------------------------

    def restore(self, reader: StoreReader) -> None:
        """Begin with the copy that the store has; one that cannot be read is none. Blocks."""
        try:
            kept = reader.reference(self.declared.name)
            if kept is not None:
                self.copy = copy_of(self.declared.name, kept.content, kept.synced_at)
        except (UnreadableValue, ValueError):
            self.problem = "the copy in the store cannot be read"

    def adopt(self, before: Synced) -> None:
        """Begin with the copy of a set that was declared otherwise."""
        self.copy, self._doubtful = before.copy, before._doubtful

    def doubt(self) -> None:
        """The store may have other rows by now."""
        self._doubtful = True

    @property
    def age_seconds(self) -> float:
        """How old the copy is; infinity where there is none."""
        return inf if self.copy is None else max(0.0, (self._clock() - self.copy.synced_at) / 1_000_000)

    @property
    def is_stale(self) -> bool:
        """Whether the copy is older than it may be."""
        limit = self.declared.max_staleness_seconds
        return self.copy is not None and bool(limit) and self.age_seconds > limit

    # -- reading -------------------------------------------------------------------------------------------------

    def begin(self, nursery: trio.Nursery, *, at_once: bool) -> None:
        """Sync on the cadence from now on; `at_once` even where a copy is young enough."""
        self._scope, self._over = trio.CancelScope(), trio.Event()
        pause = 0.0 if at_once or self.copy is None else self.declared.refresh_seconds - self.age_seconds
        nursery.start_soon(self._run, pause)

    async def end(self) -> None:
        """Sync no more, and wait until what was begun is over."""
        self._scope.cancel()
        await self._over.wait()

    async def _run(self, pause: float) -> None:
        try:
            with self._scope:
                while True:
                    await self._wait(pause)
                    await self.sync()
                    pause = self._pause()
        finally:
            self._over.set()

    async def sync(self) -> bool:
        """Read the source, keep what it has and show it; whether that succeeded. The copy stays when it did not."""
        async with self._lock:
            try:
                await self.keep(await self.fetch())
            except MessageFoundryError as error:
                self.failed(str(error))
            except Exception as error:  # noqa: BLE001 - a source is a plugin; its fault must not stop the engine
                self.failed(fault_site(error))
            self.first_try.set()
            self._look_at_age()
            return not self.problem

    async def fetch(self, within: float = READ_SECONDS) -> Fetched:
        """What the source has now. Raises SourceUnreadable, also when it does not answer in time."""
        with trio.move_on_after(within):
            read = partial(fetched, self.declared, self.copy, self._clock())
            return await trio.to_thread.run_sync(read, limiter=self._limiter, abandon_on_cancel=True)
        raise SourceUnreadable(f"{self.declared.origin()} did not answer in {within:.0f} s")

    async def keep(self, found: Fetched) -> None:
        """Commit rows, or only the time when they are the same, and show them then. Raises MessageFoundryError."""
        same = self.copy is not None and self.copy.digest == found.copy.digest
        content = None if same and not self._doubtful else found.content
        unit = KeepReference(self.declared.name, content, found.copy.synced_at)
        self._doubtful = True
        await self._committer.commit(unit, patience=COMMIT_SECONDS)
        self._doubtful = False
        self.copy = found.copy
        if not same or self.problem:
            count = len(found.copy.values)
            self._told(self, "synced", f"{count:,} row{'' if count == 1 else 's'}")
        self.problem, self._failures = "", 0

    def failed(self, text: str) -> None:
        """The source could not be read, or its rows not be kept."""
        self.problem = text
        self._failures += 1
        self._told(self, "not synced", text)

    # -- when ----------------------------------------------------------------------------------------------------

    def _pause(self) -> float:
        """Seconds to the next reading: sooner than usual after one that failed."""
        usual = self.declared.refresh_seconds
        if not self.problem:
            return usual
        return min(usual, LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 10))

    async def _wait(self, seconds: float) -> None:
        """Wait so long, looking up when the copy becomes too old meanwhile."""
        end = trio.current_time() + seconds
        while (left := end - trio.current_time()) > 0:
            await trio.sleep(min(left, self._until_stale()))
            self._look_at_age()

    def _until_stale(self) -> float:
        limit = self.declared.max_staleness_seconds
        return inf if not limit or self.copy is None or self.is_stale else limit - self.age_seconds + 0.001

    def _look_at_age(self) -> None:
        if self.is_stale:
            self._told(self, "stale", f"its last good copy is older than {self.declared.max_staleness_seconds:g} s")
