"""A lock on a file that ends with the process that holds it, whatever kills that."""

from __future__ import annotations

import os
import sys
from typing import Self

if sys.platform == "win32":
    import msvcrt

    def _seize(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _seize(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """An exclusive lock on the file at `path`; `descriptor` is open for reading and appending."""

    def __init__(self, path: str, descriptor: int) -> None:
        """Take over a descriptor that is locked already; see `seize`."""
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def seize(cls, path: str) -> Self | None:
        """Lock the file at `path`, made owner-only if need be; None while somebody else holds it or has removed it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError:
            return None
        lock = cls(path, descriptor)
        try:
            _seize(descriptor)
        except (BlockingIOError, PermissionError):
            lock.release()
            return None
        except OSError as error:
            lock.release()
            raise OSError(error.errno, f"{path} cannot be locked: {error.strerror}") from error
        if not lock.holds():
            lock.release()
            return None
        return lock

    def holds(self) -> bool:
        """Whether `path` is still the file that is locked: not removed, replaced, or on a share that went away."""
        try:
            return os.path.samestat(os.lstat(self.path), os.fstat(self.descriptor))
        except OSError:
            return False

    def release(self) -> None:
        """Give the lock up."""
        os.close(self.descriptor)
