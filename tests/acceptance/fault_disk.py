"""A small disk for a store: a tmpfs of its own, whose free space a test sets as it likes."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEBIBYTE = 1 << 20
PAGE = 4096


@dataclass(frozen=True)
class DiskPlace(Place):
    """A place whose store is on a disk of its own; log and files are not."""

    disk: Path

    @property
    def database(self) -> Path:
        return self.disk / "engine.db"


@dataclass(frozen=True)
class SmallDisk:
    """A mounted tmpfs."""

    path: Path

    @property
    def free(self) -> int:
        return shutil.disk_usage(self.path).free

    def leave(self, free: int) -> None:
        """Make it so large that about `free` bytes are left; 0 leaves not one page."""
        used = shutil.disk_usage(self.path).used
        size = max(PAGE, used + free) // PAGE * PAGE
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.path)], check=True, capture_output=True)


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[SmallDisk]:
    """Mount one at `path` for the length of a block. Skips the test where nobody may mount."""
    path.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk: what a full one does was not looked at")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "mefor-test", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"this system does not let a test mount a small disk: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
