"""Giving a file its final name only when it is whole and durable. Blocking.

The content is written as `.<name>-<work id>.tmp`, made durable, given its name without ever replacing another file
(unless told to), and the folder is made durable: whoever sees the final name sees the whole file, across any crash.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry_file.disk import FILE_MODE, NO_LINKS, syncing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TO_SYNC = "rb+" if sys.platform == "win32" else "rb"
_BINARY: int = getattr(os, "O_BINARY", 0)
_NOT_FOLLOWED: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | _BINARY


@dataclass(frozen=True, slots=True)
class Published:
    """The name under which the content stands; `already` when it stood there before."""

    name: str
    already: bool = False


class NamesTaken(Exception):
    """Every name that the file could have is taken by other content."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that files are written into; `mark` makes temporary names of different items differ."""

    path: str
    mark: str

    def put(self, names: Sequence[str], content: bytes) -> Published:
        """Publish under the first name that is free, unless one of them holds this content already.

        Raises NamesTaken, OSError.
        """
        draft = self._draft(names[0])
        with syncing(self.path) as sync:
            for name in names:
                if _holds(self._at(name), content):
                    self._make_durable(name)
                    _remove(draft)
                    sync()
                    return Published(name, already=True)
            with self._written(draft, content):
                name = self._name_first_free(draft, names)
            sync()
        return Published(name)

    def replace(self, name: str, content: bytes) -> Published:
        """Publish under this name, in place of what stands there. Raises OSError."""
        draft = self._draft(name)
        with syncing(self.path) as sync:
            with self._written(draft, content):
                os.replace(draft, self._at(name))
            sync()
        return Published(name)

    def _at(self, name: str) -> str:
        return os.path.join(self.path, name)

    def _draft(self, name: str) -> str:
        return self._at(f".{name}-{self.mark}.tmp")

    @contextmanager
    def _written(self, draft: str, content: bytes) -> Iterator[None]:
        """The time in which the draft is whole, durable and waits for its name; if it gets none, it is removed."""
        _remove(draft)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
        try:
            with open(draft, "wb", opener=lambda path, _: os.open(path, flags, FILE_MODE)) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield
        except BaseException:
            _remove(draft)
            raise

    def _name_first_free(self, draft: str, names: Sequence[str]) -> str:
        for name in names:
            with suppress(FileExistsError):
                _rename_without_replacing(draft, self._at(name))
                return name
        raise NamesTaken

    def _make_durable(self, name: str) -> None:
        """An earlier attempt, or another message, wrote it: only when it is durable does it count."""
        with suppress(FileNotFoundError), open(self._at(name), _TO_SYNC) as file:
            os.fsync(file.fileno())


def _holds(path: str, content: bytes) -> bool:
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        with open(path, "rb", opener=lambda name, _: os.open(name, os.O_RDONLY | _NOT_FOLLOWED)) as file:
            return os.fstat(file.fileno()).st_size == len(content) and file.read(len(content) + 1) == content
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.ELOOP):
            return False
        raise


def _rename_without_replacing(draft: str, final: str) -> None:
    """POSIX renames replace; a link does not."""
    try:
        os.link(draft, final, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), final) from None
        os.rename(draft, final)
    else:
        os.unlink(draft)


def _remove(draft: str) -> None:
    with suppress(OSError):
        os.unlink(draft)
