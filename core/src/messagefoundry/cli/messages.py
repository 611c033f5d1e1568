"""`messagefoundry messages`: list, show, replay, resend and dead-letter messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options, selection
from messagefoundry.cli.changes import Changes
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import NotFine, WrongCall, finish
from messagefoundry.cli.message_page import MessagePage, read_page
from messagefoundry.cli.output import Column, plural, show_json, show_line, show_table
from messagefoundry.cli.stored import reading
from messagefoundry.cli.times import clock, iso, now
from messagefoundry.contracts.stores import MessageQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from messagefoundry.contracts.stores import MessageRow, StoreReader

POLL_SECONDS = 0.5
SETTLING = 1_000_000
"""Microseconds that --follow gives a message to come to its disposition."""

PAGE = 500

COLUMNS = (
    Column("ID", right=True),
    "RECEIVED",
    "INBOUND",
    "TYPE",
    "MSH-10",
    "DISPOSITION",
    Column("BYTES", right=True),
    "FROM",
)


@click.group("messages")
def command() -> None:
    """List, show, replay, resend and dead-letter messages. Bodies are shown to nobody without --show-phi."""


@command.command("list")
@selection.of_messages
@click.option("--control-id", metavar="MSH-10", default="", help="With this control id.")
@selection.limit
@click.option("--follow", "-f", is_flag=True, help="Go on with new ones as they come, until Ctrl-C.")
@options.settings
@options.as_json
def show_all(
    connection: str,
    message_type: str,
    disposition: str | None,
    since: int,
    until: int,
    control_id: str,
    limit: int,
    follow: bool,
    as_json: bool,
    **call: Any,
) -> None:
    """Messages, the newest last."""
    query = MessageQuery(
        connection, disposition or "", message_type, control_id, since=since, until=until, limit=limit
    )
    with reading(Configured(Call(**call))) as reader:
        rows = reader.messages(query)[::-1]
        if follow:
            follow_from(reader, query, rows, as_json=as_json)
        elif as_json:
            show_json([facts(row) for row in rows])
        else:
            show_table(COLUMNS, [cells(row) for row in rows])


def follow_from(reader: StoreReader, query: MessageQuery, rows: Sequence[MessageRow], *, as_json: bool) -> None:
    """Print rows as they come, each once, in order, until Ctrl-C."""
    widths = [16, 25, 20, 20, 20, 12, 7, 0]
    if not as_json:
        click.echo(_aligned([column if isinstance(column, str) else column.heading for column in COLUMNS], widths))
    last = 1
    try:
        while True:
            for row in rows:
                if row.disposition in ("RECEIVED", "ROUTED") and now() - row.received_at < SETTLING:
                    break
                last = row.id
                if as_json:
                    show_line(facts(row))
                else:
                    click.echo(_aligned([str(cell) for cell in cells(row)], widths))
            time.sleep(POLL_SECONDS)
            rows = reader.messages(_after(query, last))
    except KeyboardInterrupt:
        click.echo("", err=True)
        finish(0)


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


def _after(query: MessageQuery, last: int, limit: int = PAGE) -> MessageQuery:
    return MessageQuery(
        query.inbound,
        query.disposition,
        query.message_type,
        query.control_id,
        query.since,
        query.until,
        query.before,
        last,
        limit,
    )


def cells(row: MessageRow) -> tuple[str | int, ...]:
    """A message as a row of the table."""
    return (
        row.id,
        clock(row.received_at),
        row.inbound,
        row.message_type,
        row.control_id,
        came_to(row),
        row.size,
        row.peer,
    )


def came_to(row: MessageRow) -> str:
    """The disposition, and what else a reader must know: refused, or with dead work beside work that goes on."""
    if row.refusal:
        again = f", repeated {plural(row.repeats, 'time')}" if row.repeats else ""
        return f"{row.disposition} (refused: {row.refusal} {row.refused_condition}{again})"
    dead = " (has dead work)" if row.has_dead and row.disposition != "ERROR" else ""
    return f"{row.disposition}{dead}"


def facts(row: MessageRow) -> dict[str, Any]:
    """A message for programs."""
    return {
        "id": row.id,
        "received_at": iso(row.received_at),
        "inbound": row.inbound,
        "peer": row.peer or None,
        "message_type": row.message_type,
        "control_id": row.control_id,
        "disposition": row.disposition,
        "has_dead": row.has_dead,
        "refusal": row.refusal or None,
        "refused_condition": row.refused_condition or None,
        "repeats": row.repeats,
        "content_type": row.content_type,
        "encoding": row.encoding,
        "bytes": row.size,
        "parent_id": row.parent_id,
    }


@command.command("show")
@click.argument("message_id", metavar="ID", type=int)
@click.option("--trail", is_flag=True, help="Also every event of its way.")
@click.option("--body", is_flag=True, help="Also what was received and what was sent; needs --show-phi.")
@options.show_phi
@options.settings
@options.as_json
def show(message_id: int, trail: bool, body: bool, show_phi: bool, as_json: bool, **call: Any) -> None:
    """One message: its header, what became of it, and the work that it made."""
    if body and not show_phi:
        raise WrongCall("--body shows patient data: say so with --show-phi")
    with reading(Configured(Call(**call))) as reader:
        page = read_page(reader, message_id, trail=trail, body=body, show_phi=show_phi)
    if page is None:
        raise NotFine(f"there is no message {message_id}")
    if as_json:
        show_json({**facts(page.message), **page.facts()})
    else:
        show_page(page)


def show_page(page: MessagePage) -> None:
    """The page for people."""
    row = page.message
    peer = f" from {row.peer}" if row.peer else ""
    click.echo(f"message {row.id}, MSH-10 {row.control_id or 'empty'}, {row.message_type or 'no type'}")
    click.echo(f"  received    {clock(row.received_at)} by {row.inbound}{peer}")
    click.echo(f"  content     {row.content_type}, {row.encoding}, {row.size:,} bytes")
    click.echo(f"  disposition {came_to(row)}")
    if row.parent_id:
        click.echo(f"  comes from  message {row.parent_id}")
    page.show()


# -- changes ---------------------------------------------------------------------------------------------------------

ids_argument = click.argument("ids", metavar="[ID]...", nargs=-1, type=int)


@command.command("replay")
@ids_argument
@selection.of_messages
@selection.everything
@options.yes
@options.rate
@options.settings
@options.as_json
def replay(ids: Sequence[int], rate: float | None, yes: bool, as_json: bool, everything: bool, **rest: Any) -> None:
    """Run Router and Handlers again over messages, with today's configuration.

    Give ids, or select; a selection is counted and asked about first.
    """
    configured, query = _selected(ids, everything, rest)
    changes = Changes(configured)
    _change(configured, ids, query, "replay", changes.replay, rate=rate, yes=yes, as_json=as_json)


@command.command("resend")
@ids_argument
@click.option("--to", metavar="OUTBOUND", default="", help="To this outbound alone, even if it was not sent there.")
@selection.of_messages
@selection.everything
@options.yes
@options.rate
@options.settings
@options.as_json
def resend(
    ids: Sequence[int], to: str, rate: float | None, yes: bool, as_json: bool, everything: bool, **rest: Any
) -> None:
    """Send the stored outbound payloads of messages again, as they were.

    Give ids, or select; a selection is counted and asked about first.
    """
    configured, query = _selected(ids, everything, rest)
    changes = Changes(configured)
    what = f"resend to {to}" if to else "resend"
    _change(
        configured, ids, query, what, lambda some: changes.resend(some, to), rate=rate, yes=yes, as_json=as_json
    )


@command.command("dead-letter")
@click.argument("ids", metavar="ID...", nargs=-1, type=int, required=True)
@click.option("--to", metavar="OUTBOUND", default="", help="In this lane alone.")
@options.settings
@options.as_json
def dead_letter(ids: Sequence[int], to: str, as_json: bool, **call: Any) -> None:
    """Take what waits of a message out of the way, now: a lane that it blocks goes on. It stays replayable."""
    changes = Changes(Configured(Call(**call)))
    counts = {message_id: changes.dead_letter(message_id, to) for message_id in dict.fromkeys(ids)}
    if as_json:
        show_json({"count": sum(counts.values()), "messages": {str(key): count for key, count in counts.items()}})
    else:
        for message_id, count in counts.items():
            work = plural(count, "piece") + " of work dead-lettered" if count else "nothing of it waits"
            click.echo(f"message {message_id}: {work}{f' in {to}' if to else ''}")
    finish(0 if all(counts.values()) else 1)


def _selected(ids: Sequence[int], everything: bool, rest: dict[str, Any]) -> tuple[Configured, MessageQuery]:
    """The instance and the query behind a bulk form's options. Nothing received from now on is part of it."""
    names = ("connection", "disposition", "message_type", "since", "until")
    chosen = {name: rest.pop(name) for name in names}
    selection.require_selection(ids, everything, chosen.values())
    query = MessageQuery(
        chosen["connection"],
        chosen["disposition"] or "",
        chosen["message_type"],
        since=chosen["since"],
        until=chosen["until"],
        before=now(),
    )
    return Configured(Call(**rest)), query


def _change(
    configured: Configured,
    ids: Sequence[int],
    query: MessageQuery,
    what: str,
    change: Callable[[list[int]], int],
    *,
    rate: float | None,
    yes: bool,
    as_json: bool,
) -> None:
    with reading(configured) as reader:
        total = len(ids) or reader.count_messages(query)
        if not ids and total:
            selection.confirm(f"{what}: {plural(total, 'message')}. Go on?", yes=yes)
        count = selection.in_portions(ids or ids_of(reader, query), total, rate, change)
    if as_json:
        show_json({"selected": total, "count": count})
    else:
        click.echo(f"{what}: {count:,} of {plural(total, 'message')}")
    finish(0 if count or not ids else 1)


def ids_of(reader: StoreReader, query: MessageQuery) -> Iterator[int]:
    """The ids of everything selected, the oldest first."""
    last = 1
    while rows := reader.messages(_after(query, last)):
        yield from (row.id for row in rows)
        last = rows[-1].id
