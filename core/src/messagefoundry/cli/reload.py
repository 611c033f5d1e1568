"""`messagefoundry reload`: put a changed configuration into the running engine, checked whole first."""

from __future__ import annotations

from typing import Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.changes import Changes
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import say
from messagefoundry.cli.output import plural, show_json


@click.command("reload")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@options.settings
@options.as_json
def command(dry_run: bool, as_json: bool, **call: Any) -> None:
    """Have the running engine load its configuration again.

    It is checked whole first: one with problems changes nothing. Connections that stay as they are keep their sockets.
    """
    found = Changes(Configured(Call(**call))).online("/config/reload", {"dry_run": dry_run})
    if as_json:
        show_json(found)
        return
    show(found, dry_run=dry_run)


APART = (
    ("code_sets", "code sets changed"),
    ("references_added", "reference sets added"),
    ("references", "reference sets changed"),
    ("references_removed", "reference sets removed"),
    ("schedules", "schedules changed"),
    ("flagged", "flags changed"),
    ("stalls", "stall thresholds changed"),
)
"""What is said only when there is any."""


def show(found: dict[str, Any], *, dry_run: bool) -> None:
    """What the reload does to Connections and to what waits, whose code differs, and what is to be warned of."""
    click.echo("would change:" if dry_run else "loaded again:")
    for word in ("added", "changed", "removed", "unchanged"):
        click.echo(f"  {word:<10} {', '.join(found.get(word, [])) or '-'}")
    if waiting := found.get("dead_letters", 0):
        say(f"warning: {becoming(waiting, dry_run=dry_run)}")
    if "handlers" in found:
        for word in ("Routers", "Handlers"):
            click.echo(f"{word} changed: {', '.join(found[word.lower()]) or '-'}")
        for key, words in APART:
            if found.get(key):
                click.echo(f"{words}: {', '.join(found[key])}")
    else:
        click.echo(f"the code of Routers and Handlers: {'would be ' if dry_run else ''}loaded again")
    for warning in found.get("warnings", []):
        say(f"warning: {warning}")


def becoming(waiting: int, *, dry_run: bool) -> str:
    """What becomes of that which waits for removed Connections and Handlers."""
    one, many = (
        ("becomes a dead letter", "become dead letters")
        if dry_run
        else ("is a dead letter now", "are dead letters now")
    )
    return f"{plural(waiting, 'waiting message')} {one if waiting == 1 else many}"
