"""One side against the other: medians of both and of the paired ratios, and what went wrong in a run."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from .measurement import Measurement

NOISE_CORES = 0.35
"""a pair during which anything else kept more of the machine busy does not count, as long as a quieter one is left"""

FIGURES: dict[str, Callable[[Measurement], float | None]] = {
    "msg/s": lambda run: run.per_second,
    "intake/s": lambda run: run.intake_per_second,
    "CPU ms a message": lambda run: run.cpu_ms_per_message,
    "server CPU ms a message": lambda run: run.server_cpu_ms_per_message,
    "ACK p50 ms": lambda run: run.ack_ms.p50,
    "ACK p99 ms": lambda run: run.ack_ms.p99,
    "end to end p99 ms": lambda run: run.end_to_end_ms.p99,
    "peak MB": lambda run: run.peak_rss_mb,
    "added MB": lambda run: run.added_rss_mb,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """Medians over the pairs that count: of each side, and of left / right with its lowest and highest pair.

    A figure that only the left side has, such as the CPU of its database server, has no right and no ratio.
    """

    left: float
    right: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of a scenario. Without a right side the figures have none either."""

    scenario: str
    connections: int
    left: str
    right: str | None
    rate: float | None
    """messages a second offered to both sides; None: as fast as answers allow"""
    pairs: int
    """pairs that count"""
    noisy: int
    """pairs that were left out, or, when no pair was quiet, all of them"""
    figures: dict[str, Figure] = field(default_factory=dict)


Pair = Sequence[Measurement]
"""the left side's run and the right side's, if there is one"""


def compare(scenario: str, pairs: Sequence[Pair], rate: float | None = None) -> Comparison:
    """Compare pairs of runs; there must be at least one."""
    quiet = [pair for pair in pairs if all((run.other_cores or 0.0) <= NOISE_CORES for run in pair)]
    counted = quiet or pairs
    left, *right = pairs[0]
    figures = {name: _figure([[read(run) for run in pair] for pair in counted]) for name, read in FIGURES.items()}
    return Comparison(
        scenario=scenario,
        connections=left.connections,
        left=left.subject,
        right=right[0].subject if right else None,
        rate=rate,
        pairs=len(counted),
        noisy=len(pairs) - len(quiet),
        figures={name: figure for name, figure in figures.items() if figure is not None},
    )


def faults(runs: Iterable[Measurement]) -> list[str]:
    """Return a sentence for everything that must not be, whatever the figures."""
    return [f"{run.subject}, {run.connections} connections: {fault}" for run in runs for fault in _faults(run)]


def _faults(run: Measurement) -> list[str]:
    wrong = {
        f"{run.lost} acknowledged messages lost": run.lost,
        f"{run.duplicates} messages delivered twice": run.duplicates,
        f"{run.unexpected} messages delivered that were not sent in this run": run.unexpected,
        f"{run.disorder} messages out of order": run.disorder,
        f"{run.errors} messages not accepted": run.errors,
        f"{run.wrong_receiver} messages without the Handler's edit": run.wrong_receiver,
        "no message acknowledged": not run.acked,
        f"ended by itself with code {run.died}": run.died is not None,
    }
    return [text for text, is_so in wrong.items() if is_so]


def _figure(pairs: Sequence[Sequence[float | None]]) -> Figure | None:
    """Return the medians of what the sides of a pair tell; None when the left side tells nothing."""
    known = _known(pairs) or _known([pair[:1] for pair in pairs])
    if not known:
        return None
    left = _rounded(median(pair[0] for pair in known))
    if len(known[0]) == 1:
        return Figure(left)
    ratios = [pair[0] / pair[1] for pair in known if pair[1]]
    right = _rounded(median(pair[1] for pair in known))
    if not ratios:
        return Figure(left, right)
    return Figure(left, right, *(round(ratio, 3) for ratio in (median(ratios), min(ratios), max(ratios))))


def _known(pairs: Sequence[Sequence[float | None]]) -> list[list[float]]:
    """Return the pairs of which every side tells the figure."""
    return [[value for value in pair if value is not None] for pair in pairs if None not in pair]


def _rounded(value: float) -> float:
    return round(value, 3)
