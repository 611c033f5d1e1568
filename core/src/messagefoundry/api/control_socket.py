"""The engine's owner-only socket in the file system: making it, and reaching it, however long its path is.

The address of a Unix socket holds about a hundred bytes. A longer path is reached through its opened folder.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from messagefoundry.contracts.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 107 if sys.platform == "linux" else 103
"""Bytes that `sun_path` holds beside its closing NUL."""

BACKLOG = 100
OWNER_ONLY = 0o600


class Peer(Protocol):
    """A connected socket."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes:
        """A socket option."""


def control_address(path: str) -> str:
    """What a client connects to for the socket at `path`.

    The folder of a long path stays open until the process ends: for commands, not for an engine. Raises OSError when
    the folder is not there, ConfigurationError when the path is too long for this system.
    """
    if fits(path):
        return path
    folder = open_folder(path)
    try:
        return short_address(path, folder)
    except ConfigurationError:
        os.close(folder)
        raise


def listening(path: str) -> socket.socket:
    """A new listening socket at `path` that its owner alone (and root) can connect to.

    A socket that an engine left there is replaced: whoever calls holds the store, so that engine is gone. Raises
    ConfigurationError when something else is in the way, OSError when the folder cannot be written.
    """
    remove(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with bindable(path) as address:
            listener.bind(address)
        # Nobody can connect before `listen`, so that there is no moment at which others could.
        os.chmod(path, OWNER_ONLY)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def is_owner(connection: Peer) -> bool:
    """Whether who connected runs as our own user, or as root; where no system says so, the socket's mode has to do."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, user, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("iII")))
    return user in (0, os.geteuid())


def remove(path: str) -> None:
    """Remove the socket at `path`, if there is one. Raises ConfigurationError for anything but a socket."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ConfigurationError([Problem("is in the way of the control socket", "move it away", file=path)])
    os.unlink(path)


@contextmanager
def bindable(path: str) -> Iterator[str]:
    """An address for `path` that is good within the block."""
    if fits(path):
        yield path
        return
    folder = open_folder(path)
    try:
        yield short_address(path, folder)
    finally:
        os.close(folder)


def fits(path: str) -> bool:
    """Whether a path can be a socket's address as it is."""
    return len(os.fsencode(path)) <= LONGEST


def open_folder(path: str) -> int:
    """A descriptor of the folder that `path` is in."""
    return os.open(os.path.dirname(path) or ".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)


def short_address(path: str, folder: int) -> str:
    """The address of `path` by way of its opened folder, as Linux alone has it."""
    address = f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    if os.path.isdir(f"/proc/self/fd/{folder}") and fits(address):
        return address
    mend = "keep the store in a folder with a shorter path"
    raise ConfigurationError([Problem(f"the control socket's path is longer than {LONGEST} bytes", mend, file=path)])
