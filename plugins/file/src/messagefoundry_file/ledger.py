"""Custody of files that stay where they are (`after_read="leave"`): a ledger of what has been read.

`.messagefoundry-read.<Connection>` stands in the folder, owner-only and locked by the one engine that reads for this
Connection. After a line with the format and an identity of its own, each line is one file: size in bytes, time of its
last change in nanoseconds, and its percent-encoded name. A line is durable before the next file is read. A file that
changes later is read again.

The bookmark of a file is the ledger's identity and the file's line: when the ledger lacks the line that the bookmark
has, the file was received and is entered first.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from messagefoundry.contracts.inbound import LONGEST_BOOKMARK
from messagefoundry_file.custody import Held
from messagefoundry_file.disk import sync_folder
from messagefoundry_file.lock import FileLock
from messagefoundry_file.scan import OURS, Found, Look

if TYPE_CHECKING:
    from collections.abc import Sequence

LEDGER = f"{OURS}read"
_FORMAT = re.compile(rb"messagefoundry-read 1 ([0-9a-f]{16})\n")
_TIDY_AFTER = 10_000


class Ledger:
    """Custody that touches no file and remembers which were read."""

    strays: Sequence[str] = ()

    def __init__(self, folder: str, connection: str) -> None:
        """One ledger for each Connection: two Connections on one folder both read every file."""
        self._folder = folder
        self._path = os.path.join(folder, f"{LEDGER}.{quote(connection, safe='')}")
        self._lock: FileLock | None = None
        self._identity = ""
        self._read: dict[str, Look] = {}
        self._entered: frozenset[bytes] | None = None
        self._size = 0
        self._added = 0

    def open(self) -> None:
        """Lock the ledger and learn it. OSError when another engine has it, or when it is damaged."""
        os.stat(self._folder)
        lock = FileLock.seize(self._path)
        if lock is None:
            raise OSError(f"another engine reads {self._folder} for this Connection")
        try:
            self._learn(lock)
        except BaseException:
            lock.release()
            raise
        self._lock = lock

    def close(self) -> None:
        """Let another engine have the ledger."""
        if self._lock:
            self._lock.release()
            self._lock = None

    def _held_lock(self) -> FileLock:
        """The lock of the ledger that is there now; a ledger on a share that went away is opened again."""
        if self._lock is None or not self._lock.holds():
            self.close()
            self.open()
        assert self._lock is not None
        return self._lock

    def left_over(self, bookmark: str) -> list[Held]:
        """The file that was received and is not entered, if there is one; known after the ledger was opened."""
        self._held_lock()
        if self._added >= _TIDY_AFTER:
            self._tidy()
        entered, self._entered = self._entered, None
        identity, _, line = bookmark.partition(" ")
        if entered is None or identity != self._identity or line.encode() in entered:
            return []
        name, look = self._entry(line.encode(), "the bookmark")
        return [Held(name, os.path.join(self._folder, name), look, bookmark, received=True)]

    def knows(self, found: Found) -> bool:
        """Whether the file was read as it is now."""
        return self._read.get(found.name) == found.look

    def take(self, found: Found) -> Held | None:
        """The file where it stands. OSError for a path that is too long for a bookmark."""
        bookmark = f"{self._identity} {_line(found.name, found.look)}"
        if len(bookmark) > LONGEST_BOOKMARK:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return Held(found.name, os.path.join(self._folder, found.name), found.look, bookmark)

    def accepted(self, held: Held) -> str:
        """Enter it."""
        self._enter(held)
        return ""

    def set_aside(self, held: Held) -> str:
        """Enter it too: it stays where it is and is not tried again until it changes."""
        self._enter(held)
        return held.name

    def give_back(self, held: Held) -> None:
        """Nobody took it."""

    def _enter(self, held: Held) -> None:
        lock = self._held_lock()
        line = f"{_line(held.name, held.look)}\n".encode()
        try:
            _write(lock.descriptor, line)
            os.fsync(lock.descriptor)
        except OSError:
            os.ftruncate(lock.descriptor, self._size)
            raise
        self._size += len(line)
        self._added += 1
        self._read[held.name] = held.look

    def _learn(self, lock: FileLock) -> None:
        with open(lock.descriptor, "rb", closefd=False) as file:
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        os.ftruncate(lock.descriptor, len(whole))  # a crash may have left half a line
        if not whole:
            whole = _first_line(secrets.token_hex(8))
            _write(lock.descriptor, whole)
            sync_folder(self._folder)
        known = _FORMAT.match(whole)
        if not known:
            raise OSError(f"{self._path} is not a ledger that this release reads")
        lines = whole.splitlines()[1:]
        self._read = dict(self._entry(line, f"line {number}") for number, line in enumerate(lines, 2))
        os.fsync(lock.descriptor)
        self._identity, self._entered = known[1].decode(), frozenset(lines)
        self._size, self._added = len(whole), len(lines)

    def _entry(self, line: bytes, where: str) -> tuple[str, Look]:
        try:
            size, mtime_ns, name = line.split(b" ")
            return os.fsdecode(unquote_to_bytes(name)), Look(int(size), int(mtime_ns))
        except ValueError:
            text = f"{self._path} is damaged at {where}: remove the line; its file is read again"
            raise OSError(text) from None

    def _tidy(self) -> None:
        """Write the ledger anew without files that are gone; names below a folder that is gone stay."""
        self._added = 0
        kept = {name: look for name, look in self._read.items() if self._may_return(name)}
        draft = f"{self._path}.new"
        with suppress(FileNotFoundError):
            os.unlink(draft)
        lock = FileLock.seize(draft)
        if lock is None:
            return
        lines = (f"{_line(name, look)}\n".encode() for name, look in kept.items())
        content = _first_line(self._identity) + b"".join(lines)
        try:
            _write(lock.descriptor, content)
            os.fsync(lock.descriptor)
            os.replace(draft, self._path)
        except OSError:
            lock.release()
            raise
        sync_folder(self._folder)
        self.close()
        self._lock = FileLock(self._path, lock.descriptor)
        self._read, self._size = kept, len(content)

    def _may_return(self, name: str) -> bool:
        path = os.path.join(self._folder, name)
        return os.path.lexists(path) or not os.path.isdir(os.path.dirname(path))


def _first_line(identity: str) -> bytes:
    return f"messagefoundry-read 1 {identity}\n".encode()


def _line(name: str, look: Look) -> str:
    return f"{look.size} {look.mtime_ns} {quote_from_bytes(os.fsencode(name))}"


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
