"""`messagefoundry messages`: list, show, replay, resend and dead-letter messages."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import message_changes, options, selection
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import NotFine, WrongCall, finish, say
from messagefoundry.cli.live import refuse_no_inbound
from messagefoundry.cli.message_page import MessagePage, read_page
from messagefoundry.cli.output import Column, plural, show_json, show_line, show_table
from messagefoundry.cli.stored import reading
from messagefoundry.cli.times import clock, iso, now
from messagefoundry.contracts.stores import MessageQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.stores import MessageRow, StoreReader

POLL_SECONDS = 0.5
SETTLING = 1_000_000
"""Microseconds that --follow gives a message to come to its disposition."""

PAGE = 500

REFUSAL_CODES = ("AE", "AR", "CE", "CR")

COLUMNS = (
    Column("ID", right=True),
    "RECEIVED",
    "INBOUND",
    "TYPE",
    "MSH-10",
    "DISPOSITION",
    Column("BYTES", right=True),
    "FROM",
    "LABELS",
)


@click.group("messages")
def command() -> None:
    """List, show, replay, resend and dead-letter messages. Bodies are shown to nobody without --show-phi."""


for change in (message_changes.replay, message_changes.resend, message_changes.dead_letter):
    command.add_command(change)


@command.command("list", short_help="Messages, the newest last.")
@selection.of_messages
@click.option("--control-id", metavar="MSH-10", default="", help="With this control id.")
@selection.limit
@click.option("--follow", "-f", is_flag=True, help="Go on with new ones as they come, until Ctrl-C.")
@options.settings
@options.as_json
def show_all(
    control_id: str,
    limit: int,
    follow: bool,
    as_json: bool,
    **call: Any,
) -> None:
    """Messages, the newest last."""
    query = selection.message_query(call, control_id=control_id, limit=limit)
    configured = Configured(Call(**call))
    with reading(configured) as reader:
        rows = reader.messages(query)[::-1]
        if not rows and query.inbound and not reader.count_messages(MessageQuery(query.inbound)):
            refuse_no_inbound(configured, query.inbound)
        if follow:
            follow_from(reader, query, rows, as_json=as_json)
        elif as_json:
            show_json([facts(row) for row in rows])
        else:
            labelled = any(row.meta for row in rows)
            width = len(COLUMNS) if labelled else len(COLUMNS) - 1
            show_table(COLUMNS[:width], [cells(row)[:width] for row in rows])
            if not rows:
                say("no such message" if selection.selects(query) else "no messages yet")


def follow_from(reader: StoreReader, query: MessageQuery, rows: Sequence[MessageRow], *, as_json: bool) -> None:
    """Print rows as they come, each once, in order, until Ctrl-C."""
    widths = [16, 25, 20, 20, 20, 12, 7, 21, 0]
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
            rows = reader.messages(replace(query, after=last, limit=PAGE))
    except KeyboardInterrupt:
        click.echo("", err=True)
        finish(0)


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


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
        labels(row),
    )


def labels(row: MessageRow) -> str:
    """The labels of a message in a line."""
    return ", ".join(f"{name}={value}" for name, value in row.meta.items())


def came_to(row: MessageRow) -> str:
    """The disposition, and what else a reader must know: refused, or with dead work beside work that goes on."""
    if row.refusal:
        again = f", repeated {plural(row.repeats, 'time')}" if row.repeats else ""
        return f"{row.disposition} ({refused(row)}{again})"
    dead = " (has dead work)" if row.has_dead and row.disposition != "ERROR" else ""
    return f"{row.disposition}{dead}"


def refused(row: MessageRow) -> str:
    """How a message was refused: with which code of MSA-1, unless nobody was answered, and ERR-3."""
    if row.refusal in REFUSAL_CODES:
        return f"refused with {row.refusal} {row.refused_condition}"
    return f"refused, not answered: {row.refused_condition}"


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
        "meta": dict(row.meta),
    }


class MessageId(click.ParamType[int]):
    """A message's id, which is not the id that its sender gave it."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        try:
            return int(value)
        except ValueError:
            mend = f"messagefoundry messages list --control-id {value}"
            self.fail(f"give a message's id; find it with: {mend}", param, ctx)


@command.command("show", short_help="One message, and what became of it.")
@click.argument("message_id", metavar="ID", type=MessageId())
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
    if row.meta:
        click.echo(f"  labels      {labels(row)}")
    if row.parent_id:
        click.echo(f"  comes from  message {row.parent_id}")
    page.show()
