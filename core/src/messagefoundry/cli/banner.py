"""What `serve` says when the engine is ready."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import click

from messagefoundry.cli.output import Column, plural, show_table, styled
from messagefoundry.engine.status import ConnectionStatus, connections
from messagefoundry.settings import check_posture, posture_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.cli.configured import Configured
    from messagefoundry.contracts.errors import Problem
    from messagefoundry.engine.engine import Engine
    from messagefoundry.engine.plan import Plan

log = logging.getLogger("messagefoundry")

COLUMNS = (Column("CONNECTION", style="bold"), "DIRECTION", "CONNECTOR", "ENDPOINT", "STATE", "WAITING")


@dataclass(frozen=True, slots=True)
class Banner:
    """The facts of a start, and how they are shown: as lines for people, as one record of a JSON log."""

    facts: tuple[tuple[str, str], ...]
    warnings: tuple[Problem, ...]
    as_json: bool

    async def show(self, engine: Engine) -> None:
        """Announce that the engine is ready."""
        found = await connections(engine)
        facts = dict(self.facts)
        if engine.plan.api_port is not None:
            facts["API"] = f"{engine.api_address} (read-only)" if engine.api_address else "not served: the log says why"
        facts["control"] = engine.control_path or "not served: the log says why"
        if self.as_json:
            log_ready(facts, found)
        else:
            print_ready(facts, found)
        for problem in self.warnings:
            log.warning("%s", problem)
        sys.stdout.flush()

    def farewell(self) -> None:
        """Say that the engine is on its way out."""
        log.info("stopping: no new messages; work in flight is finished, the rest waits in the store")

    def gone(self) -> None:
        """Say that the engine has ended in order."""
        log.info("stopped")


def log_ready(facts: Mapping[str, str], found: Sequence[ConnectionStatus]) -> None:
    """One record of a JSON log."""
    described = {each.name: f"{each.direction} {each.connector} {each.endpoint}: {state_of(each)}" for each in found}
    log.info("wiring started", extra={"facts": {**facts, "connections": described}})


def print_ready(facts: Mapping[str, str], found: Sequence[ConnectionStatus]) -> None:
    """Lines for people."""
    click.echo(styled(f"MessageFoundry {version('messagefoundry-core')}: wiring started", bold=True))
    for name, text in facts.items():
        click.echo(f"  {name:<14} {text}")
    rows = [
        (each.name, each.direction, each.connector, each.endpoint, state_of(each), str(each.waiting or ""))
        for each in found
    ]
    show_table(COLUMNS, rows)
    click.echo("Ctrl-C stops the engine after the work in flight; a second one stops it at once.")


def state_of(connection: ConnectionStatus) -> str:
    """The state in one cell."""
    marks = (" [FLAGGED]" if connection.flagged else "") + (" [SIMULATED]" if connection.simulated else "")
    because = " " if connection.state in ("running", "outside its schedule") else ": "
    return f"{connection.state}{marks}{because + connection.reason if connection.reason else ''}"


def banner(configured: Configured, plan: Plan) -> Banner:
    """Gather what is known before the start."""
    settings, graph = configured.settings, plan.graph
    posture = posture_of(settings)
    values = settings.values_path(posture.environment)
    there = "" if values.exists() else ", which does not exist: env() has MEFOR_VALUE_* and defaults alone"
    parts = f"{plural(len(graph.routers), 'Router')}, {plural(len(graph.handlers), 'Handler')}"
    facts = [
        ("environment", str(posture)),
        ("values", f"{values}{there}"),
        ("configuration", f"{configured.directory.absolute()} ({parts})"),
        ("settings", str(configured.loaded.file or "defaults (there is no messagefoundry.toml)")),
        ("store", plan.factory.describe(plan.location)),
    ]
    if settings.shadow.simulate_all_egress:
        facts.append(("simulated", "[shadow] simulate_all_egress: nothing is delivered to any partner"))
    if plan.hold_outbound:
        facts.append(("held", "--hold-outbound: nothing is sent until `messagefoundry connections start NAME`"))
    warnings = (*configured.loaded.warnings, *check_posture(settings, posture).warnings, *graph.warnings)
    return Banner(tuple(facts), warnings, settings.logging.format == "json")
