"""The floor's durable half: two tables, and one thread that commits whatever has gathered since its last commit."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from enum import IntEnum
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import trio

_BATCH = 2000
_SCHEMA = """
CREATE TABLE message (id INTEGER PRIMARY KEY, received REAL, control_id TEXT, type TEXT, state TEXT, raw BLOB);
CREATE TABLE outbound (id INTEGER PRIMARY KEY, message_id INTEGER, destination TEXT, state TEXT, payload BLOB);
"""

Value = int | float | str | bytes
Row = tuple[Value, ...]


class Step(IntEnum):
    """The three durable steps of a message."""

    RECEIVE = 0
    HAND_OFF = 1
    SETTLE = 2


class Unit(NamedTuple):
    """One change, and what is to happen in the trio thread as soon as it is durable."""

    step: Step
    rows: Sequence[Row]
    then: Callable[[], None]


class Ledger:
    """Takes units from the trio thread and commits them in the order given."""

    def __init__(self, path: Path, synchronous: str) -> None:
        """`path` must not exist; `synchronous` is SQLite's, FULL or NORMAL."""
        self._path, self._synchronous = path, synchronous
        self._units: SimpleQueue[Unit | None] = SimpleQueue()
        self._trio = trio.lowlevel.current_trio_token()
        self.commits = 0

    def add(self, step: Step, rows: Sequence[Row], then: Callable[[], None]) -> None:
        """Queue a change; `then` runs in the trio thread after its commit, in commit order."""
        self._units.put(Unit(step, rows, then))

    async def run(self) -> None:
        """Commit until cancelled; raises sqlite3.Error when the database fails."""
        try:
            await trio.to_thread.run_sync(self._commit_all, abandon_on_cancel=True)
        finally:
            self._units.put(None)

    def _commit_all(self) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(f"PRAGMA synchronous = {self._synchronous}")
            database.executescript(_SCHEMA)
            while batch := self._gather():
                _commit(database, batch)
                self.commits += 1
                with suppress(trio.RunFinishedError):
                    self._trio.run_sync_soon(_continue, batch)

    def _gather(self) -> list[Unit]:
        """Wait for a unit, take all that are there; empty when the ledger is closed."""
        units = [self._units.get()]
        units += [self._units.get() for _ in range(min(self._units.qsize(), _BATCH))]
        return [] if None in units else [unit for unit in units if unit is not None]


def _commit(database: sqlite3.Connection, batch: Iterable[Unit]) -> None:
    """One transaction, one statement a kind: sqlite3 gives up the GIL at every step, and getting it back is dear."""
    rows: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    for unit in batch:
        rows[unit.step].extend(unit.rows)
    received, handed_off, settled = rows
    database.execute("BEGIN IMMEDIATE")
    _insert(database, "message", received)
    _insert(database, "outbound", handed_off)
    _set_state(database, "message", "ROUTED", [row[1] for row in handed_off])
    _set_state(database, "outbound", "DONE", [row[0] for row in settled])
    _set_state(database, "message", "PROCESSED", [row[1] for row in settled if len(row) > 1])
    database.execute("COMMIT")


def _insert(database: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    if rows:
        places = "(" + ",".join("?" * len(rows[0])) + ")"
        values = [value for row in rows for value in row]
        database.execute(f"INSERT INTO {table} VALUES {','.join([places] * len(rows))}", values)


def _set_state(database: sqlite3.Connection, table: str, state: str, ids: Sequence[Value]) -> None:
    if ids:
        database.execute(f"UPDATE {table} SET state = ? WHERE id IN ({','.join('?' * len(ids))})", [state, *ids])


def _continue(batch: Iterable[Unit]) -> None:
    for unit in batch:
        unit.then()
