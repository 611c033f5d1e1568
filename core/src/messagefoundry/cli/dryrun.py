"""`messagefoundry dryrun`: run messages through Routers and Handlers, with the live engine's code, and send nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import WrongCall, finish
from messagefoundry.cli.output import plural, show_json, styled
from messagefoundry.cli.rehearsal import Rehearsed, rehearsals
from messagefoundry.cli.sources import sources
from messagefoundry.cli.watch import watching

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from messagefoundry.cli.rehearsal import Delivery

COLOURS = {"PROCESSED": "green", "ERROR": "red", "UNROUTED": "yellow"}


@click.command("dryrun")
@click.argument("paths", metavar="FILE|DIR|-...", nargs=-1, required=True, type=options.FILE)
@click.option("--inbound", metavar="NAME", help="Take the messages as received by this inbound Connection.")
@options.configuration
@options.show_phi
@options.as_json
def command(paths: Sequence[Path], inbound: str | None, show_phi: bool, as_json: bool, **call: Any) -> None:
    """Show what would become of messages: disposition, destinations, and which fields change on the way.

    Files may hold several messages; folders are searched. A file whose name, or whose folder's, begins with that of an
    inbound is taken as received there; other ones by every HL7 v2 inbound. Exits 1 when a message would end in ERROR.
    """
    configured = Configured(Call(**call))
    messages = list(sources(paths))
    if not messages:
        raise WrongCall(f"there is no message in {', '.join(map(str, paths))}")
    graph = configured.graph_for_rehearsal()
    if as_json:
        found = list(rehearsals(graph, messages, inbound))
        show_json([each.as_json(show_phi=show_phi) for each in found])
    else:
        with watching() as watch:
            found = list(rehearsals(graph, watch.each(messages), inbound))
        show(found, show_phi=show_phi)
    finish(1 if any(each.disposition == "ERROR" for each in found) else 0)


def show(found: Sequence[Rehearsed], *, show_phi: bool = False) -> None:
    """Every message with its outcome, then how many there were of each disposition."""
    for each in found:
        _show_one(each, show_phi)
    received, onward = ([each for each in found if each.onward is way] for way in (False, True))
    passed_on = f"; of what was passed on within the engine {counted(onward)}" if onward else ""
    click.echo(f"{plural(len(received), 'message')}: {counted(received)}{passed_on}")


def counted(found: Sequence[Rehearsed]) -> str:
    """How many messages came to each disposition."""
    counts = Counter(each.disposition for each in found)
    return ", ".join(f"{count} {disposition}" for disposition, count in counts.items())


def _show_one(each: Rehearsed, show_phi: bool) -> None:
    disposition = styled(f"{each.disposition:<9}", fg=COLOURS.get(each.disposition), bold=each.disposition == "ERROR")
    click.echo(f"{disposition}  {each.inbound}  {each.message_type}  {each.control_id}  {each.label}")
    for error in each.errors:
        first, _, more = error.partition("\n")
        lines = error.splitlines() if show_phi else [first]
        hint = "" if show_phi or more.strip() in first else "  (the whole error: dryrun --show-phi)"
        click.echo("".join(f"    {styled('error', fg='red')} {line}{hint}\n" for line in lines), nl=False)
    for name in each.declined:
        click.echo(f"    declined by {name}")
    for name in each.silent:
        click.echo(f"    {name}: nothing sent")
    for kept in each.kept:
        click.echo(f"    {kept.shown(show_phi=show_phi)}")
    for passed in each.passed:
        click.echo(f"    -> {passed.to}, as it follows: {passed.summary}")
        _show_changes(passed, show_phi)
    for delivery in each.deliveries:
        mark = " [SIMULATED]" if delivery.simulate else ""
        click.echo(f"    {delivery.handler} -> {delivery.to}{mark}: {delivery.summary}")
        _show_changes(delivery, show_phi)


def _show_changes(delivery: Delivery, show_phi: bool) -> None:
    for change in delivery.changes:
        click.echo(f"        {change.shown(show_phi=show_phi)}")
