"""Lines that a ledger could not take, kept beside it and in this process until it can.

The file beside the ledger outlives the process; what is kept in memory outlives a stop of the inbound when a disk that
is full takes neither line. Both are best effort: without either, the file is read again, which is a duplicate.
"""

from __future__ import annotations

import os
from contextlib import suppress

from messagefoundry_file.disk import sync_folder

_in_this_process: dict[str, list[bytes]] = {}


class Unwritten:
    """The lines that the ledger at `ledger` lacks."""

    def __init__(self, ledger: str) -> None:
        """Nothing is opened yet."""
        self._ledger = ledger
        self._path = f"{ledger}.pending"

    def load(self) -> None:
        """Learn what another process left. OSError when the file is there and cannot be read."""
        with suppress(FileNotFoundError), open(self._path, "rb", opener=_opened) as file:
            for line in _whole(file.read()):
                self._learn(line)

    @property
    def lines(self) -> bytes:
        """Whole lines, oldest first."""
        return b"".join(_in_this_process.get(self._ledger, ()))

    def keep(self, line: bytes) -> None:
        """Remember one more line, durably if the folder allows it."""
        self._learn(line)
        with suppress(OSError):
            self._write(line)

    def _learn(self, line: bytes) -> None:
        known = _in_this_process.setdefault(self._ledger, [])
        if line not in known:
            known.append(line)

    def forget(self) -> None:
        """The ledger has them all."""
        _in_this_process.pop(self._ledger, None)
        with suppress(OSError):
            open(self._path, "wb", opener=_opened).close()  # where it cannot be removed, it is at least empty
            os.unlink(self._path)

    def _write(self, line: bytes) -> None:
        with open(self._path, "a+b", opener=_opened) as file:
            file.seek(0)
            kept = file.read()
            if line not in _whole(kept):
                file.truncate(kept.rfind(b"\n") + 1)  # a crash may have left half a line
                file.write(line)
                file.flush()
            os.fsync(file.fileno())
        sync_folder(os.path.dirname(self._path))


def _opened(path: str, flags: int) -> int:
    """Owner-only, and never through a link that somebody put there."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0), 0o600)


def _whole(content: bytes) -> list[bytes]:
    """The lines that were written to their end."""
    return content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
