"""What `harness load` shows: how it goes, and at the end the verdict."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli.output import Column, on_terminal, plural, show_table, styled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.table import Table

    from messagefoundry.harness.baseline import Change
    from messagefoundry.harness.load_report import Report
    from messagefoundry.harness.profiles import Profile

    Show = Callable[[Mapping[str, Any]], None]

EVERY_SECONDS = 5.0
"""between two lines where nobody watches"""


@contextmanager
def progress(profile: Profile, *, quiet: bool) -> Iterator[Show]:
    """What is to be told every interval: a picture on a terminal, else a line now and then, or nothing."""
    if quiet:
        yield lambda interval: None
    elif on_terminal():
        with _picture(profile) as show:
            yield show
    else:
        yield _Lines(profile).show


class _Lines:
    """A line at the start of each phase, and every few seconds."""

    def __init__(self, profile: Profile) -> None:
        self._profile, self._phase, self._last = profile, -1, 0.0

    def show(self, interval: Mapping[str, Any]) -> None:
        """Say it when it is time."""
        if interval["phase"] == self._phase and time.monotonic() - self._last < EVERY_SECONDS:
            return
        self._phase, self._last = interval["phase"], time.monotonic()
        words = ", ".join(f"{name} {value}" for name, value in facts(self._profile, interval)[1:])
        click.echo(f"{facts(self._profile, interval)[0][1]}: {words}")
        sys.stdout.flush()


@contextmanager
def _picture(profile: Profile) -> Iterator[Show]:
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(), refresh_per_second=4, transient=True) as live:
        yield lambda interval: live.update(_table(profile, interval))


def _table(profile: Profile, interval: Mapping[str, Any]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title=f"load {profile.name}", caption="Ctrl-C ends the sending", box=box.SIMPLE_HEAD, show_header=False
    )
    table.add_column()
    table.add_column(justify="right", style="bold", min_width=28)
    for row in facts(profile, interval):
        table.add_row(*row)
    return table


def facts(profile: Profile, interval: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The present interval in words, the phase first."""
    number, seconds = interval["phase"], interval["seconds"] or 1.0
    sending = number < len(profile.phases)
    rows = [
        (
            "phase",
            f"{profile.phases[number].name}, {interval['at']:.0f} of {profile.seconds:.0f} s" if sending else "drain",
        ),
        ("sent/s", f"{interval['sent'] / seconds:,.0f}"),
        ("delivered/s", f"{interval['delivered'] / seconds:,.0f}"),
        ("ACK ms p50 / p99", _percentiles(interval["ack_ms"])),
        ("end to end ms p50 / p99", _percentiles(interval["end_to_end_ms"])),
        ("on their way", f"{interval['on_their_way']:,}"),
    ]
    rows += [("waiting in the engine", f"{interval['backlog']:,}")] if interval["backlog"] is not None else []
    rows += [("errors", f"{interval['errors']:,}")] if interval["errors"] else []
    return rows


def _percentiles(values: Mapping[str, float | None]) -> str:
    return f"{_shown(values['p50'])} / {_shown(values['p99'])}"


def _shown(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def show_report(report: Report, changes: Sequence[Change]) -> None:
    """The headline, then everything that it rests on."""
    click.echo(styled(report.books.headline, fg="red" if report.books.faults else "green", bold=True))
    show_phases(report)
    show_objectives(report)
    show_changes(changes)
    for note in report.notes:
        click.echo(f"note: {note}")


def show_phases(report: Report) -> None:
    """A row a phase."""
    numbers = ("SECONDS", "OFFERED/S", "DELIVERED/S", "ACK P50", "P99", "END TO END P50", "P99 MS", "ERRORS")
    rows: list[tuple[str | int, ...]] = [
        (
            phase.name if phase.measured else f"{phase.name} (not measured)",
            _shown(phase.seconds),
            _shown(phase.offered, 0),
            _shown(phase.per_second),
            *(_shown(values[name]) for values in (phase.ack_ms, phase.end_to_end_ms) for name in ("p50", "p99")),
            phase.errors,
        )
        for phase in report.phases
    ]
    click.echo("")
    show_table(("PHASE", *(Column(each, right=True) for each in numbers)), rows)


def show_objectives(report: Report) -> None:
    """A row an objective."""
    rows = [
        (
            check.phase or "whole run",
            check.figure,
            "-" if check.value is None else f"{check.value:g}",
            check.bound,
            "met" if check.met else "MISSED",
        )
        for check in report.checks
    ]
    click.echo("")
    columns = ("OBJECTIVE OF", "FIGURE", Column("VALUE", right=True), Column("BOUND", right=True), Column(""))
    show_table(columns, rows)


def show_changes(changes: Sequence[Change]) -> None:
    """What has changed since the baseline."""
    if changes:
        click.echo("")
        rows = [
            (
                each.phase,
                each.figure,
                f"{each.before:g}",
                f"{each.now:g}",
                f"{each.percent:+g} %",
                each.verdict,
            )
            for each in changes
        ]
        right = [Column(name, right=True) for name in ("BEFORE", "NOW", "CHANGE")]
        show_table(("AGAINST THE BASELINE", "FIGURE", *right, ""), rows)


def show_verdict(report: Report, worse: Sequence[Change]) -> None:
    """A line for everything that failed, or one that nothing did."""
    click.echo("")
    failures = [*report.faults, *(f"worse than the baseline: {each.sentence}" for each in worse)]
    for failure in failures:
        click.echo(f"{styled('FAILED', fg='red', bold=True)}  {failure}")
    if not failures:
        click.echo(styled(f"passed: {plural(report.books.accepted, 'message')}, nothing lost", fg="green", bold=True))
