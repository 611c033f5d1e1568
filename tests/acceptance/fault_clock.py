"""A system clock that a test can set: the engine's process reads it through a `sitecustomize` of its own.

`CLOCK_REALTIME` belongs to the whole machine, and Linux has no namespace for it. So `time.time` and `time.time_ns` of
that one process are replaced before anything is imported; the monotonic clock, sleeps and the engine's code stay.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HOUR = 3600.0

SITE = """
import mmap
import struct
import time

with open({offset!r}, "rb") as file:
    shared = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
real_ns = time.time_ns

def time_ns():
    return real_ns() + struct.unpack("q", shared[:8])[0]

time.time_ns = time_ns
time.time = lambda: time_ns() / 1e9
"""


class Clock:
    """The wall clock of the processes that are started while it is installed."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        site = directory / "site"
        site.mkdir()
        self._offset = directory / "offset"
        self.set(0)
        (site / "sitecustomize.py").write_text(SITE.format(offset=str(self._offset)))
        path = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))

    def set(self, seconds: float) -> None:
        """Set it so many seconds off the true time, at once and for all of them."""
        with self._offset.open("r+b" if self._offset.exists() else "wb") as file:
            file.write(struct.pack("q", int(seconds * 1e9)))
