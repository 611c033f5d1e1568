"""`messagefoundry check`: everything that a configuration's CI needs, in one command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import dryrun, options, validate
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import WrongCall, finish
from messagefoundry.cli.linters import Linters
from messagefoundry.cli.output import plural, show_json, styled
from messagefoundry.cli.rehearsal import Rehearsed, rehearsals
from messagefoundry.cli.sources import sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.cli.linters import Advice
    from messagefoundry.cli.sources import Source

SAMPLES = Path("messages", "sets")
"""The sample messages of a configuration: this folder stands beside it."""

MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything found. `skipped` says why no message was run, "" when some were."""

    verdict: validate.Verdict
    skipped: str
    rehearsed: tuple[Rehearsed, ...] = ()
    advice: tuple[Advice, ...] = ()

    @property
    def fit(self) -> bool:
        """Whether the configuration may go into an engine."""
        return not self.verdict.problems and all(each.disposition != "ERROR" for each in self.rehearsed)

    @property
    def untried(self) -> tuple[str, ...]:
        """The Handlers that no message reached."""
        if self.skipped or self.verdict.graph is None:
            return ()
        ran = {name for each in self.rehearsed for name in each.ran}
        return tuple(name for name in self.verdict.graph.handlers if name not in ran)

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            **self.verdict.as_json(),
            "fit": self.fit,
            "dryrun": None if self.skipped else [each.as_json(show_phi=False) for each in self.rehearsed],
            "dryrun_skipped": self.skipped or None,
            "untried_handlers": list(self.untried),
            "advice": {each.tool: list(each.lines) for each in self.advice},
        }


@click.command("check")
@options.configuration
@click.option(
    "--messages",
    metavar="DIR",
    type=options.FILE,
    multiple=True,
    help=f"Messages to dry-run; may be given again.  [default: {SAMPLES} beside the configuration]",
)
@options.allow_insecure_bind
@click.option("--lint/--no-lint", default=True, help="Also ask ruff and mypy, when installed. They only advise.")
@options.as_json
def command(messages: Sequence[Path], lint: bool, as_json: bool, **call: Any) -> None:
    """Validate a configuration and dry-run its sample messages. Exits 1 when it is not fit to run.

    Without messages only the wiring is checked: a Handler that fails on its first message is not found.
    """
    configured = Configured(Call(**call))
    with Linters(configured.directory, wanted=lint) as linters:
        checked = check(configured, messages, linters)
    if as_json:
        show_json(checked.as_json())
    else:
        show(checked)
    finish(0 if checked.fit else 1)


def check(configured: Configured, messages: Sequence[Path], linters: Linters) -> Checked:
    """Validate, and run what messages there are. Raises WrongCall when `messages` hold none."""
    verdict = validate.judged(configured)
    samples = list(sources(messages))
    if messages and not samples:
        raise WrongCall(f"there is no message in {', '.join(map(str, messages))}")
    if verdict.graph is None:
        return Checked(verdict, "the configuration does not load")
    why = ""
    if not messages:
        samples, why = usual(configured.directory)
    return Checked(verdict, why, tuple(rehearsals(verdict.graph, samples)), tuple(linters.advice()))


def usual(directory: Path) -> tuple[list[Source], str]:
    """The sample messages of the configuration in `directory`, or why there are none."""
    beside = directory / ".." if directory.name in ("", "..") else directory.parent
    folder = beside / SAMPLES
    if not folder.is_dir():
        return [], f"there is no folder {folder} with sample messages, and --messages DIR is not given"
    found = list(sources([folder]))
    return found, "" if found else f"there is no message in {folder}, and --messages DIR is not given"


def show(checked: Checked) -> None:
    """Everything for people."""
    validate.show(checked.verdict)
    if checked.skipped:
        warning = f"DRYRUN SKIPPED, no Router and no Handler has run: {checked.skipped}"
        click.echo(styled(warning, fg="yellow", bold=True))
    else:
        dryrun.show(checked.rehearsed)
    if checked.untried:
        names = ", ".join(checked.untried)
        click.echo(styled(f"NOT TRIED: no message reached {names}", fg="yellow", bold=True))
    for each in checked.advice:
        show_advice(each)
    passed = styled("check passed", fg="green", bold=True)
    click.echo(passed if checked.fit else styled("check failed", fg="red", bold=True))


def show_advice(advice: Advice) -> None:
    """What one linter says, if it says anything; the first lines of much."""
    if not advice.lines:
        return
    click.echo(f"{advice.tool} advises ({plural(len(advice.lines), 'line')}; this fails nothing):")
    for line in advice.lines[:MOST_LINES]:
        click.echo(f"    {line}")
    if len(advice.lines) > MOST_LINES:
        click.echo(f"    … and {plural(len(advice.lines) - MOST_LINES, 'more line')}")
