"""The benchmark's tables."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rich import box
from rich.table import Table
from rich.text import Text

from .latency import Latency
from .measurement import Measurement
from .verdict import NOISE_CORES, Comparison

Cell = str | Text
Row = TypeVar("Row")
_RUN_COLUMNS: dict[str, Callable[[Measurement], Cell]] = {
    "conn": lambda run: str(run.connections),
    "pair": lambda run: str(run.pair),
    "subject": lambda run: run.subject,
    "msg/s": lambda run: figure(run.per_second, 0),
    "intake/s": lambda run: figure(run.intake_per_second, 0),
    "ACK ms\np50 / p99": lambda run: _percentiles(run.ack_ms, 2),
    "end to end ms\np50 / p99": lambda run: _percentiles(run.end_to_end_ms, 1),
    "CPU ms\na message": lambda run: figure(run.cpu_ms_per_message, 3),
    "peak\nMB": lambda run: figure(run.peak_rss_mb, 0),
    "commits/s": lambda run: figure(run.commits_per_second, 0),
    "error": lambda run: _fault(run.errors),
    "lost": lambda run: _fault(run.lost),
    "dup": lambda run: _fault(run.duplicates),
    "disorder": lambda run: _fault(run.out_of_order if run.connections == 1 else run.overtaken),
    "other\ncores": lambda run: _noise(run.other_cores),
}
_COMPARISON_COLUMNS: dict[str, Callable[[Comparison], Cell]] = {
    "conn": lambda one: str(one.connections),
    "pairs": lambda one: str(one.pairs),
    "noisy": lambda one: str(one.noisy),
    "msg/s": lambda one: figure(one.per_second, 2),
    "intake/s": lambda one: figure(one.intake_per_second, 2),
    "CPU a message": lambda one: figure(one.cpu_ms_per_message, 2),
    "ACK p99": lambda one: figure(one.ack_p99, 2),
    "e2e p99": lambda one: figure(one.end_to_end_p99, 2),
}


def runs_table(runs: Sequence[Measurement]) -> Table:
    """Return one row a run. Disorder is by control id for one connection, by cause and effect for more."""
    return _table("Runs", _RUN_COLUMNS, runs)


def comparisons_table(comparisons: Sequence[Comparison]) -> Table:
    """Return one row a number of connections."""
    return _table("Engine / floor, medians of the pairs", _COMPARISON_COLUMNS, comparisons)


def figure(value: float | None, digits: int) -> str:
    """Return a number for people; `-` when there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def _table(title: str, columns: dict[str, Callable[[Row], Cell]], rows: Iterable[Row]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in columns:
        table.add_column(heading, no_wrap=True, justify="left" if heading == "subject" else "right")
    for row in rows:
        table.add_row(*(cell(row) for cell in columns.values()))
    return table


def _percentiles(latency: Latency, digits: int) -> str:
    return f"{figure(latency.p50, digits)} / {figure(latency.p99, digits)}"


def _fault(count: int) -> Text:
    return Text(f"{count:,}", style="bold red" if count else "")


def _noise(cores: float | None) -> Text:
    return Text(figure(cores, 2), style="yellow" if (cores or 0.0) > NOISE_CORES else "")
