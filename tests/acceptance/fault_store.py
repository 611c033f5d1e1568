"""What can happen to the file of a store while an engine has it open: locked, made read-only, overwritten."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process has the store's write lock for the length of a block, and dies with it."""
    command = [sys.executable, "-c", LOCKER, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            process.kill()


@contextmanager
def unwritable(database: Path) -> Iterator[None]:
    """No write to the store's files succeeds for the length of a block, not to open ones either.

    Skips the test where that cannot be had.
    """
    files = [str(path) for path in (database, database.with_name(f"{database.name}-wal"))]
    if shutil.which("chattr") is None:
        pytest.skip("there is no chattr here: what a read-only store does was not looked at")
    made = subprocess.run(["chattr", "+i", *files], capture_output=True, text=True, check=False)
    try:
        if made.returncode or _can_be_written(database):
            pytest.skip(f"no file can be made immutable here: {made.stderr.strip()}")
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], check=False, capture_output=True)


def _can_be_written(path: Path) -> bool:
    try:
        with path.open("ab"):
            return True
    except PermissionError:
        return False


def overwrite_pages(database: Path) -> None:
    """Fill every page but the first with noise, under whoever has the file open.

    Everything is moved from the log to the file first, by a write that makes others drop the pages that they remember.
    """
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
        connection.execute("UPDATE engine SET running = running")
        ((blocked, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        assert not blocked
        ((size,),) = connection.execute("PRAGMA page_size").fetchall()
    overwrite(database, size)


def overwrite(database: Path, start: int) -> None:
    """Fill a file with noise from `start` on."""
    with database.open("r+b") as file:
        end = file.seek(0, 2)
        file.seek(start)
        file.write(b"\xa5" * (end - start))
