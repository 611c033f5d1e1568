"""`messagefoundry validate`: check a configuration and name all of its problems at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import finish
from messagefoundry.cli.output import plural, show_json, styled
from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.settings import check_posture, posture_of
from messagefoundry.wiring.reference_direct import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from messagefoundry.wiring.graph import Graph


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a configuration; `graph` is None when there are problems."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    graph: Graph | None = None
    environment: str = ""

    def as_json(self) -> dict[str, Any]:
        """The verdict for programs."""
        graph = self.graph
        counted = (
            {}
            if graph is None
            else {
                "inbounds": list(graph.inbounds),
                "outbounds": list(graph.outbounds),
                "routers": list(graph.routers),
                "handlers": list(graph.handlers),
            }
        )
        return {
            "valid": not self.problems,
            "environment": self.environment or None,
            "problems": [problem_as_json(each) for each in self.problems],
            "warnings": [problem_as_json(each) for each in self.warnings],
            **counted,
        }


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """A problem for programs."""
    return {
        "file": problem.file or None,
        "line": problem.line or None,
        "name": problem.name or None,
        "text": problem.text,
        "mend": problem.mend or None,
    }


@click.command("validate")
@options.configuration
@options.allow_insecure_bind
@options.as_json
def command(as_json: bool, **call: Any) -> None:
    """Check settings and configuration, and name every problem with its file, line and mend.

    Nothing is started and nothing is sent. Exits 1 when there are problems.
    """
    verdict = judged(Configured(Call(**call)))
    if as_json:
        show_json(verdict.as_json())
    else:
        show(verdict)
    finish(1 if verdict.problems else 0)


def judged(configured: Configured) -> Verdict:
    """Check everything that a start would. Raises ConfigurationError when even the settings cannot be read."""
    settings = configured.settings
    posture = posture_of(settings)
    findings = check_posture(settings, posture)
    warnings = (*configured.loaded.warnings, *findings.warnings)
    problems = [*findings.refusals, *problems_of(lambda: configured.stores)]
    try:
        graph = configured.graph()
    except ConfigurationError as error:
        return Verdict((*problems, *error.problems), warnings, None, posture.environment)
    if problems:
        return Verdict(tuple(problems), warnings, None, posture.environment)
    return Verdict((), (*warnings, *graph.warnings, *unreadable(graph)), graph, posture.environment)


def problems_of(check: Callable[[], object]) -> tuple[Problem, ...]:
    """What a check finds wrong."""
    try:
        check()
    except ConfigurationError as error:
        return error.problems
    return ()


def show(verdict: Verdict) -> None:
    """The verdict for people: problems and warnings one a line, then one line with the conclusion."""
    for problem in verdict.problems:
        click.echo(f"{styled('problem', fg='red', bold=True)}  {problem}")
    for warning in verdict.warnings:
        click.echo(f"{styled('warning', fg='yellow')}  {warning}")
    if verdict.graph is None:
        click.echo(f"{plural(len(verdict.problems), 'problem')} in the environment {verdict.environment}")
        return
    graph = verdict.graph
    counts = [(graph.inbounds, "inbound"), (graph.outbounds, "outbound"), (graph.routers, "Router")]
    wired = ", ".join(plural(len(each), noun) for each, noun in [*counts, (graph.handlers, "Handler")])
    click.echo(f"{styled('valid', fg='green', bold=True)} in the environment {verdict.environment}: {wired}")
