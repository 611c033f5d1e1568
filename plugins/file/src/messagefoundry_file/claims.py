"""Custody of files that leave the folder once read (`after_read` move and delete): claimed by a rename.

    .messagefoundry-work/                        beside the files, on the same file system, owner-only
        <Connection>@<host>-<pid>-<random>/      one for each running inbound
            lock                                 held as long as that inbound lives
            <time>-<random>-<size>-<mtime_ns>/<name>     a claim: a file that is being read, and how it looked

Only one rename of a file succeeds, so only one engine reads it. The name of the claim is unique, and it is the
bookmark that is committed with the file's message: a claim that is found later was received if the bookmark names it,
and was not if it names another. Claims of an engine that died are adopted by the next inbound of the same Connection.
Those of other Connections are theirs.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import socket
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from messagefoundry_file.custody import Held
from messagefoundry_file.disk import FOLDER_MODE, move_aside, move_without_replacing, sync_folder
from messagefoundry_file.lock import FileLock
from messagefoundry_file.scan import OURS, Found, Look

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK_FOLDER = f"{OURS}work"
_LOCK = "lock"
_CLAIM = re.compile(r"\d+-[0-9a-f]{8}-(\d+)-(-?\d+)")


class Claims:
    """Custody by renaming into a folder of our own. `processed` None deletes what was accepted."""

    def __init__(self, folder: str, connection: str, processed: str | None, error: str) -> None:
        """`processed` and `error` are paths below `folder`."""
        self._folder = folder
        self._connection = f"{quote(connection, safe='')}@"
        self._processed = processed
        self._error = error
        self._work = os.path.join(folder, WORK_FOLDER)
        self._lock: FileLock | None = None
        self._not_durable: set[str] = set()
        self._strays: set[str] = set()
        self.strays: list[str] = []

    def open(self) -> None:
        """Make the folders below, and one of our own that is locked."""
        home = os.stat(self._folder)
        for folder in filter(None, (self._processed, self._error)):
            os.makedirs(folder, mode=FOLDER_MODE, exist_ok=True)
            if os.stat(folder).st_dev != home.st_dev:
                raise OSError(f"{folder} must be on the file system of {self._folder}, for files are moved there")
        os.makedirs(self._work, mode=0o700, exist_ok=True)
        if os.path.islink(self._work):
            raise OSError(f"{self._work} must be a folder, not a link")
        while not self._lock:
            who = f"{self._connection}{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
            own = os.path.join(self._work, who)
            os.mkdir(own, 0o700)
            self._lock = FileLock.seize(os.path.join(own, _LOCK))

    @property
    def _own(self) -> str:
        if self._lock is None:
            raise OSError("the inbound is not running")
        return os.path.dirname(self._lock.path)

    def close(self) -> None:
        """Let others adopt what is still claimed."""
        if self._lock is None:
            return
        with suppress(OSError):
            _dissolve(self._lock)
        self._lock.release()
        self._lock = None

    def left_over(self, bookmark: str) -> list[Held]:
        """What we still hold, and what engines of this Connection that died held; at most one was received."""
        if self._lock is None or not self._lock.holds():
            self._start_again()
        self._visit_others()
        return sorted(self._claimed(bookmark), key=lambda held: (not held.received, held.name))

    def _start_again(self) -> None:
        """The folder was removed, or is another one now: what we held is for whoever finds it."""
        if self._lock:
            self._lock.release()
            self._lock = None
        self.open()

    def _visit_others(self) -> None:
        """Adopt what is ours now, and see what waits for others; the folders of the living are locked."""
        strays: set[str] = set()
        for other in _subfolders(self._work):
            lock = FileLock.seize(os.path.join(other, _LOCK))
            if lock is None:
                continue
            try:
                if os.path.basename(other).startswith(self._connection):
                    self._inherit(other)
                else:
                    strays.update(os.path.relpath(path, self._folder) for path in _claimed_in(other))
                _dissolve(lock)
            finally:
                lock.release()
        self.strays = sorted(strays & self._strays)  # at two looks: the inbounds of an engine do not start as one
        self._strays = strays

    def _inherit(self, other: str) -> None:
        for claim in _subfolders(other):
            os.rename(claim, os.path.join(self._own, os.path.basename(claim)))

    def _claimed(self, bookmark: str) -> Iterator[Held]:
        for claim in _subfolders(self._own):
            for held in _held_in(claim, bookmark):
                if held.received or self._is_as_claimed(held):
                    yield held
                else:
                    self.give_back(held)
            _remove_empty(claim)

    def _is_as_claimed(self, held: Held) -> bool:
        """Whether it is complete and has no other name: what changed, or was being given back, begins anew."""
        status = os.lstat(held.path)
        with suppress(FileNotFoundError):
            if os.path.samestat(status, os.lstat(os.path.join(self._folder, held.name))):
                return False
        return stat.S_ISREG(status.st_mode) and Look.of(status) == held.look

    def knows(self, found: Found) -> bool:
        """Nothing that is done with stays in the folder."""
        return False

    def take(self, found: Found) -> Held | None:
        """Rename the file into our folder; whoever comes second finds it gone."""
        claim = f"{time.time_ns() // 1000}-{secrets.token_hex(4)}-{found.look.size}-{found.look.mtime_ns}"
        held = Held(found.name, os.path.join(self._own, claim, found.name), found.look, claim)
        taken = False
        try:
            taken = self._claim(held)
        except FileNotFoundError:
            pass
        finally:
            if not taken:
                self.give_back(held)
        return held if taken else None

    def _claim(self, held: Held) -> bool:
        source = os.path.join(self._folder, held.name)
        _check_readable(source)
        os.mkdir(os.path.join(self._own, held.bookmark), 0o700)
        os.makedirs(os.path.dirname(held.path), mode=0o700, exist_ok=True)
        os.rename(source, held.path)
        if not self._is_as_claimed(held):
            return False
        self._not_durable |= {os.path.dirname(held.path), self._own}
        self._make_durable()
        return True

    def accepted(self, held: Held) -> str:
        """Move it to the processed files or delete it; what was not read of it is kept."""
        if self._gone(held):
            return "was removed while it was received"
        if Look.of(os.lstat(held.path)) != held.look:
            return f"changed after it was read; kept as {self.set_aside(held)}"
        self._end(held, self._processed)
        return ""

    def set_aside(self, held: Held) -> str:
        """Move it to the folder for errors."""
        if self._gone(held):
            return "nothing, for it was removed meanwhile"
        return os.path.relpath(self._end(held, self._error), self._folder)

    def _end(self, held: Held, folder: str | None) -> str:
        """Move the file out of its claim or, with no folder, delete it; where it is now.

        Where its name is taken, the time of the claim is added: a next start, which finds the move half done, makes the
        same name.
        """
        path = held.path
        if folder is None:
            os.unlink(path)
        else:
            path = move_aside(path, folder, held.name, held.bookmark.partition("-")[0])
            self._not_durable.add(os.path.dirname(path))
        self._clear(held)
        return path

    def _make_durable(self) -> None:
        """Make claims and moves durable, before a bookmark is committed that names another file.

        Until then a power cut that undoes the last move costs nothing: the bookmark still names its file.
        """
        for folder in sorted(self._not_durable):
            with suppress(FileNotFoundError):  # a claim that has been removed
                sync_folder(folder)
        self._not_durable.clear()

    def _gone(self, held: Held) -> bool:
        """Whether somebody removed the file, and not the share went away with it."""
        return not os.path.lexists(held.path) and self._lock is not None and self._lock.holds()

    def give_back(self, held: Held) -> None:
        """Let it have its name in the folder again; where that is taken by now, it stays claimed and comes first."""
        with suppress(OSError):
            move_without_replacing(held.path, os.path.join(self._folder, held.name))
        self._clear(held)

    def _clear(self, held: Held) -> None:
        """Remove the claim, which is empty unless the file is still in it."""
        _remove_empty(os.path.join(self._own, held.bookmark))


def _check_readable(path: str) -> None:
    """An unreadable file is not moved to and fro at every poll; one that is gone is no trouble here."""
    effective = os.access in os.supports_effective_ids
    if not os.access(path, os.R_OK, effective_ids=effective) and os.path.lexists(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _subfolders(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def _held_in(claim: str, bookmark: str) -> Iterator[Held]:
    name = os.path.basename(claim)
    if known := _CLAIM.fullmatch(name):
        look = Look(int(known[1]), int(known[2]))
        for path in _files(claim):
            yield Held(os.path.relpath(path, claim), path, look, name, name == bookmark)


def _files(claim: str) -> list[str]:
    """What is in a claim: one file, or none when it was about to come or has just gone."""
    return [os.path.join(folder, name) for folder, _, names in os.walk(claim) for name in names]


def _claimed_in(folder: str) -> list[str]:
    return [path for claim in _subfolders(folder) for path in _files(claim)]


def _dissolve(lock: FileLock) -> None:
    """Remove the folder of an inbound that holds nothing any more."""
    folder = os.path.dirname(lock.path)
    for claim in _subfolders(folder):
        _remove_empty(claim)
    if os.listdir(folder) == [_LOCK]:
        os.unlink(lock.path)
        os.rmdir(folder)


def _remove_empty(claim: str) -> None:
    for folder, _, _ in os.walk(claim, topdown=False):
        with suppress(OSError):
            os.rmdir(folder)
