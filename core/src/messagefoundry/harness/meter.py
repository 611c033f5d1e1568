"""CPU, memory and noise during a run, sampled beside it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from .proc import machine_busy_seconds, usage_of
from .stores import Store

_SAMPLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Reading:
    """What a run used; None where the system does not tell."""

    cpu_seconds: float | None
    peak_rss_bytes: int | None
    other_cores: float | None
    server_cpu_seconds: float | None = None
    """of the database server; None without one"""


class Meter:
    """Measures a process and its children from entry to exit; `on_sample` gets seconds and RSS four times a second.

    What the processes of its store use is told apart.
    """

    def __init__(
        self,
        pid: int,
        on_sample: Callable[[float, int], None] = lambda seconds, rss: None,
        store: Store | None = None,
    ) -> None:
        self._pid, self._on_sample = pid, on_sample
        self._store = store or Store()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_stopped, daemon=True)
        self._peak_rss = 0

    def __enter__(self) -> Self:
        self._started, self._own_cpu = time.monotonic(), time.process_time()
        self._stores_before = self._of_the_store()
        self._before = self._after = usage_of(self._pid)
        self._busy_before = machine_busy_seconds()
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._seconds, self._own_cpu = time.monotonic() - self._started, time.process_time() - self._own_cpu
        self._sample()
        self._stores_after = self._of_the_store()
        self._busy_after = machine_busy_seconds()

    def reading(self, tools_cpu_seconds: float) -> Reading:
        """Return the figures of the time between; `tools_cpu_seconds` is what generator and sink say they used."""
        if self._before is None or self._after is None:
            return Reading(None, None, None)
        cpu = self._after.cpu_seconds - self._before.cpu_seconds
        server, network = (b - a for a, b in zip(self._stores_before, self._stores_after, strict=True))
        other = None
        if self._busy_before is not None and self._busy_after is not None:
            known = cpu + server + network + tools_cpu_seconds + self._own_cpu
            other = max(0.0, round((self._busy_after - self._busy_before - known) / self._seconds, 2))
        return Reading(cpu, self._peak_rss, other, None if self._store.server is None else server)

    def _of_the_store(self) -> tuple[float, float]:
        """Return the CPU seconds that server and network have used so far."""
        return _cpu_seconds(self._store.server), _cpu_seconds(self._store.network)

    def _sample_until_stopped(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self._sample()
            self._on_sample(time.monotonic() - self._started, self._peak_rss)

    def _sample(self) -> None:
        usage = usage_of(self._pid)
        if usage is not None:  # else it has died: the last sample stands
            self._after = usage
            self._peak_rss = max(self._peak_rss, usage.rss_bytes)


def _cpu_seconds(pid: int | None) -> float:
    usage = None if pid is None else usage_of(pid)
    return 0.0 if usage is None else usage.cpu_seconds
