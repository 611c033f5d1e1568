"""One measured run: a fresh subject between a sink and a generator, each a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .measurement import Conditions, Measurement, Observed
from .meter import Meter
from .subject import Subject, SubjectError, commits_by_api, commits_by_log, running
from .workplace import RECEIVER, Workplace, fresh_workplace

Progress = Callable[[str], None]


def measure(subject: Subject, connections: int, pair: int, conditions: Conditions, progress: Progress) -> Measurement:
    """Run a subject in a fresh workplace under load; raises SubjectError when it does not start."""
    with (
        _sink(conditions.fanout) as sink,
        fresh_workplace(sink.ports, conditions.parent, keep=conditions.keep) as place,
    ):
        progress("starting")
        with running(subject, place) as process:
            observed = _Run(place, sink, conditions, progress).observe(process, connections)
        if observed.commits is None:
            observed = replace(observed, commits=commits_by_log(place))
        return observed.measurement(subject.name, connections, pair)


class _Sink:
    """The sink's process; its ending is given once the load is over."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the sink's process needs pipes")
        self._orders, self._reports = process.stdin, process.stdout
        self.ports: tuple[int, ...] = tuple(json.loads(self._reports.readline())["listening"])

    def conclude(self, expect: int, journal: Path, conditions: Conditions) -> dict[str, Any]:
        """Wait for the backlog; return the report."""
        order = {"expect": expect, "journal": str(journal)}
        waiting = {"idle": conditions.idle_seconds, "at_most": conditions.drain_seconds}
        print(json.dumps({**order, **waiting}), file=self._orders, flush=True)
        report: dict[str, Any] = json.loads(self._reports.readline())
        return report


@contextmanager
def _sink(ports: int) -> Iterator[_Sink]:
    command = [sys.executable, "-m", "messagefoundry.harness.sink", "--control", "--receiver", RECEIVER]
    command += ["--port", "0"] * ports
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _Sink(process)
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class _Run:
    """What surrounds a subject while it is measured."""

    place: Workplace
    sink: _Sink
    conditions: Conditions
    progress: Progress

    def observe(self, process: subprocess.Popen[bytes], connections: int) -> Observed:
        """Send, wait for the backlog, and meter the subject from before the first to after the last message."""
        journal = self.place.directory / "journal.txt"
        before = commits_by_api(self.place)
        with Meter(process.pid, self._show) as meter:
            load = self._load(journal, connections)
            report = self.sink.conclude(load["acked"], journal, self.conditions)
        after = commits_by_api(self.place)
        return Observed(
            load=load,
            sink=report,
            reading=meter.reading(load["cpu_seconds"] + report["cpu_seconds"]),
            commits=None if before is None or after is None else after - before,
            died=process.poll(),
        )

    def _show(self, seconds: float, rss_bytes: int) -> None:
        self.progress(f"{seconds:4.1f} s, {rss_bytes / 1e6:.0f} MB")

    def _load(self, journal: Path, connections: int) -> dict[str, Any]:
        options = ["--port", self.place.port, "--connections", connections, "--seconds", self.conditions.seconds]
        options += ["--journal", journal]
        if self.conditions.rate is not None:
            options += ["--rate", self.conditions.rate]
        command = [sys.executable, "-m", "messagefoundry.harness.load", *map(str, options)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.stdout:
            raise SubjectError(f"the generator failed: {done.stderr.strip()}")
        result: dict[str, Any] = json.loads(done.stdout)
        return result
