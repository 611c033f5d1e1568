"""Looking at a folder: which files are there, and which have been left alone long enough to be read."""

from __future__ import annotations

import fnmatch
import heapq
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OURS = ".messagefoundry-"
"""How the names begin of what this plugin keeps in the folders that it reads."""

WINDOW = 10_000
"""Files kept in mind at a time, so that memory does not grow with what waits in the folder."""

_MOST_IRREGULAR = 20

EMPTY_PATIENCE_SECONDS = 60.0
"""How long an empty file counts as one that its writer has only just made."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looked like: size in bytes, time of its last change in nanoseconds since the epoch."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The look that a status shows."""
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Found:
    """A file below the watched folder: its relative path, and how it looked."""

    name: str
    look: Look


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files of a folder are read, in which order; `passed_over` are paths of folders that are not entered."""

    pattern: str
    recursive: bool = False
    sort: Literal["name", "mtime"] = "name"
    min_age_seconds: float = 0
    passed_over: frozenset[str] = frozenset()

    def matches(self, name: str) -> bool:
        """Whether a file of this name is read; hidden ones only by a pattern that begins with a dot.

        Never read are our own files, and hidden ones that end in .tmp: a File outbound is about to name them.
        """
        if name.startswith(OURS) or (name.startswith(".") and name.endswith(".tmp")):
            return False
        return fnmatch.fnmatch(name, self.pattern) and (not name.startswith(".") or self.pattern.startswith("."))

    def enters(self, name: str, path: str) -> bool:
        """Whether a subfolder is searched: never a hidden one, nor one for files that have been read."""
        return self.recursive and not name.startswith(".") and path not in self.passed_over

    def order(self, found: Found) -> tuple[int, str]:
        """The sort key of a file."""
        return (found.look.mtime_ns if self.sort == "mtime" else 0, found.name)

    def old_enough(self, look: Look, now: float) -> bool:
        """Whether a file was changed long enough ago; `now` in seconds since the epoch.

        A time slightly ahead of our clock counts as young, one further ahead as wrong and therefore as old.
        """
        needed = max(self.min_age_seconds, 0 if look.size else EMPTY_PATIENCE_SECONDS)
        return abs(now - look.mtime_ns / 1e9) >= needed


@dataclass(slots=True)
class Watch:
    """The repeated look at one folder. Blocking: call it from a worker thread.

    `known` tells files that are done with and stay where they are. `unreadable` collects subfolders that the last look
    could not enter, `irregular` some of what matches and is not a regular file: a link, a device, a pipe.
    """

    folder: str
    wanted: Wanted
    clock: Callable[[], float]
    known: Callable[[Found], bool]
    window: int = WINDOW
    unreadable: list[str] = field(default_factory=list)
    irregular: list[str] = field(default_factory=list)
    _seen: dict[str, Look] = field(default_factory=dict)

    def ready(self) -> list[Found]:
        """The files that look as they did at the look before this one, in order. OSError when the folder is gone."""
        self.unreadable.clear()
        self.irregular.clear()
        now = self.clock()
        settled = (found for found in self._files() if self.wanted.old_enough(found.look, now))
        unread = (found for found in settled if not self.known(found))
        first = heapq.nsmallest(self.window, unread, key=self.wanted.order)
        before, self._seen = self._seen, {found.name: found.look for found in first}
        return [found for found in first if before.get(found.name) == found.look]

    def _files(self) -> Iterator[Found]:
        folders = [""]
        while folders:
            below = folders.pop()
            try:
                entries = os.scandir(os.path.join(self.folder, below))
            except OSError:
                if not below:
                    raise
                self.unreadable.append(below)
                continue
            with entries:
                for entry in entries:
                    name = os.path.join(below, entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        if self.wanted.enters(entry.name, name):
                            folders.append(name)
                    elif self.wanted.matches(entry.name):
                        yield from self._looked_at(entry, name)

    def _looked_at(self, entry: os.DirEntry[str], name: str) -> Iterator[Found]:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        if stat.S_ISREG(status.st_mode):
            yield Found(name, Look.of(status))
        elif len(self.irregular) < _MOST_IRREGULAR:
            self.irregular.append(name)
