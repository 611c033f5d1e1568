"""`messagefoundry replay-diff`: what a configuration would make of messages, against what was made of them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options, selection
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import WrongCall, finish
from messagefoundry.cli.live import refuse_no_inbound
from messagefoundry.cli.output import show_json
from messagefoundry.cli.replay_cases import StoredCases, file_cases
from messagefoundry.cli.replay_findings import Findings
from messagefoundry.cli.replay_page import write_page
from messagefoundry.cli.replay_report import show
from messagefoundry.cli.replay_runs import Replay
from messagefoundry.cli.sources import sources
from messagefoundry.cli.stored import reading
from messagefoundry.comparing import Ignoring, Pattern, PatternError
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.stores import MessageQuery

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from messagefoundry.cli.replay_cases import Case, NotCompared
    from messagefoundry.cli.replay_runs import Result
    from messagefoundry.wiring.graph import Graph

NEWEST = 10_000
IN_FULL = 1000


class Place(click.ParamType[Pattern]):
    """A place in messages, for --ignore."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pattern:
        """The pattern."""
        try:
            return Pattern.of(value)
        except PatternError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, slots=True)
class Configurations:
    """The candidate, and what it is compared with unless that is history."""

    candidate: Graph
    against: Graph | None


@click.command("replay-diff")
@click.argument("paths", metavar="[FILE|DIR|-]...", nargs=-1, type=options.FILE)
@click.option("--against", metavar="DIR", type=options.FILE, help="Compare with this configuration, not with history.")
@click.option("--inbound", metavar="NAME", help="Take all messages as received by this inbound Connection.")
@selection.of_messages
@click.option("--limit", metavar="N", type=click.IntRange(1), help=f"At most so many, the newest.  [default: {NEWEST}]")
@click.option("--ignore", metavar="PATH", type=Place(), multiple=True, help="Changes here do not count: MSH-7, OBX-14.")
@click.option(
    "--examples",
    metavar="N",
    type=click.IntRange(0),
    help=f"List so many changed messages.  [default: one of each kind; with --json or --html {IN_FULL}]",
)
@click.option("--html", metavar="FILE", type=options.FILE, help="Also write a page that only you can read.")
@options.configuration
@options.show_phi
@options.as_json
def command(
    paths: Sequence[Path],
    against: Path | None,
    inbound: str | None,
    limit: int | None,
    ignore: Sequence[Pattern],
    examples: int | None,
    html: Path | None,
    show_phi: bool,
    as_json: bool,
    **call: Any,
) -> None:
    """Show what a configuration would change: dispositions, destinations, and every field of every output.

    Messages of the store run through Routers and Handlers again, and nothing is sent; what comes out is compared with
    what was sent then. With --against two configurations are compared with each other; then messages may also come
    from files. Exits 1 when something changes.
    """
    query = selection.message_query(call, limit=limit or NEWEST)
    if paths:
        _refuse_selected_files(query, limit, against)
    if html is not None:
        _refuse_no_place(html)
    configured = _with_environment(Call(**call))
    graphs = _load(configured, against)
    _refuse_no_inbound(graphs, inbound)
    findings = Findings(
        str(configured.directory),
        None if against is None else str(against),
        tuple(map(str, ignore)),
        show_phi,
        limit=IN_FULL if examples is None else examples,
    )
    replay = Replay(graphs.candidate, graphs.against, inbound=inbound, ignoring=Ignoring(ignore))
    with _from_files(paths, graphs, inbound) if paths else _from_store(configured, graphs, query) as (cases, total):
        for result in _watched(replay.results(cases), total):
            findings.add(result)
    _report(findings, examples, html, as_json=as_json)
    finish(1 if findings.tally.changed else 0)


def _refuse_selected_files(query: MessageQuery, limit: int | None, against: Path | None) -> None:
    if limit or selection.selects(query):
        wrong = "--connection, --type, --disposition, --since, --until, --meta and --limit select from the store"
        raise WrongCall(f"{wrong}: give them, or files")
    if against is None:
        raise WrongCall("messages of files have no history: say with --against DIR what to compare with")


def _with_environment(call: Call) -> Configured:
    """The configuration in the environment of the settings: what it would do here, not in a dry run of it."""
    return Configured(replace(call, env=Configured(call).settings.ai.environment))


def _load(configured: Configured, against: Path | None) -> Configurations:
    candidate = configured.graph_for_rehearsal()
    if against is None:
        return Configurations(candidate, None)
    return Configurations(candidate, Configured(replace(configured.call, config=against)).graph_for_rehearsal())


def _refuse_no_inbound(graphs: Configurations, inbound: str | None) -> None:
    known = graphs.candidate.inbounds
    if inbound is not None and inbound not in known:
        raise WrongCall(f"there is no inbound {inbound!r}: {did_you_mean(inbound, known)}".rstrip(": "))


def _refuse_no_place(html: Path) -> None:
    if html.is_dir() or not html.parent.is_dir():
        raise WrongCall(
            f"{html}: {'is a folder' if html.is_dir() else 'its folder does not exist'}: name a file for --html"
        )


Cases = tuple["Iterable[Case | NotCompared]", int]


@contextmanager
def _from_files(paths: Sequence[Path], graphs: Configurations, inbound: str | None) -> Iterator[Cases]:
    found = list(sources(paths))
    if not found:
        raise WrongCall(f"there is no message in {', '.join(map(str, paths))}")
    both = [graph for graph in (graphs.candidate, graphs.against) if graph is not None]
    cases = list(file_cases(found, both, inbound))
    if not cases:
        raise WrongCall("no inbound of either configuration takes these messages: say which with --inbound NAME")
    yield cases, len(cases)


@contextmanager
def _from_store(configured: Configured, graphs: Configurations, query: MessageQuery) -> Iterator[Cases]:
    with reading(configured) as reader:
        total = min(reader.count_messages(query), query.limit)
        if not total:
            if query.inbound and not reader.count_messages(MessageQuery(query.inbound)):
                refuse_no_inbound(configured, query.inbound)
            raise WrongCall("no message of the store is selected, so nothing was compared")
        cases = StoredCases(reader, graphs.candidate, history=graphs.against is None)
        yield cases.newest(query), total


def _watched(results: Iterable[Result | NotCompared], total: int) -> Iterator[Result | NotCompared]:
    """The same, with a progress bar on standard error for whoever sits before it."""
    if not sys.stderr.isatty():
        yield from results
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(results, "", total, console=Console(stderr=True), transient=True)


def _report(findings: Findings, examples: int | None, html: Path | None, *, as_json: bool) -> None:
    if html is not None:
        write_page(html, findings)
    if as_json:
        show_json(findings.as_json())
        return
    show(findings, examples)
    if html is not None:
        click.echo(f"\nthe page: {html}")
