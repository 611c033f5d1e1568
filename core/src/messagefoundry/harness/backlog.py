"""A partner that is away while messages arrive: what they add to the memory, and whether all come out in order."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .cases import Case, Conditions
from .measurement import Measurement, Observed
from .meter import Meter
from .subject import Running, running
from .tools import SinkProcess, load_result, running_sink
from .workplace import RECEIVER, Workplace, fresh_workplace

LEAST_WARM_UP_SECONDS = 3.0
RETURN_SECONDS = 90.0
"""longest wait for a lane in back-off to find its partner again"""
LEAST_DRAINED_PER_SECOND = 300


def measure_backlog(case: Case, pair: int, conditions: Conditions) -> Measurement:
    """Run a case with a backlog; `added_rss_mb` is against the peak of the warm-up, which passes straight through."""
    patience = replace(
        conditions,
        idle_seconds=max(RETURN_SECONDS, conditions.idle_seconds),
        drain_seconds=RETURN_SECONDS + case.backlog / LEAST_DRAINED_PER_SECOND,
    )
    with ExitStack() as partner:
        sink = partner.enter_context(running_sink([0], RECEIVER))
        with (
            fresh_workplace(sink.ports, conditions.parent, keep=conditions.keep) as place,
            running(case.subject, place) as subject,
        ):
            run = _Backlog(place, case, patience)
            before, held = run.pass_through(subject, sink)
            partner.close()
            observed = run.gather_and_drain(subject, before, held)
    return observed.measurement(case, pair)


@dataclass(frozen=True, slots=True)
class _Backlog:
    """The three acts: straight through, gathering, draining."""

    place: Workplace
    case: Case
    conditions: Conditions

    @property
    def _journal(self) -> Path:
        return self.place.directory / "journal.txt"

    def pass_through(self, subject: Running, sink: SinkProcess) -> tuple[dict[str, Any], int]:
        """Warm up with the partner there; return the sink's report and the subject's peak memory in bytes."""
        with Meter(subject.process.pid, store=subject.store) as meter:
            load = self._load(seconds=max(LEAST_WARM_UP_SECONDS, self.conditions.warm_up))
            report = sink.conclude(load["acked"], self._journal, self.conditions)
        return report, meter.reading(0).peak_rss_bytes or 0

    def gather_and_drain(self, subject: Running, before: dict[str, Any], held: int) -> Observed:
        """Send all while nobody listens at the destination, then let the partner come back."""
        with Meter(subject.process.pid, store=subject.store) as meter:
            load = self._load(count=self.case.backlog, seconds=self.conditions.drain_seconds)
            with running_sink(self.place.sinks, RECEIVER) as sink:
                report = sink.conclude(load["acked"], self._journal, self.conditions)
        reading = meter.reading(load["cpu_seconds"] + report["cpu_seconds"])
        added = None if reading.peak_rss_bytes is None else float(max(0, reading.peak_rss_bytes - held))
        return Observed(load, report, before, reading, None, subject.process.poll(), added)

    def _load(self, **extent: float) -> dict[str, Any]:
        options = {"port": self.place.port, "connections": self.case.connections, "journal": self._journal}
        return load_result(options, **extent)
