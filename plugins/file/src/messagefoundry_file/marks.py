"""Files whose message is committed and that could not be moved or deleted yet: a folder's name says so, durably.

    accepted-<message id>-<size>-<mtime_ns>/<name>      beside `claimed`, owner-only

Becoming marked is one rename, so there is no moment at which file and mark disagree, whoever crashes or takes over.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from typing import Self

from messagefoundry_file.disk import sync_folder
from messagefoundry_file.scan import Look

_NAME = re.compile(r"accepted-(\d+)-(\d+)-(-?\d+)(?:-[0-9a-f]+)?")


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of an accepted file: its message's id, and how it looked when it was read."""

    message_id: int
    look: Look

    @classmethod
    def of(cls, folder: str) -> Self | None:
        """The mark that the name of `folder` is, if it is one."""
        found = _NAME.fullmatch(os.path.basename(folder))
        return cls(int(found[1]), Look(int(found[2]), int(found[3]))) if found else None

    def folder(self) -> str:
        """The name of the folder for files with this mark."""
        return f"accepted-{self.message_id}-{self.look.size}-{self.look.mtime_ns}"

    def another_folder(self) -> str:
        """A second name, for a mark that comes from another engine, whose message ids may be the same as ours."""
        return f"{self.folder()}-{secrets.token_hex(4)}"


def mark_file(top: str, name: str, marked: str) -> None:
    """Move the file `name` from below the folder `top` to the same place below `marked`, beside it, durably.

    OSError when it is not there. When it is alone there, the folder itself is renamed, for which a full disk has room.
    """
    source, target = os.path.join(top, name), os.path.join(marked, name)
    os.lstat(source)  # it may have been moved before the step failed: then no other file may be marked in its place
    if [os.path.join(folder, file) for folder, _, files in os.walk(top) for file in files] == [source]:
        os.rename(top, marked)
    else:
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        os.rename(source, target)
        for folder, _, _ in os.walk(marked):
            sync_folder(folder)
        sync_folder(os.path.dirname(source))
    sync_folder(os.path.dirname(marked))
