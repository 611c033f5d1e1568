"""`MemoryStore`: the writing side of a store in memory, and the factory that keeps what was written while it is closed.

It is the model: what a store does with each unit, as plainly as it can be said. It passes the store kit.
"""

from __future__ import annotations

import os
import socket
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts import units as kinds
from messagefoundry.contracts.errors import ConfigurationError, EngineRunning, Problem, StoreUnavailable
from messagefoundry.testing.memory import arriving, happening, keeping, refilling, repeating
from messagefoundry.testing.memory.reading import MemoryReader
from messagefoundry.testing.memory.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.stores import StoreLocation
    from messagefoundry.contracts.units import Unit

APPLY: dict[type[Unit], Callable[[Tables, Cipher, Any], None]] = {
    kinds.Receive: happening.receive,
    kinds.ReceiveOnce: arriving.receive_once,
    kinds.ForgetOnce: arriving.forget_once,
    kinds.ReceiveBatch: arriving.receive_batch,
    kinds.Refuse: happening.refuse,
    kinds.HandOff: happening.hand_off,
    kinds.SettleDelivered: happening.deliver,
    kinds.SettleRetry: happening.retry,
    kinds.SettleDead: happening.die,
    kinds.MarkAttempt: happening.mark_attempt,
    kinds.NoteLateAnswer: happening.answer_late,
    kinds.NoteConnection: happening.note,
    kinds.HoldConnection: happening.hold,
    kinds.MarkRunning: happening.mark_running,
    kinds.KeepReference: keeping.keep_reference,
    kinds.ReadBookmark: refilling.read_bookmark,
    kinds.RefillLane: refilling.refill_lane,
    kinds.RefillFlow: refilling.refill_flow,
    kinds.Replay: repeating.replay,
    kinds.ReplayDead: repeating.replay_dead,
    kinds.Resend: repeating.resend,
    kinds.DeadLetter: repeating.dead_letter,
    kinds.SweepRemoved: repeating.sweep_removed,
}
"""What is done for each kind of unit."""


class Disk:
    """Where one store's tables lie while it is open and while it is closed. `holder` says who has the store."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.holder = ""
        self.outage: StoreUnavailable | None = None
        """What `commit` raises; set it to take the database away."""


class MemoryStore:
    """A `Store`. Units are applied to a copy of all tables, which then takes their place: all of a batch or nothing."""

    def __init__(self, disk: Disk, cipher: Cipher) -> None:
        self.disk = disk
        self._cipher = cipher

    def commit(self, units: Sequence[Unit]) -> None:
        """Apply all units, or none. See `Store.commit`."""
        if self.disk.outage is not None:
            raise self.disk.outage
        tables = self.disk.tables.copy()
        for unit in units:
            self.apply(tables, unit)
        self.disk.tables = tables

    def apply(self, tables: Tables, unit: Unit) -> None:
        """Apply one unit."""
        unit.clear()
        APPLY[type(unit)](tables, self._cipher, unit)

    def last_id(self) -> int:
        """The highest id in any table, 0 for none."""
        return self.disk.tables.last_id()

    def bytes_free(self) -> int | None:
        """Not known."""
        return None

    def close(self) -> None:
        """What was committed stays with the factory."""


class MemoryHold:
    """Being the one engine of a store."""

    def __init__(self, disk: Disk, place: str) -> None:
        if disk.holder:
            raise EngineRunning(f"another engine holds the store {place}: {disk.holder}")
        started = datetime.now(UTC).isoformat(timespec="seconds")
        disk.holder = f"on host {socket.gethostname()}, pid {os.getpid()}, started {started}"
        self._disk: Disk | None = disk

    def release(self) -> None:
        """Let another engine have the store."""
        if self._disk is not None:
            self._disk.holder = ""
            self._disk = None


class MemoryStores:
    """A `StoreFactory`. Stores are told apart by the `path` of their location and live as long as this object."""

    def __init__(self) -> None:
        self.disks: dict[str, Disk] = {}
        self._lock = threading.Lock()

    def hold(self, location: StoreLocation) -> MemoryHold:
        """Become the one engine of this store."""
        with self._lock:
            return MemoryHold(self.disk(location), location.path)

    def open(self, location: StoreLocation, cipher: Cipher) -> MemoryStore:
        """Make the store if there is none, and open it for writing."""
        return MemoryStore(self.disk(location), cipher)

    def reader(self, location: StoreLocation, cipher: Cipher) -> MemoryReader:
        """Open for reading. Raises ConfigurationError when there is no store yet."""
        if location.path not in self.disks:
            raise ConfigurationError([Problem(f"there is no store {location.path} yet", "start the engine once")])
        disk = self.disk(location)
        return MemoryReader(lambda: disk.tables, cipher)

    def disk(self, location: StoreLocation) -> Disk:
        """Where a store's tables lie; a new one if there is none."""
        return self.disks.setdefault(location.path, Disk())

    def describe(self, location: StoreLocation) -> str:
        """The store in a few words."""
        return f"memory {location.path} (lost with the process)"

    def control_path(self, location: StoreLocation) -> str:
        """The path of the engine's control socket."""
        return f"{location.path}.sock"


MEMORY = MemoryStores()
"""The factory for tests that need no other."""
