"""Steps on a file system: making a folder durable, moving without replacing, showing names."""

from __future__ import annotations

import errno
import itertools
import os
import sys
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from messagefoundry.contracts import InboundContext, OutboundContext
    from messagefoundry_file.settings import FileSettings

FOLDER_MODE, FILE_MODE = 0o750, 0o640
"""Of what is made here, less the umask: messages are for the engine's account and its group."""

NO_LINKS = frozenset((errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK))
"""What `link` fails with where a file cannot have a second name."""

_NO_SYNC = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS))
_LONGEST_NAME = 255
_LONGEST_SHOWN = 120


def may_make_folder(settings: FileSettings, context: InboundContext | OutboundContext) -> bool:
    """Whether a missing folder is made: when its Connection begins, for later it may be a share that went away."""
    return context.first_opening and not settings.validate_directory


@contextmanager
def syncing(folder: str) -> Iterator[Callable[[], None]]:
    """Give what makes the names in `folder` durable; OSError at the beginning if `folder` is not ours to open.

    Windows and some network file systems keep names without being asked, and have no such call.
    """
    if sys.platform == "win32":
        yield lambda: None
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield partial(_sync, descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: str) -> None:
    """Make the names in `folder` durable."""
    with syncing(folder) as sync:
        sync()


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def move_without_replacing(source: str, target: str) -> None:
    """Move a file to a name that is free, on one file system. Raises FileExistsError, OSError.

    A move that was broken off, so that the file has both names, is completed. POSIX renames replace and links do not;
    where there are none, the name is reserved with an empty file first.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samestat(os.lstat(source), os.lstat(target)):
            raise
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _move_to_reserved(source, target)
        return
    os.unlink(source)


def _move_to_reserved(source: str, target: str) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        os.replace(source, target)
    except OSError:
        os.unlink(target)
        raise


def move_aside(source: str, folder: str, name: str, tag: str) -> str:
    """Move `source` to `folder`/`name` and give its new path; a taken name gets `tag` before its extension.

    `name` may have subfolders, which are made. Nothing is ever replaced, so that two engines can share a folder. What
    makes the move durable is the caller's: `sync_folder` of both folders.
    """
    target = os.path.join(folder, name)
    os.makedirs(os.path.dirname(target), mode=FOLDER_MODE, exist_ok=True)
    for candidate in _names(target, tag):
        with suppress(FileExistsError):
            move_without_replacing(source, candidate)
            return candidate
    raise AssertionError("the names never end")


def _names(target: str, tag: str) -> Iterator[str]:
    yield target
    folder, name = os.path.split(target)
    stem, extension = map(os.fsencode, os.path.splitext(name))
    for number in itertools.count(1):
        suffix = f"-{tag}".encode() if number == 1 else f"-{tag}-{number}".encode()
        room = _LONGEST_NAME - len(suffix) - len(extension)
        yield os.path.join(folder, os.fsdecode(stem[: max(room, 0)] + suffix + extension))


def shown(name: str) -> str:
    """`name` as it may stand in notes: without control characters and bytes that are no text, capped in length."""
    text = "".join(character if character.isprintable() else "?" for character in name[: _LONGEST_SHOWN + 1])
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
