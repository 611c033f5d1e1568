"""`messagefoundry dead-letters`: list and replay work that will not be tried again by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options, selection
from messagefoundry.cli.changes import Changes
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import finish, say
from messagefoundry.cli.live import refuse_stranger
from messagefoundry.cli.output import Column, plural, show_json, show_table
from messagefoundry.cli.stored import reading
from messagefoundry.cli.times import clock, iso, now
from messagefoundry.contracts.stores import DeadQuery

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from messagefoundry.contracts.stores import StoreReader, WorkRow

PAGE = 500

COLUMNS = (
    Column("ID", right=True),
    Column("MESSAGE", right=True),
    "STAGE",
    "CONNECTION",
    "HANDLER",
    "TYPE",
    "MSH-10",
    Column("ATTEMPTS", right=True),
    "DIED",
    "ERROR",
)


@click.group("dead-letters")
def command() -> None:
    """List and replay dead letters: work that will not be tried again by itself."""


@command.command("list", short_help="Dead letters, the oldest first.")
@selection.of_dead_letters
@selection.limit
@options.settings
@options.as_json
def show_all(limit: int, as_json: bool, **rest: Any) -> None:
    """Dead letters, the oldest first, each with the first line of its error."""
    query = replace(_query(rest), limit=limit)
    configured = Configured(Call(**rest))
    with reading(configured) as reader:
        counted = reader.count_dead(query)
        rows = reader.dead_letters(query)
        if not rows and query.connection and not reader.count_dead(DeadQuery(query.connection)):
            refuse_stranger(configured, query.connection)
    total = max(counted, len(rows))  # one may have died in between
    if as_json:
        show_json({"total": total, "dead_letters": [facts(row) for row in rows]})
        return
    show_table(COLUMNS, [cells(row) for row in rows])
    more = f", {len(rows)} shown (--limit)" if total > len(rows) else ""
    click.echo(f"{plural(total, 'dead letter')}{more}")
    if any("\n" in row.error for row in rows):
        say("the whole error: messagefoundry messages show MESSAGE --show-phi")


def cells(row: WorkRow) -> tuple[str | int, ...]:
    """A dead letter as a row of the table."""
    return (
        row.id,
        row.message_id,
        row.stage,
        row.lane or row.inbound,
        row.handler,
        row.message_type,
        row.control_id,
        row.attempts,
        clock(row.changed_at),
        row.error.partition("\n")[0],
    )


def facts(row: WorkRow) -> dict[str, Any]:
    """A dead letter for programs."""
    return {
        "id": row.id,
        "message_id": row.message_id,
        "stage": row.stage,
        "inbound": row.inbound,
        "lane": row.lane or None,
        "handler": row.handler or None,
        "message_type": row.message_type,
        "control_id": row.control_id,
        "attempts": row.attempts,
        "died_at": iso(row.changed_at),
        "error": row.error.partition("\n")[0],
    }


@command.command("replay", short_help="Replay dead letters, each from its own stage.")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=int)
@selection.of_dead_letters
@selection.everything
@options.yes
@options.rate
@options.settings
@options.as_json
def replay(ids: Sequence[int], everything: bool, yes: bool, rate: float | None, as_json: bool, **rest: Any) -> None:
    """Replay dead letters, each from its own stage: ingress runs everything, routed its Handler, outbound its payload.

    Give ids as `dead-letters list` shows them, or select; a selection is counted and asked about first.
    """
    query = _query(rest)
    selection.require_selection(ids, everything, _chosen(query))
    configured = Configured(Call(**rest))
    changes = Changes(configured)
    query = replace(query, until=query.until or now())
    ids = list(dict.fromkeys(ids))
    with reading(configured) as reader:
        missing = [each for each in ids if not is_dead(reader, each)]
        total = len(ids) or reader.count_dead(query)
        if not ids and total:
            selection.confirm(f"replay {plural(total, 'dead letter')}. Go on?", yes=yes)
        count = selection.in_portions(ids or ids_of(reader, query), total, rate, changes.replay_dead)
    for work_id in missing:
        say(f"there is no dead letter {work_id}")
    if as_json:
        show_json({"selected": total, "count": count})
    else:
        click.echo(f"replayed {count:,} of {plural(total, 'dead letter')}")
    finish(1 if count < total else 0)


def is_dead(reader: StoreReader, work_id: int) -> bool:
    """Whether a dead letter has this id."""
    return any(row.id == work_id for row in reader.dead_letters(DeadQuery(after=max(work_id - 1, 0), limit=1)))


def _query(rest: dict[str, Any]) -> DeadQuery:
    selection.refuse_inverted(rest["since"], rest["until"])
    return DeadQuery(
        rest.pop("connection"),
        rest.pop("stage") or "",
        rest.pop("message_type"),
        since=rest.pop("since"),
        until=rest.pop("until"),
    )


def _chosen(query: DeadQuery) -> tuple[object, ...]:
    return query.connection, query.stage, query.message_type, query.since, query.until


def ids_of(reader: StoreReader, query: DeadQuery) -> Iterator[int]:
    """The ids of everything selected, the oldest first."""
    last = 0
    while rows := reader.dead_letters(replace(query, after=last, limit=PAGE)):
        yield from (row.id for row in rows)
        last = rows[-1].id
