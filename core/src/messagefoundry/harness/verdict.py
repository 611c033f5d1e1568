"""Engine against floor: medians of the paired ratios, and what fails."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from .measurement import Measurement

NOISE_CORES = 0.35
"""a pair during which anything else kept more of the machine busy does not count, as long as a quieter one is left"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians of engine / floor over the pairs at one number of connections; None where a figure is missing."""

    connections: int
    pairs: int
    """pairs that count"""
    noisy: int
    """pairs that were left out, or, when no pair was quiet, all of them"""
    per_second: float | None
    intake_per_second: float | None
    cpu_ms_per_message: float | None
    ack_p99: float | None
    end_to_end_p99: float | None


Pair = tuple[Measurement, Measurement]


def compare(runs: Sequence[Measurement]) -> list[Comparison]:
    """Compare the runs named engine with those named floor, in pairs."""
    return [_comparison(count, _pairs(runs, count)) for count in sorted({run.connections for run in runs})]


def failures(runs: Iterable[Measurement], comparisons: Iterable[Comparison], bar: float) -> list[str]:
    """Return a sentence for everything that must not be; `bar` is the least ratio of messages/s."""
    found = [f"{run.subject}, {run.connections} connections: {fault}" for run in runs for fault in _faults(run)]
    for comparison in comparisons:
        ratio = comparison.per_second
        if ratio is None or ratio < bar:
            reached = "no ratio" if ratio is None else f"{ratio:.2f} of the floor's messages/s"
            found.append(f"{comparison.connections} connections: {reached}, below the bar of {bar:.2f}")
    return found


def _faults(run: Measurement) -> list[str]:
    faults = {
        f"{run.lost} acknowledged messages lost": run.lost,
        f"{run.out_of_order} messages out of order": run.connections == 1 and run.out_of_order,
        f"{run.wrong_receiver} messages without the Handler's edit": run.wrong_receiver,
        "no message acknowledged": not run.acked,
        f"ended by itself with code {run.died}": run.died is not None,
    }
    return [text for text, wrong in faults.items() if wrong]


def _pairs(runs: Iterable[Measurement], connections: int) -> list[Pair]:
    named = {(run.subject, run.pair): run for run in runs if run.connections == connections}
    numbers = sorted({pair for _, pair in named})
    return [(named["engine", n], named["floor", n]) for n in numbers if {("engine", n), ("floor", n)} <= named.keys()]


def _comparison(connections: int, pairs: Sequence[Pair]) -> Comparison:
    quiet = [pair for pair in pairs if all((run.other_cores or 0.0) <= NOISE_CORES for run in pair)]
    counted = quiet or pairs
    return Comparison(
        connections=connections,
        pairs=len(counted),
        noisy=len(pairs) - len(quiet),
        per_second=_median(counted, lambda run: run.per_second),
        intake_per_second=_median(counted, lambda run: run.intake_per_second),
        cpu_ms_per_message=_median(counted, lambda run: run.cpu_ms_per_message),
        ack_p99=_median(counted, lambda run: run.ack_ms.p99),
        end_to_end_p99=_median(counted, lambda run: run.end_to_end_ms.p99),
    )


def _median(pairs: Iterable[Pair], figure: Callable[[Measurement], float | None]) -> float | None:
    figures = [(figure(engine), figure(floor)) for engine, floor in pairs]
    ratios = [of_engine / of_floor for of_engine, of_floor in figures if of_engine is not None and of_floor]
    return round(median(ratios), 3) if ratios else None
