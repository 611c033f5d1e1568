"""Custody of files that stay where they are (`after_read="leave"`): a ledger of what has been read.

`.messagefoundry-read.<Connection>` stands in the folder, owner-only and locked by the one engine that reads for this
Connection. After a line that names the format, each line is one file: size in bytes, time of its last change in
nanoseconds, and its percent-encoded name. A line is durable before the next file is read. A file that changes later
is read again. A crash between a message's commit and its line reads the file again, which is a duplicate. A line that
the ledger does not take is kept in `.messagefoundry-read.<Connection>.pending`, and written first at the next open.
"""

from __future__ import annotations

import os
from contextlib import suppress
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from messagefoundry_file.custody import Held
from messagefoundry_file.disk import sync_folder
from messagefoundry_file.lock import FileLock
from messagefoundry_file.scan import Found, Look
from messagefoundry_file.unwritten import Unwritten

LEDGER = ".messagefoundry-read"
_FORMAT = b"messagefoundry-read 1\n"
_TIDY_AFTER = 10_000


class Ledger:
    """Custody that touches no file and remembers which were read."""

    def __init__(self, folder: str, connection: str) -> None:
        """One ledger for each Connection: two Connections on one folder both read every file."""
        self._folder = folder
        self._path = os.path.join(folder, f"{LEDGER}.{quote(connection, safe='')}")
        self._unwritten = Unwritten(self._path)
        self._lock: FileLock | None = None
        self._read: dict[str, Look] = {}
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
            self._catch_up(lock)
        except BaseException:
            lock.release()
            raise
        self._lock = lock

    def close(self) -> None:
        """Let another engine have the ledger."""
        if self._lock:
            self._lock.release()
            self._lock = None

    def left_over(self) -> list[Held]:
        """Nothing is ever taken away; a ledger on a share that went away is opened again."""
        if self._lock is None or not self._lock.holds():
            self.close()
            self.open()
        if self._added >= _TIDY_AFTER:
            self._tidy()
        return []

    def knows(self, found: Found) -> bool:
        """Whether the file was read as it is now."""
        return self._read.get(found.name) == found.look

    def take(self, found: Found) -> Held | None:
        """The file where it stands."""
        return Held(found.name, os.path.join(self._folder, found.name), found.look)

    def accepted(self, held: Held, message_id: int | None) -> str:
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
        if self._lock is None:
            raise OSError("the inbound is not running")
        line = _line(held.name, held.look)
        lines = self._unwritten.lines
        try:
            self._append(self._lock, lines if line in lines.splitlines(keepends=True) else lines + line)
        except OSError:
            self._unwritten.keep(line)
            raise
        if lines:
            self._unwritten.forget()
        self._added += 1
        self._read[held.name] = held.look

    def _append(self, lock: FileLock, lines: bytes) -> None:
        try:
            _write(lock.descriptor, lines)
            os.fsync(lock.descriptor)
        except OSError:
            os.ftruncate(lock.descriptor, self._size)
            raise
        self._size += len(lines)

    def _catch_up(self, lock: FileLock) -> None:
        """Enter what could not be entered before; as long as that fails too, it is known and stays to be entered."""
        self._unwritten.load()
        lines = self._unwritten.lines
        if not lines:
            return
        path = f"{self._path}.pending"
        self._read.update(self._entry(number, line, path) for number, line in enumerate(lines.splitlines(), 1))
        with suppress(OSError):
            self._append(lock, lines)
            self._unwritten.forget()

    def _learn(self, lock: FileLock) -> None:
        with open(lock.descriptor, "rb", closefd=False) as file:
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if whole and not whole.startswith(_FORMAT):
            raise OSError(f"{self._path} is not a ledger that this release reads")
        self._read = dict(
            self._entry(number, line, self._path) for number, line in enumerate(whole.splitlines()[1:], 2)
        )
        os.ftruncate(lock.descriptor, len(whole))  # a crash may have left half a line
        if not whole:
            _write(lock.descriptor, _FORMAT)
            sync_folder(self._folder)
        os.fsync(lock.descriptor)
        self._size = len(whole) or len(_FORMAT)
        self._added = len(self._read)

    def _entry(self, number: int, line: bytes, path: str) -> tuple[str, Look]:
        try:
            size, mtime_ns, name = line.split(b" ")
            return os.fsdecode(unquote_to_bytes(name)), Look(int(size), int(mtime_ns))
        except ValueError:
            text = f"{path} is damaged at line {number}: remove the line; its file is read again"
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
        content = _FORMAT + b"".join(_line(name, look) for name, look in kept.items())
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


def _line(name: str, look: Look) -> bytes:
    return f"{look.size} {look.mtime_ns} {quote_from_bytes(os.fsencode(name))}\n".encode()


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
