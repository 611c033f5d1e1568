"""What came of a load profile: the books, the objectives, the figures, as plain values."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from .books import Books
from .machine import Machine
from .meter import Reading
from .objectives import Check, PhaseFigures, checks, phase_figures
from .pages import Counts
from .profiles import Profile

FORMAT = 1
"""of the JSON report"""
SENDER_LIMIT = 0.85
"""share of a core that the driving process may use before it is suspected of being the limit itself"""

INTERVAL_COLUMNS = (
    *("at", "seconds", "phase", "sent", "accepted", "errors", "delivered", "per_second"),
    *("ack_p50_ms", "ack_p99_ms", "ack_max_ms", "end_to_end_p50_ms", "end_to_end_p99_ms", "end_to_end_max_ms"),
    *("on_their_way", "backlog", "rss_mb", "store_mb"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The raw results."""

    result: Mapping[str, Any]
    intervals: Sequence[Mapping[str, Any]]
    before: Counts
    after: Counts | None
    reading: Reading | None = None
    """None: the engine is not ours to meter"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole of it."""

    profile: Profile
    load: Mapping[str, Any]
    """what was offered to what: two reports can be compared when this is the same but for the times"""
    against: str
    machine: Machine
    ended_at: str
    books: Books
    checks: Sequence[Check]
    phases: Sequence[PhaseFigures]
    intervals: Sequence[Mapping[str, Any]]
    histograms: Mapping[str, Sequence[tuple[float, int]]]
    """of the measured phases, by `ack` and `end_to_end`: upper bounds in milliseconds, and counts"""
    seconds: float
    drain_seconds: float | None
    """until the last message arrived; None when not all did"""
    cpu_ms_per_message: float | None
    peak_rss_mb: float | None
    notes: Sequence[str]
    ended_early: bool

    @property
    def faults(self) -> list[str]:
        """Return a sentence for everything that makes it fail, the books first."""
        early = ["sending was ended early: the profile was not run to its end"] if self.ended_early else []
        return [*self.books.faults, *early, *(check.sentence for check in self.checks if not check.met)]

    def facts(self) -> dict[str, Any]:
        """Return plain values for JSON, the verdict first."""
        return {
            "format": FORMAT,
            "profile": self.profile.name,
            "passed": not self.faults,
            "reconciliation": self.books.facts(),
            "faults": self.faults,
            "objectives": [check.facts() for check in self.checks],
            "against": self.against,
            "ended_at": self.ended_at,
            "machine": asdict(self.machine),
            "load": self.load,
            "seconds": self.seconds,
            "drain_seconds": self.drain_seconds,
            "cpu_ms_per_message": self.cpu_ms_per_message,
            "peak_rss_mb": self.peak_rss_mb,
            "notes": list(self.notes),
            "phases": [asdict(phase) for phase in self.phases],
            "histograms": self.histograms,
            "intervals": self.intervals,
        }

    def as_csv(self) -> str:
        """Return a row an interval."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(INTERVAL_COLUMNS)
        rows.writerows([row[name] for name in INTERVAL_COLUMNS] for row in self.intervals)
        return text.getvalue()


def report_of(run: Run, profile: Profile, load: Mapping[str, Any], against: str, machine: Machine) -> Report:
    """Draw up the report of a run."""
    result, reading = run.result, run.reading
    books = Books.of(result, run.before, run.after)
    phases = phase_figures(profile, result["phases"], result["seconds"])
    drained = None if books.missing or books.backlog else float(result["drain_seconds"])
    cpu = None if reading is None or reading.cpu_seconds is None or not books.accepted else reading.cpu_seconds
    rss = None if reading is None else reading.peak_rss_bytes
    return Report(
        profile=profile,
        load=load,
        against=against,
        machine=machine,
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
        books=books,
        checks=list(checks(profile, phases, books, drained)),
        phases=phases,
        intervals=[_row(interval, profile) for interval in run.intervals],
        histograms=result["histograms"],
        seconds=result["seconds"],
        drain_seconds=drained,
        cpu_ms_per_message=None if cpu is None else round(cpu * 1000 / books.accepted, 3),
        peak_rss_mb=None if rss is None else round(rss / 1e6, 1),
        notes=[*_most_sustained(profile, phases), *_notes(result, run.before.waiting)],
        ended_early=result["ended_early"],
    )


def _row(interval: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """Return an interval with the name of its phase, flat as a table."""
    number = interval["phase"]
    row = {
        **interval,
        "phase": profile.phases[number].name if number < len(profile.phases) else "drain",
        "per_second": round(interval["delivered"] / interval["seconds"], 1) if interval["seconds"] else 0.0,
    }
    for name in ("ack", "end_to_end"):
        row |= {f"{name}_{figure}_ms": value for figure, value in row.pop(f"{name}_ms").items()}
    return row


def _most_sustained(profile: Profile, phases: Sequence[PhaseFigures]) -> Iterator[str]:
    measured = [phase for phase in phases if phase.measured]
    if profile.closed and measured:
        best = max(measured, key=lambda phase: phase.per_second)
        yield f"the most that was sustained is {best.per_second:,g} msg/s, with {best.name}"


def _notes(result: Mapping[str, Any], waiting_before: int) -> Iterator[str]:
    if waiting_before:
        yield f"{waiting_before:,} pieces of work waited in the engine before the load: what came of them is foreign"
    if result["late"]:
        yield f"{result['late']:,} messages found no room when they were due and were sent later; their wait counts"
    if result["connections_lost"]:
        yield f"{result['connections_lost']} connections were closed by the engine"
    if result["unasked"]:
        yield f"{result['unasked']} answers belonged to no message"
    if misses := result["correlation_misses"]:
        yield (
            f"{misses:,} messages were counted but not timed: more were on their way than --correlator-capacity holds"
        )
    if result["cpu_seconds"] > SENDER_LIMIT * (result["seconds"] + result["drain_seconds"]) > 0:
        yield "the sending process was busy all the time: it may be the limit, not the engine"
