"""`messagefoundry store`: the state of the store, its migrations, and its move to another database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options, selection, store_copy
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import NotFine
from messagefoundry.cli.output import Column, plural, show_json, show_table, styled
from messagefoundry.cli.store_upkeep import upkeep_of
from messagefoundry.cli.times import clock, iso
from messagefoundry.contracts.errors import EngineRunning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.stores import Migration, StoreState

HALVES = {
    "expand": "safe while engines of the release before run",
    "contract": "afterwards the release before cannot use the store",
}


@click.group("store")
def command() -> None:
    """The state of the store, its migrations, and its move to another database."""


command.add_command(store_copy.copy)


@command.command("status", short_help="The version of the schema, what is pending, rows and size.")
@options.settings
@options.as_json
def status(as_json: bool, **call: Any) -> None:
    """Say which version the schema has, which migrations are pending, and how much is stored.

    Every row is counted: a large store takes a while. The engine may run meanwhile.
    """
    configured = Configured(Call(**call))
    state = upkeep_of(configured).state(configured.location)
    place = configured.stores.describe(configured.location)
    if as_json:
        show_json({"store": place, **facts(state)})
        return
    click.echo(place)
    click.echo(f"schema version {state.revision}, this release knows {state.known}")
    for step in state.pending:
        click.echo(f"  pending: {described(step)}")
    click.echo(f"{state.size / (1 << 20):,.1f} MiB; oldest message: {clock(state.oldest_at) or 'none'}")
    show_table(("TABLE", Column("ROWS", right=True)), [(name, f"{rows:,}") for name, rows in state.tables.items()])


def facts(state: StoreState) -> dict[str, Any]:
    """The state for programs."""
    pending = [{"revision": step.revision, "half": step.half, "summary": step.summary} for step in state.pending]
    return {
        "revision": state.revision,
        "known": state.known,
        "pending": pending,
        "bytes": state.size,
        "oldest_message": iso(state.oldest_at),
        "rows": dict(state.tables),
    }


def described(step: Migration) -> str:
    """A migration in one line."""
    return f"{step.revision} ({step.half}: {HALVES[step.half]}) {step.summary}"


@command.command("migrate", short_help="Run what is pending of the schema's migrations.")
@click.option("--expand", "expand_only", is_flag=True, help="Only the half that is safe while older engines run.")
@options.yes
@options.settings
def migrate(expand_only: bool, yes: bool, **call: Any) -> None:
    """Run the pending migrations.

    An engine runs the expanding ones by itself when it starts, and they are safe under a running one. The contracting
    ones remove what the release before uses: they are asked about, and need every engine to be stopped.
    """
    configured = Configured(Call(**call))
    stores, location = upkeep_of(configured), configured.location
    pending = stores.state(location).pending
    if not pending:
        click.echo("nothing is pending")
        return
    if pending[0].half == "expand":
        stores.migrate(location, contract=False)
    rest = stores.state(location).pending
    _show_done(pending[: len(pending) - len(rest)])
    if rest and not expand_only:
        _contract(configured, rest, yes=yes)


def _contract(configured: Configured, rest: Sequence[Migration], *, yes: bool) -> None:
    for step in rest:
        click.echo(f"pending: {described(step)}")
    selection.confirm("make a backup first: there is no way back to the release before. Go on?", yes=yes)
    try:
        hold = configured.stores.hold(configured.location)
    except EngineRunning as error:
        raise NotFine(f"{error}; stop it first: these migrations remove what a running engine may use") from error
    try:
        upkeep_of(configured).migrate(configured.location, contract=True)
    finally:
        hold.release()
    _show_done(rest)


def _show_done(steps: Sequence[Migration]) -> None:
    for step in steps:
        click.echo(f"{styled('done', fg='green')} {step.revision} ({step.half}) {step.summary}")
    if steps:
        click.echo(f"{plural(len(steps), 'migration')} done")
