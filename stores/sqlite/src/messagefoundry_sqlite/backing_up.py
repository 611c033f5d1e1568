"""A copy of a store while an engine writes it: SQLite's online backup, inside one read transaction.

In WAL mode a reader's transaction keeps one state of the database and holds no writer up. Without it, each commit of
another connection would make the backup begin anew, and under load it would not end.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import ConfigurationError, CorruptStore, Problem
from messagefoundry.contracts.stores import Backup
from messagefoundry_sqlite.failures import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEP_PAGES = 256
"""Pages of one step, 1 MiB."""

SYNC_PAGES = 2048
"""After so many pages what was written goes to the disk: the engine's next fsync must not find it all before it."""

RESERVE = 256 << 20
"""Bytes that stay free, as many as intake needs: a backup must not be what stops it."""

_COUNT = "SELECT count(*) FROM message"


def back_up(source: sqlite3.Connection, path: Path, destination: Path, progress: Callable[[int, int], None]) -> Backup:
    """Copy the store at `path` that `source` reads to `destination`, durably, checked, readable by its owner only."""
    _refuse(source, destination)
    with _draft(destination) as draft, _holding_still(source):
        wanted = source.execute(_COUNT).fetchone()[0]
        try:
            _copy(source, draft, progress)
            _verify(draft, wanted, path)
        except sqlite3.Error as error:
            raise failure(error, str(destination), _free(destination)) from error
        size = draft.stat().st_size
        _publish(draft, destination)
    return Backup(wanted, size)


def _refuse(source: sqlite3.Connection, destination: Path) -> None:
    """Raise ConfigurationError unless a file can come into being there, and has room."""
    if not destination.parent.is_dir():
        raise _wrong(f"the folder {destination.parent} does not exist", "make it")
    if destination.exists() or destination.is_symlink():
        raise _taken(destination)
    ((pages,),), ((page,),) = (source.execute(f"PRAGMA {name}").fetchall() for name in ("page_count", "page_size"))
    needed, free = pages * page, _free(destination)
    if free < needed + RESERVE:
        text = (
            f"a backup of {needed >> 20:,} MiB has no room in {destination.parent}, where {free >> 20:,} MiB are free"
        )
        raise _wrong(text, f"use another disk, or make room: {RESERVE >> 20} MiB stay free in any case")


@contextmanager
def _draft(destination: Path) -> Iterator[Path]:
    """A file of its owner's beside the destination; it is gone with the block."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{destination.name}.", suffix=".tmp", dir=destination.parent)
    except OSError as error:
        raise _wrong(f"{destination.parent} cannot be written: {error.strerror}", "name another folder") from error
    os.close(handle)
    try:
        yield Path(name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


@contextmanager
def _holding_still(source: sqlite3.Connection) -> Iterator[None]:
    source.execute("BEGIN")
    try:
        yield
    finally:
        with suppress(sqlite3.Error):
            source.execute("ROLLBACK")


def _copy(source: sqlite3.Connection, draft: Path, progress: Callable[[int, int], None]) -> None:
    synced = 0

    def stepped(_status: int, remaining: int, total: int) -> None:
        nonlocal synced
        done = total - remaining
        if done - synced >= SYNC_PAGES:
            os.fsync(file)
            synced = done
        progress(done, total)

    file = os.open(draft, os.O_RDWR | os.O_CLOEXEC)
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as target:
            # Nobody else sees the draft, and it is thrown away when anything fails.
            target.execute("PRAGMA journal_mode = OFF").fetchall()
            target.execute("PRAGMA synchronous = OFF")
            source.backup(target, pages=STEP_PAGES, progress=stepped)
        os.fsync(file)
    finally:
        os.close(file)


def _verify(draft: Path, wanted: int, path: Path) -> None:
    """Raise CorruptStore unless the copy is whole."""
    with closing(sqlite3.connect(f"{draft.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
        found = [row[0] for row in copy.execute("PRAGMA integrity_check")]
        counted = copy.execute(_COUNT).fetchone()[0] if found == ["ok"] else -1
    if counted != wanted:
        what = found[0] if found != ["ok"] else f"{counted:,} of {wanted:,} messages"
        raise CorruptStore(f"the backup of {path} is not sound ({what}) and was thrown away: check the store")


def _publish(draft: Path, destination: Path) -> None:
    """Give the file its name, which must still be free, for good."""
    try:
        os.link(draft, destination)
    except FileExistsError as error:
        raise _taken(destination) from error
    except OSError:  # a file system without links
        if destination.exists():
            raise _taken(destination) from None
        os.rename(draft, destination)
    folder = os.open(destination.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _free(destination: Path) -> int:
    return shutil.disk_usage(destination.parent).free


def _taken(destination: Path) -> ConfigurationError:
    return _wrong(f"{destination} exists, and a backup overwrites nothing", "name a new file")


def _wrong(text: str, mend: str) -> ConfigurationError:
    return ConfigurationError([Problem(text, mend)])
