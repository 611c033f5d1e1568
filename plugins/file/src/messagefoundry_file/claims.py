"""Custody of files that leave the folder once read (`after_read` move and delete): claimed by a rename.

    .messagefoundry-work/               beside the files, on the same file system, owner-only
        <host>-<pid>-<random>/          one for each running inbound
            lock                        held as long as that inbound lives
            claimed/<name>              the file that is being read
            adopted-<n>/<name>          files that an engine left when it died
        accepted-<...>/<name>       files that only could not be moved or deleted; see marks.py

Only one rename of a file succeeds, so only one engine reads it. A crash leaves at most one claimed file for each
inbound, and nothing in the folder tells whether its message was committed just before: it is read again, which is
a duplicate if it was. A clean stop leaves none but those marked as accepted, which are never read again: who finds
them, moves or deletes them. A mark is made as soon as that step fails; where the folder allows not even that, the
file is as after a crash.
"""

from __future__ import annotations

import errno
import os
import secrets
import socket
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from messagefoundry_file.custody import Held
from messagefoundry_file.disk import FOLDER_MODE, move_aside, sync_folder
from messagefoundry_file.lock import FileLock
from messagefoundry_file.marks import Mark, mark_file
from messagefoundry_file.scan import Found, Look

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK_FOLDER = ".messagefoundry-work"
_LOCK = "lock"
_CLAIMED = "claimed"


class Claims:
    """Custody by renaming into a folder of our own. `processed` None deletes what was accepted."""

    def __init__(self, folder: str, processed: str | None, error: str) -> None:
        """`processed` and `error` are paths below `folder`."""
        self._folder = folder
        self._processed = processed
        self._error = error
        self._work = os.path.join(folder, WORK_FOLDER)
        self._lock: FileLock | None = None

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
            own = os.path.join(self._work, f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}")
            os.mkdir(own, 0o700)
            self._lock = FileLock.seize(os.path.join(own, _LOCK))
        os.mkdir(os.path.join(self._own, _CLAIMED))

    @property
    def _own(self) -> str:
        if self._lock is None:
            raise OSError("the inbound is not running")
        return os.path.dirname(self._lock.path)

    def close(self) -> None:
        """Put back what can be put back and was not accepted, and let others adopt the rest."""
        if self._lock is None:
            return
        with suppress(OSError):
            for held in self._claimed():
                if held.message_id is None:
                    self.give_back(held)
            _dissolve(self._lock)
        self._lock.release()
        self._lock = None

    def left_over(self) -> list[Held]:
        """What we still hold, and what engines that died held: first what was accepted, then by name."""
        if self._lock is None or not self._lock.holds():
            self._start_again()
        self._adopt()
        return sorted(self._claimed(), key=lambda held: (held.message_id is None, held.name))

    def _start_again(self) -> None:
        """The folder was removed, or is another one now: what we held is for whoever finds it."""
        if self._lock:
            self._lock.release()
            self._lock = None
        self.open()

    def _adopt(self) -> None:
        """Take over what engines that died held; the folders of living ones, and ours, are locked."""
        for other in _subfolders(self._work):
            lock = FileLock.seize(os.path.join(other, _LOCK))
            if lock:
                self._inherit(other)
                _dissolve(lock)
                lock.release()

    def _inherit(self, other: str) -> None:
        for folder in _subfolders(other):
            mark = Mark.of(folder)
            name = mark.another_folder() if mark else f"adopted-{secrets.token_hex(4)}"
            os.rename(folder, os.path.join(self._own, name))

    def _claimed(self) -> Iterator[Held]:
        for top in _subfolders(self._own):
            for folder, _, names in os.walk(top, topdown=False):
                for name in names:
                    yield from self._still_claimed(top, os.path.join(folder, name))
                if folder != os.path.join(self._own, _CLAIMED):
                    _remove_if_empty(folder)

    def _still_claimed(self, top: str, path: str) -> Iterator[Held]:
        name = os.path.relpath(path, top)
        status = os.lstat(path)
        with suppress(FileNotFoundError):
            if os.path.samestat(status, os.lstat(os.path.join(self._folder, name))):
                os.unlink(path)  # given back, but for this last step
                return
        mark = Mark.of(top)
        yield Held(name, path, mark.look, mark.message_id) if mark else Held(name, path, Look.of(status))

    def knows(self, found: Found) -> bool:
        """Nothing that is done with stays in the folder."""
        return False

    def take(self, found: Found) -> Held | None:
        """Rename the file into our folder; whoever comes second finds it gone."""
        source = os.path.join(self._folder, found.name)
        path = os.path.join(self._own, _CLAIMED, found.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            _check_readable(source)
            os.rename(source, path)
        except FileNotFoundError:
            return None
        status = os.lstat(path)
        held = Held(found.name, path, Look.of(status))
        if held.look != found.look or not stat.S_ISREG(status.st_mode):
            self.give_back(held)
            return None
        return held

    def accepted(self, held: Held, message_id: int | None) -> str:
        """Move it to the processed files or delete it; what was not read of it is kept."""
        if held.message_id is None and message_id is not None:
            held = self._as_accepted(held, message_id)
        try:
            return self._done_with(held, message_id)
        except OSError:
            self._mark(held)
            raise

    def _as_accepted(self, held: Held, message_id: int) -> Held:
        """The same file; after a first try that failed it is where `_mark` has moved it."""
        mark = Mark(message_id, held.look)
        path = os.path.join(self._own, mark.folder(), held.name)
        return Held(held.name, path if os.path.lexists(path) else held.path, held.look, message_id)

    def _mark(self, held: Held) -> None:
        """Say durably that it was accepted, if the folder allows it."""
        lock_lost = self._lock is None or not self._lock.holds()  # nothing is made where a share went away
        if held.message_id is None or Mark.of(_top(held)) or lock_lost:
            return
        with suppress(OSError):
            mark_file(_top(held), held.name, os.path.join(self._own, Mark(held.message_id, held.look).folder()))

    def _done_with(self, held: Held, message_id: int | None) -> str:
        if self._gone(held):
            return "was removed while it was received"
        if Look.of(os.lstat(held.path)) != held.look:
            return f"changed after it was read; kept as {self.set_aside(held)}"
        if self._processed is None:
            os.unlink(held.path)
            sync_folder(os.path.dirname(held.path))
        else:
            move_aside(held.path, self._processed, held.name, str(message_id))
        return ""

    def set_aside(self, held: Held) -> str:
        """Move it to the folder for errors."""
        if self._gone(held):
            return "nothing, for it was removed meanwhile"
        return os.path.relpath(move_aside(held.path, self._error, held.name, str(time.time_ns() // 1000)), self._folder)

    def _gone(self, held: Held) -> bool:
        """Whether somebody removed the file, and not the share went away with it."""
        return not os.path.lexists(held.path) and self._lock is not None and self._lock.holds()

    def give_back(self, held: Held) -> None:
        """Let it have its name in the folder again; where that is taken by now, it stays claimed and comes first."""
        with suppress(OSError):
            os.link(held.path, os.path.join(self._folder, held.name), follow_symlinks=False)
            os.unlink(held.path)


def _check_readable(path: str) -> None:
    """An unreadable file is not moved to and fro at every poll; one that is gone is no trouble here."""
    effective = os.access in os.supports_effective_ids
    if not os.access(path, os.R_OK, effective_ids=effective) and os.path.lexists(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _top(held: Held) -> str:
    """The folder below which a held file has its relative name."""
    return held.path[: -len(held.name) - 1]


def _subfolders(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def _dissolve(lock: FileLock) -> None:
    """Remove a claim folder that holds nothing any more."""
    folder = os.path.dirname(lock.path)
    _remove_if_empty(os.path.join(folder, _CLAIMED))
    if os.listdir(folder) == [_LOCK]:
        os.unlink(lock.path)
        _remove_if_empty(folder)


def _remove_if_empty(folder: str) -> None:
    with suppress(OSError):
        os.rmdir(folder)
