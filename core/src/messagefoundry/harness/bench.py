"""The benchmark: engine and floor in alternation under the same load, and the engine under other loads against itself.

    python -m messagefoundry.harness.bench --connections 8,32 --pairs 5 --seconds 10
    python -m messagefoundry.harness.bench --scenarios all --bars --page docs/performance.md

`make bench STORE=postgres` brings a server: then the engine on that is measured against the engine on a file, and the
server far away against the server near.

Exit code 0 when all is well; 1 when in any run a message was lost, delivered twice, out of order or without the
Handler's edit, when a subject died, or, with --bars, when a bar is missed; 2 when the call is wrong or a subject does
not start.
"""

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner

from .bars import BARS, Bar, lowered, missed
from .cases import Conditions
from .machine import Machine, this_machine
from .measurement import Measurement
from .page import FILES, PageError, Record, with_figures, write_page
from .proc import file_system_of
from .scenarios import MAIN, MAIN_ON_SERVER, SCENARIOS, Scenario, Setting, named
from .seed import SeedError
from .session import Outcome, run_session, seeded_stores
from .signals import ending_in_order
from .stores import Backend, Database
from .subject import SubjectError, engine, floor, other_engine
from .table import comparison_table, runs_table

_IN_MEMORY = {"tmpfs", "ramfs"}
_WIDTH = 160  # of the tables when nobody watches


def main(argv: Sequence[str] | None = None, backend: Backend | None = None) -> int:
    """Run from the command line, with the server database that a backend brings, if any; return the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    options = _parser(backend).parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    conditions = _conditions(options)
    _warn_of_memory(console, conditions.parent)
    try:
        with ending_in_order(), _opened(backend, options.dir) as database:
            machine = this_machine(options.dir, server=database.says if database else "")
            outcome = _measured(options, conditions, database, console)
    except (SubjectError, SeedError) as error:
        console.print(str(error), style="red", markup=False)
        return 2
    bars = lowered(BARS, options.bar)
    short = missed(bars, outcome.comparisons)
    _print_verdict(console, outcome, bars, short, judged=options.bars)
    _keep(options, _record(options, arguments, machine, conditions, outcome), outcome, short)
    return 1 if outcome.faults or (options.bars and short) else 0


def _opened(backend: Backend | None, directory: Path | None) -> AbstractContextManager[Database | None]:
    return nullcontext() if backend is None else backend.opened(directory)


def _measured(
    options: argparse.Namespace, conditions: Conditions, database: Database | None, console: Console
) -> Outcome:
    """Run every scenario, showing the table while it grows."""
    subject = other_engine(options.engine) if options.engine else engine()
    with Live(console=console, refresh_per_second=4, transient=True) as live:

        def show(runs: Sequence[Measurement], doing: str) -> None:
            live.update(Group(*([runs_table(runs)] if runs else []), Spinner("dots", doing)))

        with seeded_stores(subject.on(database) if database else subject, conditions, show) as seeded:
            setting = Setting(
                engine=subject,
                floor=None if options.engine_only else floor(),
                database=database,
                added_ms=options.added_ms,
                connections=options.connections,
                rate=options.rate,
                fanout=options.fanout,
                stored=options.stored,
                backlog=options.backlog,
                seeded=seeded,
            )
            outcome = run_session(options.scenarios, setting, options.pairs, conditions, show)
    console.print(runs_table([run for _, run in outcome.runs]))
    return outcome


def _warn_of_memory(console: Console, parent: Path | None) -> None:
    directory = parent or Path(tempfile.gettempdir())
    if (kind := file_system_of(directory)) in _IN_MEMORY:
        console.print(f"{directory} is on {kind}, where fsync costs nothing: choose a disk with --dir", style="yellow")


def _print_verdict(
    console: Console, outcome: Outcome, bars: Sequence[Bar], short: Sequence[str], *, judged: bool
) -> None:
    for comparison in outcome.comparisons:
        console.print(comparison_table(comparison, bars))
    for fault in outcome.faults:
        console.print(f"FAILED  {fault}", style="red", markup=False)
    for sentence in short:
        console.print(f"{'FAILED' if judged else 'missed'}  {sentence}", style="red" if judged else "", markup=False)
    if not outcome.faults and not short:
        console.print("passed", style="green")


def _record(
    options: argparse.Namespace, arguments: Sequence[str], machine: Machine, conditions: Conditions, outcome: Outcome
) -> Record:
    return Record(
        machine=machine,
        arguments=shlex.join(_said(arguments)),
        conditions={
            "pairs": options.pairs,
            "seconds": conditions.seconds,
            "warm_up": conditions.warm_up,
            "synchronous": "full",
        },
        comparisons=outcome.comparisons,
        faults=outcome.faults,
        store=options.store,
    )


def _said(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments without the places of files, which are nobody else's."""
    following = iter(arguments)
    for argument in following:
        if argument in {"--json", "--page", "--dir"}:
            next(following, None)
        elif not argument.startswith(("--json=", "--page=", "--dir=")):
            yield argument


def _keep(options: argparse.Namespace, record: Record, outcome: Outcome, short: Sequence[str]) -> None:
    if options.json is not None:
        content: dict[str, Any] = {**asdict(record), "missed": list(short)}
        content["runs"] = [{"scenario": name, **asdict(run)} for name, run in outcome.runs]
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    if options.page is not None:
        write_page(options.page, record)


def _conditions(options: argparse.Namespace) -> Conditions:
    return Conditions(
        seconds=options.seconds,
        warm_up=options.warm_up,
        idle_seconds=options.patience,
        parent=options.dir,
        keep=options.keep,
    )


def _counts(text: str) -> list[int]:
    counts = [int(part) for part in text.split(",")]
    if min(counts) < 1:
        raise ValueError(text)
    return counts


def _directory(text: str) -> Path:
    if not (directory := Path(text)).is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {text}")
    return directory


def _scenarios(text: str, *, server: bool) -> list[Scenario]:
    try:
        return named(text.split(","), server=server)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _page(text: str, *, store: str) -> Path:
    """Return the path of a page that has a place for figures: it is wanted only after many minutes."""
    page = Path(text)
    try:
        with_figures(page.read_text(encoding="utf-8"), "", store)
    except (OSError, PageError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return page


def _parser(backend: Backend | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measure the engine against the floor, and under other loads against itself.",
        epilog="Scenarios: " + " ".join(f"{scenario.name}: {scenario.says}" for scenario in SCENARIOS),
    )
    add = parser.add_argument
    usual = ",".join(MAIN_ON_SERVER if backend else MAIN)
    scenarios = partial(_scenarios, server=backend is not None)
    add("--scenarios", type=scenarios, default=usual, metavar="NAME,NAME", help=f"default {usual}; or all")
    add("--pairs", type=int, default=5, help="runs of each side of every comparison")
    add("--seconds", type=float, default=10.0, help="sending time of a run")
    add("--warm-up", type=float, default=1.0, help="seconds of the same load before that")
    add("--connections", type=_counts, default=[8, 32], metavar="N,N", help="default 8,32; far: the most of them")
    add("--rate", type=float, help="full: offer so many messages a second instead of as many as answers allow")
    add("--fanout", type=int, default=1, metavar="N", help="full: deliver every message to N outbounds")
    add("--stored", type=int, default=1_000_000, metavar="N", help="messages of the scenario stored")
    add("--backlog", type=int, default=200_000, metavar="N", help="messages of the scenario backlog")
    add("--patience", type=float, default=15.0, help="seconds without an arrival before the backlog counts as lost")
    add("--bars", action="store_true", help="fail when a bar is missed")
    add("--bar", type=float, help="full: least ratio of messages/s, instead of 0.60")
    add("--added-ms", type=float, default=5.0, metavar="N", help="far: added to every round trip to the server")
    add("--engine", metavar="COMMAND", help="measure this; {config} {db} {port} {api_port} {sink} are filled in")
    add("--engine-only", action="store_true", help="no floor; half-load needs one")
    add("--dir", type=_directory, help="make the fresh directories here, on the disk to be measured")
    add("--keep", action="store_true", help="leave the directories with database, log and journal")
    add("--json", type=Path, metavar="FILE", help="write every figure here")
    store = backend.name if backend else FILES
    add("--page", type=partial(_page, store=store), metavar="FILE", help="put the figures and their record there")
    parser.set_defaults(store=store)
    return parser


if __name__ == "__main__":
    sys.exit(main())
