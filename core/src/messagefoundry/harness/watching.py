"""What an engine does while it is under load, looked at now and then from beside."""

import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from .pages import EnginePages
from .proc import usage_of


@dataclass(frozen=True, slots=True)
class Look:
    """One look; None where nobody tells."""

    backlog: int | None = None
    """pieces of work that wait in all stages"""
    rss_mb: float | None = None
    store_mb: float | None = None
    """the store's file and its log"""


class Watch:
    """Looks every `every` seconds from entry to exit; `latest` is the newest look."""

    def __init__(self, pages: EnginePages, every: float, pid: int | None = None, store: Path | None = None) -> None:
        self.pages, self._every, self._pid, self._store = pages, every, pid, store
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_until_stopped, daemon=True)
        self.latest = Look()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _look_until_stopped(self) -> None:
        while True:
            self.latest = self._look()
            if self._stop.wait(self._every):
                return

    def _look(self) -> Look:
        usage = None if self._pid is None else usage_of(self._pid)
        return Look(
            self.pages.waiting(),
            None if usage is None else round(usage.rss_bytes / 1e6, 1),
            None if self._store is None else _size_mb(self._store),
        )


def _size_mb(store: Path) -> float | None:
    sizes = [path.stat().st_size for path in (store, store.with_name(f"{store.name}-wal")) if path.is_file()]
    return round(sum(sizes) / 1e6, 2) if sizes else None
