"""How SQLite connections are opened: one that writes, any number that read."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from messagefoundry.contracts.errors import ConfigurationError, MessageFoundryError, Problem
from messagefoundry_sql import Cursor, Dialect
from messagefoundry_sqlite.failures import failure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BUSY_SECONDS = 5.0
"""How long another program's lock is waited for."""


def _json(ids: Sequence[int]) -> str:
    """A JSON list, written faster than `json.dumps` does."""
    return str(list(ids))


DIALECT = Dialect(
    placeholder="?",
    member="{column} IN (SELECT value FROM json_each(?))",
    listed=_json,
    limit="LIMIT ?",
    begin="BEGIN IMMEDIATE",
)


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """The connection that writes."""

    path: Path
    connection: sqlite3.Connection
    dialect: ClassVar[Dialect] = DIALECT
    errors: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error,)

    def cursor(self) -> Cursor:
        """A cursor in autocommit."""
        return self.connection.cursor()

    def failure(self, error: Exception) -> MessageFoundryError:
        """What an error of SQLite means."""
        return failure(error, str(self.path), self.bytes_free())

    def rollback(self) -> None:
        """End the transaction, if SQLite has not ended it already."""
        with suppress(sqlite3.Error):
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def bytes_free(self) -> int | None:
        """Space left on the disk of the file."""
        try:
            return shutil.disk_usage(self.path.parent).free
        except OSError:
            return None

    def close(self) -> None:
        """Close; SQLite then checkpoints and removes the write-ahead log."""
        with suppress(sqlite3.Error):
            self.connection.close()


def writing(path: Path, synchronous: str) -> sqlite3.Connection:
    """Open, creating the file for its owner alone if there is none. Raises sqlite3.Error, ConfigurationError."""
    _create_private(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=1024
    )
    try:
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "wal_autocheckpoint = 1000",  # pages; 4000 and 16000 were measured slower
            "journal_size_limit = 67108864",
            "cache_size = -16384",  # KiB; what is written is at the end of every table
            "temp_store = MEMORY",
            "foreign_keys = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def reading(path: Path) -> sqlite3.Connection:
    """Open an existing file for reading alone. Raises sqlite3.Error, ConfigurationError.

    Whoever reads in WAL mode makes `-shm` and `-wal`, and only a connection that may write removes them at its close.
    So where no log waits to be moved into the file, it is opened as one that could write: SQLite's own locks see to it
    that nothing is removed under an engine, even one that starts meanwhile. A log that waits is read and left alone.
    """
    if not path.is_file():
        raise no_store(path)
    mode = "ro" if _log_waits(path) else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _log_waits(path: Path) -> bool:
    """Whether the write-ahead log has content: of an engine that runs or crashed, or of a copied store."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def no_store(path: Path) -> ConfigurationError:
    """The refusal to read what is not there."""
    problem = Problem(f"there is no store at {path} yet", "start the engine once, or check [store] path")
    return ConfigurationError([problem])


def _create_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        problem = Problem(f"the store {path} cannot be opened for writing: {error.strerror}", "check [store] path")
        raise ConfigurationError([problem]) from error
