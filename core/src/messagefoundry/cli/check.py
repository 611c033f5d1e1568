"""`messagefoundry check`: everything that a configuration's CI needs, in one command."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import dryrun, options, validate
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import WrongCall, finish
from messagefoundry.cli.output import plural, show_json, styled
from messagefoundry.cli.rehearsal import Rehearsed, rehearsals
from messagefoundry.cli.sources import sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LINTERS = {
    "ruff": ["check", "--quiet", "--no-cache"],
    "mypy": ["--no-error-summary", "--ignore-missing-imports", f"--cache-dir={os.devnull}"],
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What a linter says of a configuration; it never fails the check."""

    tool: str
    lines: tuple[str, ...]


@click.command("check")
@options.configuration
@click.option(
    "--messages", metavar="DIR", type=options.FILE, multiple=True, help="Messages to dry-run; may be given again."
)
@options.allow_insecure_bind
@click.option("--lint/--no-lint", default=True, help="Also ask ruff and mypy, when installed. They only advise.")
@options.as_json
def command(messages: Sequence[Path], lint: bool, as_json: bool, **call: Any) -> None:
    """Validate a configuration and dry-run messages over it. Exits 1 when it is not fit to run.

    Without messages only the wiring is checked: a Handler that fails on its first message is not found.
    """
    configured = Configured(Call(**call))
    verdict = validate.judged(configured)
    fixtures = list(sources(messages))
    if messages and not fixtures:
        raise WrongCall(f"there is no message in {', '.join(map(str, messages))}")
    found = list(rehearsals(verdict.graph, fixtures)) if verdict.graph is not None else []
    advice = advised(configured.directory) if lint and verdict.graph is not None else []
    failed = bool(verdict.problems) or any(each.disposition == "ERROR" for each in found)
    if as_json:
        show_json(
            {
                **verdict.as_json(),
                "fit": not failed,
                "dryrun": [each.as_json(show_phi=False) for each in found] if fixtures and verdict.graph else None,
                "advice": {each.tool: list(each.lines) for each in advice},
            }
        )
    else:
        show(verdict, found, advice, fixtures=bool(fixtures))
        click.echo(
            styled("check failed", fg="red", bold=True) if failed else styled("check passed", fg="green", bold=True)
        )
    finish(1 if failed else 0)


def show(verdict: validate.Verdict, found: Sequence[Rehearsed], advice: Sequence[Advice], *, fixtures: bool) -> None:
    """Everything for people."""
    validate.show(verdict)
    if verdict.graph is None:
        click.echo("dryrun skipped: the configuration does not load")
    elif fixtures:
        dryrun.show(found)
    else:
        warning = "DRYRUN SKIPPED: no messages were given, so no Router and no Handler has run (--messages DIR)"
        click.echo(styled(warning, fg="yellow", bold=True))
    for each in advice:
        click.echo(f"{each.tool} advises ({plural(len(each.lines), 'line')}; this fails nothing):")
        for line in each.lines[:20]:
            click.echo(f"    {line}")


def advised(directory: Path) -> list[Advice]:
    """What the linters that are installed say."""
    found = []
    for tool, arguments in LINTERS.items():
        program = shutil.which(tool)
        if program is not None:
            ran = subprocess.run([program, *arguments, str(directory)], capture_output=True, text=True, check=False)
            lines = tuple(line for line in ran.stdout.splitlines() if line.strip())
            if ran.returncode and lines:
                found.append(Advice(tool, lines))
    return found
