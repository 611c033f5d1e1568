"""The entry of the SQLite store."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry_sql import SqlReader, prepare
from messagefoundry_sql.copying import SqlTables, begin_copy, check_copied
from messagefoundry_sql.opening import check_readable, migrate
from messagefoundry_sql.revisions import THIS, Release
from messagefoundry_sql.surveying import survey
from messagefoundry_sqlite.backing_up import back_up
from messagefoundry_sqlite.connecting import SqliteDatabase, no_store, reading, writing
from messagefoundry_sqlite.failures import failure, unusable
from messagefoundry_sqlite.holding import SqliteHold
from messagefoundry_sqlite.identity import marked_version, version_of
from messagefoundry_sqlite.requirements import sqlite_missing
from messagefoundry_sqlite.store import SqliteStore
from messagefoundry_sqlite.viewing import SqliteSource, connected, schema_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.stores import Backup, StoreLocation, StoreState
    from messagefoundry_sql.revisions import Version

_SYNCHRONOUS = {"full": "fsync before every ACK", "normal": "fsync at checkpoints"}


class SqliteStores:
    """Opens SQLite stores for the code of one release; see `StoreFactory` and `StoreUpkeep`."""

    def __init__(self, release: Release = THIS) -> None:
        self.release = release

    def hold(self, location: StoreLocation) -> SqliteHold:
        """Become the one engine of this store."""
        return SqliteHold(_path(location))

    def open(self, location: StoreLocation, cipher: Cipher) -> SqliteStore:
        """Create or upgrade the file, and open it for writing."""
        path = _path(location)
        with _opening(path):
            raw = writing(path, location.synchronous)
            try:
                version = version_of(raw, str(path))
                prepare(str(path), version, lambda: schema_change(raw), release=self.release, alone=True)
                return SqliteStore(SqliteDatabase(path, raw), cipher)
            except BaseException:
                raw.close()
                raise

    def reader(self, location: StoreLocation, cipher: Cipher) -> SqlReader:
        """Open the file for reading."""
        path = _path(location)
        with _opening(path):
            raw = reading(path)
            try:
                check_readable(str(path), _version(raw, path), self.release)
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

    def backup(self, location: StoreLocation, destination: Path, progress: Callable[[int, int], None]) -> Backup:
        """Copy the file as it is at one moment, whatever its schema's version: a backup comes before an upgrade."""
        with self._reading(location) as (path, raw):
            _version(raw, path)
            return back_up(raw, path, destination, progress)

    def state(self, location: StoreLocation) -> StoreState:
        """The state of the store."""
        with self._reading(location) as (path, raw), connected(raw) as connection:
            return survey(connection, str(path), _version(raw, path), size=_size_of(path), release=self.release)

    def migrate(self, location: StoreLocation, *, contract: bool) -> None:
        """Run the pending migrations."""
        with self._reading(location) as (path, raw):
            _version(raw, path)
        with _opening(path), closing(writing(path, location.synchronous)) as raw, schema_change(raw) as connection:
            migrate(connection, str(path), contract=contract, release=self.release)

    def tables(self, location: StoreLocation, *, fill: bool = False) -> SqlTables:
        """The tables, to read or to fill."""
        path = _path(location)
        with _opening(path):
            raw = writing(path, location.synchronous) if fill else reading(path)
            try:
                if fill:
                    _begin_filling(raw, path, self.release)
                else:
                    check_copied(str(path), _version(raw, path), self.release)
                source = SqliteSource(path, raw, connected(raw))
                return SqlTables(source, lambda: schema_change(raw), self.release)
            except BaseException:
                raw.close()
                raise

    @contextmanager
    def _reading(self, location: StoreLocation) -> Iterator[tuple[Path, sqlite3.Connection]]:
        path = _path(location)
        with _opening(path), closing(reading(path)) as raw:
            yield path, raw


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
    except DBAPIError as error:
        # SQLAlchemy's own text quotes the statement and its parameters.
        raise failure(error.orig if isinstance(error.orig, Exception) else error, str(path), None) from None


def _version(raw: sqlite3.Connection, path: Path) -> Version:
    version = version_of(raw, str(path))
    if version is None:
        raise no_store(path)
    return version


def _begin_filling(raw: sqlite3.Connection, path: Path, release: Release) -> None:
    """Make the file an unfinished copy, unless it is one. Raises ConfigurationError for a store in use."""
    marked_version(raw, str(path))
    with schema_change(raw) as connection:
        begin_copy(connection, str(path), release)


def _size_of(path: Path) -> int:
    """Bytes on the disk, with the log of what is not in the file yet."""
    return sum(each.stat().st_size for each in (path, path.with_name(f"{path.name}-wal")) if each.exists())
