"""The benchmark: engine and floor in alternation, in fresh directories, under the same load.

    python -m messagefoundry.harness.bench --connections 8,32 --pairs 5 --seconds 10

Exit code 0 when all is well; 1 when a message was lost or (with one connection) out of order, when a Handler's edit is
missing, when a subject died, or when the median of the paired ratios of messages/s is below --bar; 2 when the call is
wrong or a subject does not start.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner

from .measure import measure
from .measurement import Conditions, Measurement
from .proc import file_system_of
from .subject import Subject, SubjectError, engine, floor, other_engine
from .table import comparisons_table, runs_table
from .verdict import Comparison, compare, failures

_IN_MEMORY = {"tmpfs", "ramfs"}
_WIDTH = 140  # of the tables when nobody watches


class _Turn(NamedTuple):
    """One run to be made."""

    connections: int
    pair: int
    subject: Subject


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    options = _parser().parse_args(argv)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    conditions = _conditions(options)
    _warn_of_memory(console, conditions.parent)
    try:
        with _ending_in_order():
            runs = _run_all(list(_turns(options)), conditions, console)
    except SubjectError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    console.print(runs_table(runs))
    comparisons = [] if options.engine_only else compare(runs)
    found = failures(runs, comparisons, options.bar)
    _print_verdict(console, comparisons, found, options.bar)
    if options.json is not None:
        _save(options.json, conditions, runs, comparisons, found)
    return 1 if found else 0


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Turn SIGTERM into an exit, so that every process that was started is stopped."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _turns(options: argparse.Namespace) -> Iterator[_Turn]:
    """Yield the runs; who goes first changes from pair to pair, so that a drift of the machine favours neither."""
    measured = other_engine(options.engine) if options.engine else engine(options.store)
    subjects = [measured] if options.engine_only else [measured, floor()]
    for connections in options.connections:
        for pair in range(1, options.pairs + 1):
            yield from (_Turn(connections, pair, subject) for subject in subjects)
            subjects.reverse()


def _run_all(turns: Sequence[_Turn], conditions: Conditions, console: Console) -> list[Measurement]:
    """Make every run, showing the table while it grows."""
    runs: list[Measurement] = []
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        for number, turn in enumerate(turns, 1):
            head = f"run {number} of {len(turns)}: {turn.subject.name}, {turn.connections} connections"

            def progress(text: str, head: str = head) -> None:
                live.update(_picture(runs, f"{head}, {text}"))

            runs.append(measure(turn.subject, turn.connections, turn.pair, conditions, progress))
    return runs


def _picture(runs: Sequence[Measurement], doing: str) -> RenderableType:
    return Group(runs_table(runs), Spinner("dots", doing)) if runs else Spinner("dots", doing)


def _warn_of_memory(console: Console, parent: Path | None) -> None:
    directory = parent or Path(tempfile.gettempdir())
    if (kind := file_system_of(directory)) in _IN_MEMORY:
        console.print(f"{directory} is on {kind}, where fsync costs nothing: choose a disk with --dir", style="yellow")


def _print_verdict(console: Console, comparisons: Sequence[Comparison], found: Sequence[str], bar: float) -> None:
    if comparisons:
        console.print(comparisons_table(comparisons))
    for failure in found:
        console.print(f"FAILED  {failure}", style="red", markup=False)
    if not found:
        console.print(f"passed, bar {bar:.2f}" if comparisons else "passed", style="green")


def _save(
    path: Path,
    conditions: Conditions,
    runs: Sequence[Measurement],
    comparisons: Sequence[Comparison],
    found: Sequence[str],
) -> None:
    content = {
        "conditions": {**asdict(conditions), "parent": str(conditions.parent or tempfile.gettempdir())},
        "runs": [asdict(run) for run in runs],
        "comparisons": [asdict(comparison) for comparison in comparisons],
        "failures": list(found),
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


def _conditions(options: argparse.Namespace) -> Conditions:
    return Conditions(
        seconds=options.seconds,
        rate=options.rate,
        fanout=options.fanout,
        idle_seconds=options.patience,
        parent=options.dir,
        keep=options.keep,
    )


def _counts(text: str) -> list[int]:
    counts = [int(part) for part in text.split(",")]
    if min(counts) < 1:
        raise ValueError(text)
    return counts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the engine against the floor.")
    add = parser.add_argument
    add("--pairs", type=int, default=5, help="runs of engine and floor at each number of connections")
    add("--seconds", type=float, default=10.0, help="sending time of a run")
    add("--connections", type=_counts, default=[8, 32], metavar="N,N", help="default 8,32; 1 checks the order too")
    add("--rate", type=float, help="offer so many messages a second instead of as many as answers allow")
    add("--fanout", type=int, default=1, metavar="N", help="deliver every message to N outbounds")
    add("--patience", type=float, default=15.0, help="seconds without an arrival before the backlog counts as lost")
    add("--bar", type=float, default=0.40, help="least median of engine / floor in messages/s")
    add("--store", default="sqlite", help="backend; a server database is described by MEFOR_STORE_* variables")
    add("--engine", metavar="COMMAND", help="measure this; {config} {db} {port} {api_port} {sink} are filled in")
    add("--engine-only", action="store_true", help="no floor, no bar")
    add("--dir", type=Path, help="make the fresh directories here, on the disk to be measured")
    add("--keep", action="store_true", help="leave the directories with database, log and journal")
    add("--json", type=Path, metavar="FILE", help="write every figure here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
