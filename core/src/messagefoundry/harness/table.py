"""The benchmark's tables."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from rich import box
from rich.table import Table
from rich.text import Text

from .bars import Bar, bar_of
from .latency import Latency
from .measurement import Measurement
from .verdict import NOISE_CORES, Comparison, Figure

Cell = str | Text
Row = TypeVar("Row")
_SERVER = "server\nCPU ms"
_RUN_COLUMNS: dict[str, Callable[[Measurement], Cell]] = {
    "conn": lambda run: str(run.connections),
    "pair": lambda run: str(run.pair),
    "subject": lambda run: run.subject,
    "msg/s": lambda run: number(run.per_second, 0),
    "intake/s": lambda run: number(run.intake_per_second, 0),
    "ACK ms\np50 / p99": lambda run: _percentiles(run.ack_ms, 2),
    "end to end ms\np50 / p99": lambda run: _percentiles(run.end_to_end_ms, 1),
    "CPU ms\na message": lambda run: number(run.cpu_ms_per_message, 3),
    _SERVER: lambda run: number(run.server_cpu_ms_per_message, 3),
    "peak\nMB": lambda run: number(run.peak_rss_mb, 0),
    "commits/s": lambda run: number(run.commits_per_second, 0),
    "error": lambda run: _fault(run.errors),
    "lost": lambda run: _fault(run.lost),
    "dup": lambda run: _fault(run.duplicates),
    "disorder": lambda run: _fault(run.disorder),
    "other\ncores": lambda run: _noise(run.other_cores),
}
DIGITS = {
    "msg/s": 0,
    "intake/s": 0,
    "CPU ms a message": 3,
    "server CPU ms a message": 3,
    "peak MB": 0,
    "added MB": 0,
}
"""of a figure's sides; two for the others"""


def runs_table(runs: Sequence[Measurement]) -> Table:
    """Return one row a run; with a column for the database server where there is one."""
    table = _empty("Runs")
    with_server = any(run.server_cpu_ms_per_message is not None for run in runs)
    columns = {heading: cell for heading, cell in _RUN_COLUMNS.items() if with_server or heading != _SERVER}
    for heading in columns:
        table.add_column(heading, no_wrap=True, justify="left" if heading == "subject" else "right")
    for run in runs:
        table.add_row(*(cell(run) for cell in columns.values()))
    return table


def comparison_table(comparison: Comparison, bars: Iterable[Bar]) -> Table:
    """Return one row a figure: both sides, their ratio with its spread, and the bar."""
    table = _empty(title_of(comparison))
    for heading in headings(comparison):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "median" else "right")
    for row, met in rows(comparison, bars):
        table.add_row(*row, style="" if met is None else "green" if met else "red")
    return table


def title_of(comparison: Comparison) -> str:
    """Return what was compared, under which load."""
    rate = f", {comparison.rate:,.0f} msg/s offered" if comparison.rate else ""
    noisy = f", {comparison.noisy} noisy" if comparison.noisy else ""
    connections, pairs = _several(comparison.connections, "connection"), _several(comparison.pairs, "pair")
    return f"{comparison.scenario}: {connections}{rate} ({pairs}{noisy})"


def headings(comparison: Comparison) -> list[str]:
    """Return the names of the columns."""
    sides = [comparison.left] if comparison.right is None else [comparison.left, comparison.right, "ratio", "spread"]
    return ["median", *sides, "bar"]


def rows(comparison: Comparison, bars: Iterable[Bar]) -> Iterator[tuple[list[str], bool | None]]:
    """Yield the cells of each figure, and whether its bar is met; None where there is no bar."""
    bars = list(bars)
    for name, figure in comparison.figures.items():
        bar = bar_of(bars, comparison.scenario, name)
        value = bar.value(comparison) if bar else None
        met = None if bar is None or value is None else bar.met(value)
        yield [name, *_sides(comparison, name, figure), bar.text if bar else ""], met


def number(value: float | None, digits: int) -> str:
    """Return a number for people; `-` when there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def _several(count: int, of: str) -> str:
    return f"{count} {of}{'s' * (count != 1)}"


def _sides(comparison: Comparison, name: str, figure: Figure) -> list[str]:
    digits = DIGITS.get(name, 2)
    left = number(figure.left, digits)
    if comparison.right is None:
        return [left]
    spread = "-" if figure.low is None else f"{number(figure.low, 2)} to {number(figure.high, 2)}"
    return [left, number(figure.right, digits), number(figure.ratio, 2), spread]


def _empty(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _percentiles(latency: Latency, digits: int) -> str:
    return f"{number(latency.p50, digits)} / {number(latency.p99, digits)}"


def _fault(count: int) -> Text:
    return Text(f"{count:,}", style="bold red" if count else "")


def _noise(cores: float | None) -> Text:
    return Text(number(cores, 2), style="yellow" if (cores or 0.0) > NOISE_CORES else "")
