"""From declarations to a frozen graph: every check runs, and all problems are reported at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.wiring.ack_checks import check_circles
from messagefoundry.wiring.connections import Checker, UnusableConnectionError
from messagefoundry.wiring.doubts import doubts
from messagefoundry.wiring.graph import Graph, Inbound, Outbound
from messagefoundry.wiring.literals import check_code_sets
from messagefoundry.wiring.names import by_name, check_reply_sources, check_reply_targets, check_routers, unused
from messagefoundry.wiring.ports import check_ports
from messagefoundry.wiring.reference_declare import references
from messagefoundry.wiring.reference_users import check_look_ups
from messagefoundry.wiring.references import Environment
from messagefoundry.wiring.untranslated import untranslated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from messagefoundry.plugins import Installed
    from messagefoundry.wiring.deployment import Deployment
    from messagefoundry.wiring.recording import Declaration, Recording


def resolve(
    record: Recording,
    *,
    installed: Installed,
    environment: str | None,
    values: Mapping[str, Any],
    deployment: Deployment,
    source: str = "",
) -> Graph:
    """The graph of what was declared, for this deployment. Raises ConfigurationError with every problem."""
    checker = Checker(installed, Environment(environment, values, deployment.values_path), deployment, record)
    routers = by_name(record.routers, "a Router", record)
    handlers = by_name(record.handlers, "a Handler", record)
    by_name(record.connections, "a Connection", record)
    built = list(_built(checker, record.connections))
    check_ports(checker.sources, deployment, record)
    check_code_sets([*routers.values(), *handlers.values()], record)
    sets = references(record, installed, checker.environment, deployment, source)
    if not record.failed:  # a module that failed may have been the one to declare what others name
        _check_names(checker, routers, [each for each in built if isinstance(each, Outbound)])
        check_look_ups([*routers.values(), *handlers.values()], sets, record)
    _stop_if_wrong(installed, record)
    graph = Graph(
        MappingProxyType({each.name: each for each in built if isinstance(each, Inbound)}),
        MappingProxyType({each.name: each for each in built if isinstance(each, Outbound)}),
        MappingProxyType(routers),
        MappingProxyType(handlers),
        environment,
        source,
        code_sets=record.code_sets,
        captured=tuple(record.captured),
        references=MappingProxyType(sets),
        max_correlation_depth=deployment.max_correlation_depth,
    )
    check_circles(graph, record)
    _stop_if_wrong(installed, record)
    warnings = (*unused(graph, record.mentions), *doubts(graph), *untranslated(graph))
    return replace(graph, warnings=(*warnings, *_empty(graph, source), *_left_out(source)))


def _check_names(checker: Checker, routers: Iterable[str], outbounds: Iterable[Outbound]) -> None:
    """Put down every Connection that names a Router, an outbound or a Loopback which nobody has declared."""
    record = checker.record
    check_routers(record.connections, routers, checker.environment, record)
    declared = [each.name for each in record.connections if each.kind == "outbound"]
    check_reply_sources(checker.sources, declared, record)
    loopbacks = [each.name for each in checker.sources if each.settings.fed_by == "replies"]
    check_reply_targets(outbounds, loopbacks, record)


def _stop_if_wrong(installed: Installed, record: Recording) -> None:
    problems = [*installed.problems(), *record.problems]
    if problems:
        raise ConfigurationError(sorted(problems, key=lambda problem: (problem.file, problem.line)))


def _built(checker: Checker, declarations: Iterable[Declaration]) -> Iterator[Inbound | Outbound]:
    for declared in declarations:
        build: Callable[[Declaration], Inbound | Outbound]
        build = checker.inbound if declared.kind == "inbound" else checker.outbound
        with suppress(UnusableConnectionError):
            yield build(declared)


def _empty(graph: Graph, source: str) -> Iterator[Problem]:
    if not graph.inbounds:
        yield Problem("declares no inbound Connection: nothing can come in", "add an inbound(...)", source)


def _left_out(source: str) -> Iterator[Problem]:
    """A warning for each folder of modules; a package is left to those that import it."""
    directory = Path(source)
    if not source or not directory.is_dir():
        return
    for folder in sorted(each for each in directory.iterdir() if each.is_dir() and each.name[0] not in "._"):
        if any(folder.glob("*.py")) and not (folder / "__init__.py").exists():
            yield Problem("the modules of a folder are not loaded", f"move them to {directory}", str(folder))
