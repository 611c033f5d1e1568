"""The figures of one run, and the conditions under which it was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .latency import Latency
from .meter import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What every run of a comparison has in common."""

    seconds: float = 10.0
    rate: float | None = None
    """messages a second; None: as fast as answers allow"""
    fanout: int = 1
    """destinations, each of which gets every message"""
    drain_seconds: float = 120.0
    """longest wait for the backlog"""
    idle_seconds: float = 15.0
    """longest wait without any arrival"""
    parent: Path | None = None
    """where the fresh directories are made; None: the system's temporary directory"""
    keep: bool = False
    """leave the directories there"""


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
    out_of_order: int
    """by control id: means disorder only when one connection sent them"""
    overtaken: int
    """by cause and effect: means disorder for any number of connections"""
    wrong_receiver: int
    """delivered without the Handler's edit"""
    cpu_ms_per_message: float | None
    peak_rss_mb: float | None
    commits_per_second: float | None
    other_cores: float | None
    """cores that anything else on the machine kept busy"""
    died: int | None = None
    """exit code of a subject that ended by itself"""


@dataclass(frozen=True, slots=True)
class Observed:
    """The raw results of one run, as the processes gave them."""

    load: Mapping[str, Any]
    """:meth:`LoadResult.as_json`"""
    sink: Mapping[str, Any]
    """the sink's report"""
    reading: Reading
    commits: int | None
    died: int | None

    @property
    def drain_seconds(self) -> float:
        """Return the slowest sink's drain."""
        return max(float(port["reconciled"]["drain_seconds"]) for port in self.sink["ports"])

    def measurement(self, subject: str, connections: int, pair: int) -> Measurement:
        """Return the figures of the run."""
        load, ports, reading = self.load, self.sink["ports"], self.reading
        reconciled = [port["reconciled"] for port in ports]
        seconds = load["seconds"] + self.drain_seconds
        return Measurement(
            subject=subject,
            connections=connections,
            pair=pair,
            sent=load["sent"],
            acked=load["acked"],
            errors=load["errors"],
            late=load["late"],
            per_second=_ratio(load["acked"], seconds) or 0.0,
            intake_per_second=load["intake_per_second"],
            ack_ms=Latency(**load["ack_ms"]),
            end_to_end_ms=_slowest([Latency(**one["end_to_end_ms"]) for one in reconciled]),
            drain_seconds=self.drain_seconds,
            lost=sum(one["missing"] for one in reconciled),
            duplicates=sum(port["duplicates"] for port in ports),
            unexpected=sum(one["unexpected"] for one in reconciled),
            out_of_order=sum(port["order_breaks"] for port in ports),
            overtaken=sum(one["overtaken"] for one in reconciled),
            wrong_receiver=sum(port["wrong_receiver"] for port in ports),
            cpu_ms_per_message=_ratio(reading.cpu_seconds, load["acked"] / 1000, 3),
            peak_rss_mb=_ratio(reading.peak_rss_bytes, 1e6),
            commits_per_second=_ratio(self.commits, seconds),
            other_cores=reading.other_cores,
            died=self.died,
        )


def _ratio(amount: float | None, of: float, digits: int = 1) -> float | None:
    return None if amount is None or not of else round(amount / of, digits)


def _slowest(latencies: Sequence[Latency]) -> Latency:
    return max(latencies, key=lambda latency: latency.p99 or 0.0)
