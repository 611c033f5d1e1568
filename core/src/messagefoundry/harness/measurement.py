"""The figures of one run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .cases import Case
from .latency import Latency
from .meter import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One run. Of several sinks: the slowest for times, the sum for counts."""

    subject: str
    connections: int
    pair: int
    sent: int
    acked: int
    errors: int
    late: int
    per_second: float
    """acknowledged / (sending time + drain): a backlog cannot embellish it"""
    intake_per_second: float
    ack_ms: Latency
    end_to_end_ms: Latency
    drain_seconds: float
    lost: int
    """acknowledged, never delivered"""
    duplicates: int
    unexpected: int
    """delivered, but not sent in this run"""
    disorder: int
    """one sender: by control id; a sender a lane: by control id on each lane; else by cause and effect"""
    wrong_receiver: int
    """delivered without the Handler's edit"""
    cpu_ms_per_message: float | None
    peak_rss_mb: float | None
    commits_per_second: float | None
    other_cores: float | None
    """cores that anything else on the machine kept busy"""
    died: int | None = None
    """exit code of a subject that ended by itself"""
    added_rss_mb: float | None = None
    """peak memory beyond what the same process held under the same load before a backlog gathered"""
    server_cpu_ms_per_message: float | None = None
    """of the database server, where there is one; `cpu_ms_per_message` is without it"""


@dataclass(frozen=True, slots=True)
class Observed:
    """The raw results of one run, as the processes gave them."""

    load: Mapping[str, Any]
    """:meth:`LoadResult.as_json`"""
    sink: Mapping[str, Any]
    """the sink's report"""
    before: Mapping[str, Any]
    """the sink's report of the warm-up"""
    reading: Reading
    commits: float | None
    died: int | None
    added_rss_bytes: float | None = None

    @property
    def drain_seconds(self) -> float:
        """Return the slowest sink's drain."""
        return max(float(port["reconciled"]["drain_seconds"]) for port in self.sink["ports"])

    def measurement(self, case: Case, pair: int) -> Measurement:
        """Return the figures of the run."""
        load, reading = self.load, self.reading
        seconds = load["seconds"] + self.drain_seconds
        latencies = [Latency(**port["reconciled"]["end_to_end_ms"]) for port in self.sink["ports"]]
        return Measurement(
            subject=case.name,
            connections=case.connections,
            pair=pair,
            sent=load["sent"],
            acked=load["acked"],
            errors=load["errors"],
            late=load["late"],
            per_second=_ratio(load["acked"], seconds) or 0.0,
            intake_per_second=load["intake_per_second"],
            ack_ms=Latency(**load["ack_ms"]),
            end_to_end_ms=max(latencies, key=lambda latency: latency.p99 or 0.0),
            drain_seconds=self.drain_seconds,
            lost=self._reconciled("missing"),
            duplicates=self._counted("duplicates"),
            unexpected=self._reconciled("unexpected"),
            disorder=self._disorder(case),
            wrong_receiver=self._counted("wrong_receiver"),
            cpu_ms_per_message=_ratio(reading.cpu_seconds, load["acked"] / 1000, 3),
            peak_rss_mb=_ratio(reading.peak_rss_bytes, 1e6),
            commits_per_second=_ratio(self.commits, seconds),
            other_cores=reading.other_cores,
            died=self.died,
            added_rss_mb=_ratio(self.added_rss_bytes, 1e6),
            server_cpu_ms_per_message=_ratio(reading.server_cpu_seconds, load["acked"] / 1000, 3),
        )

    def _disorder(self, case: Case) -> int:
        if case.connections == 1:
            return self._counted("order_breaks")
        one_sender_a_lane = case.feed.pairs == case.connections
        return self._counted("connection_breaks") if one_sender_a_lane else self._reconciled("overtaken")

    def _counted(self, name: str) -> int:
        """Sum over the sinks, warm-up included: nothing may go wrong there either."""
        return sum(port[name] for report in (self.before, self.sink) for port in report["ports"])

    def _reconciled(self, name: str) -> int:
        return sum(port["reconciled"][name] for report in (self.before, self.sink) for port in report["ports"])


def _ratio(amount: float | None, of: float, digits: int = 1) -> float | None:
    return None if amount is None or not of else round(amount / of, digits)
