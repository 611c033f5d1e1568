"""The entry of the SQLite store."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry_sql import SqlReader, SqlStore, prepare
from messagefoundry_sql.opening import too_new, too_old
from messagefoundry_sql.schema import REVISION
from messagefoundry_sqlite.connecting import SqliteDatabase, no_store, reading, writing
from messagefoundry_sqlite.failures import failure, unusable
from messagefoundry_sqlite.holding import SqliteHold
from messagefoundry_sqlite.identity import revision_of
from messagefoundry_sqlite.requirements import sqlite_missing
from messagefoundry_sqlite.viewing import SqliteSource, connected, schema_change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.stores import StoreLocation

_SYNCHRONOUS = {"full": "fsync before every ACK", "normal": "fsync at checkpoints"}


class SqliteStores:
    """Opens SQLite stores; see `StoreFactory`."""

    def hold(self, location: StoreLocation) -> SqliteHold:
        """Become the one engine of this store."""
        return SqliteHold(_path(location))

    def open(self, location: StoreLocation, cipher: Cipher) -> SqlStore:
        """Create or upgrade the file, and open it for writing."""
        path = _path(location)
        with _opening(path):
            raw = writing(path, location.synchronous)
            try:
                prepare(str(path), revision_of(raw, str(path)), lambda: schema_change(raw))
                return SqlStore(SqliteDatabase(path, raw), cipher)
            except BaseException:
                raw.close()
                raise

    def reader(self, location: StoreLocation, cipher: Cipher) -> SqlReader:
        """Open the file for reading."""
        path = _path(location)
        with _opening(path):
            raw = reading(path)
            try:
                _check_readable(path, revision_of(raw, str(path)))
                return SqlReader(SqliteSource(path, raw, connected(raw)), cipher)
            except BaseException:
                raw.close()
                raise

    def describe(self, location: StoreLocation) -> str:
        """The store in a few words."""
        durability = _SYNCHRONOUS.get(location.synchronous, "")
        return f"SQLite {location.path} (WAL, synchronous={location.synchronous}: {durability})"

    def control_path(self, location: StoreLocation) -> str:
        """The path of the engine's control socket."""
        return f"{location.path}.sock"


SQLITE = SqliteStores()


def _path(location: StoreLocation) -> Path:
    """Where the file is. Raises ConfigurationError, with every problem, for a location that cannot be used."""
    path = Path(location.path)
    problems = [Problem(f"SQLite has no option {name!r}", "remove it from [store]") for name in location.options]
    if location.synchronous not in _SYNCHRONOUS:
        problems.append(Problem(f"[store] synchronous is {location.synchronous!r}", "use 'full' or 'normal'"))
    if not path.name or path.is_dir():
        problems.append(Problem(f"[store] path {location.path!r} does not name a file"))
    elif not path.parent.is_dir():
        problems.append(
            Problem(f"the folder of the store, {path.parent}, does not exist", "make it, or change [store] path")
        )
    if (missing := sqlite_missing()) is not None:
        problems.append(Problem(missing))
    if problems:
        raise ConfigurationError(problems)
    return path


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise unusable(error, str(path)) or failure(error, str(path), None) from error


def _check_readable(path: Path, revision: int | None) -> None:
    if revision is None:
        raise no_store(path)
    if revision > REVISION:
        raise too_new(str(path), revision)
    if revision < REVISION:
        raise too_old(str(path), revision)
