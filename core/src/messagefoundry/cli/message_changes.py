"""What `messagefoundry messages` changes: replay, resend, dead-letter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options, selection
from messagefoundry.cli.changes import Changes
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import finish, say
from messagefoundry.cli.live import refuse_no_inbound
from messagefoundry.cli.output import plural, show_json
from messagefoundry.cli.stored import reading
from messagefoundry.cli.times import now
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.pipeline.batch_intake import BATCH_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from messagefoundry.contracts.stores import StoreReader

PAGE = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One way to change messages; `run` gives how many messages, or how many payloads of them, were changed."""

    what: str
    unit: str
    run: Callable[[list[int]], int]

    def outcome(self, count: int, total: int) -> str:
        """What was done, in one line."""
        if self.unit == "message":
            return f"{self.what}: {count:,} of {plural(total, 'message')}"
        if total and not count:
            these = "this message" if total == 1 else "these messages"
            return f"{self.what}: nothing was ever sent of {these}, or it still waits"
        return f"{self.what}: {plural(count, self.unit)} of {plural(total, 'message')}"

    def least(self, total: int) -> int:
        """The count below which not all was done that was asked for."""
        return total if self.unit == "message" else min(total, 1)


ids_argument = click.argument("ids", metavar="[ID]...", nargs=-1, type=int)


@click.command("replay", short_help="Run Router and Handlers again over messages.")
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
    change = Change("replay", "message", Changes(configured).replay)
    _change(configured, ids, query, change, rate=rate, yes=yes, as_json=as_json)


@click.command("resend", short_help="Send stored outbound payloads again.")
@ids_argument
@click.option("--to", metavar="OUTBOUND", default="", help="To this outbound alone, even if it was not sent there.")
@click.option(
    "--config", metavar="DIR", type=options.FILE, help="The configuration that has it, for when no engine runs."
)
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
    if to:
        changes.refuse_inbound(to)
    change = Change(f"resend to {to}" if to else "resend", "payload", lambda some: changes.resend(some, to))
    _change(configured, ids, query, change, rate=rate, yes=yes, as_json=as_json)


@click.command("dead-letter", short_help="Take what waits of a message out of the way.")
@click.argument("ids", metavar="ID...", nargs=-1, type=int, required=True)
@click.option("--to", metavar="OUTBOUND", default="", help="In this lane alone.")
@options.settings
@options.as_json
def dead_letter(ids: Sequence[int], to: str, as_json: bool, **call: Any) -> None:
    """Take what waits of a message out of the way, now: a lane that it blocks goes on. It stays replayable."""
    configured = Configured(Call(**call))
    changes = Changes(configured)
    with reading(configured) as reader:
        missing = absent(reader, ids)
    counts = {message_id: changes.dead_letter(message_id, to) for message_id in dict.fromkeys(ids)}
    if as_json:
        show_json({"count": sum(counts.values()), "messages": {str(key): count for key, count in counts.items()}})
    else:
        for message_id, count in counts.items():
            if message_id in missing:
                say(f"there is no message {message_id}")
                continue
            work = plural(count, "piece") + " of work dead-lettered" if count else "nothing of it waits"
            click.echo(f"message {message_id}: {work}{f' in {to}' if to else ''}")
    finish(0 if all(counts.values()) else 1)


def _selected(ids: Sequence[int], everything: bool, rest: dict[str, Any]) -> tuple[Configured, MessageQuery]:
    """The instance and the query behind a bulk form's options. Nothing received from now on is part of it."""
    query = selection.message_query(rest, before=now())
    selection.require_selection(ids, everything, [selection.selects(query)])
    return Configured(Call(**rest)), query


def _change(
    configured: Configured,
    ids: Sequence[int],
    query: MessageQuery,
    change: Change,
    *,
    rate: float | None,
    yes: bool,
    as_json: bool,
) -> None:
    ids = list(dict.fromkeys(ids))
    with reading(configured) as reader:
        total = len(ids) or reader.count_messages(query)
        if not total and query.inbound and not reader.count_messages(MessageQuery(query.inbound)):
            refuse_no_inbound(configured, query.inbound)
        if not ids and total:
            selection.confirm(f"{change.what}: {plural(total, 'message')}. Go on?", yes=yes)
        missing = absent(reader, ids)
        count = selection.in_portions(ids or ids_of(reader, query), total, rate, change.run)
        replays = change.unit == "message"
        for sentence in of_batches(reader, ids, query) if replays and count < total else ():
            say(sentence)
    for message_id in missing:
        say(f"there is no message {message_id}")
    if as_json:
        show_json({"selected": total, "count": count})
    else:
        click.echo(change.outcome(count, total - len(missing)))
    finish(1 if missing or count < change.least(total) else 0)


def of_batches(reader: StoreReader, ids: Sequence[int], query: MessageQuery) -> Iterator[str]:
    """What is to be said of the batches among what was to be replayed: they are replayed by their messages."""
    if not ids:
        found = 0 if query.message_type else reader.count_messages(replace(query, message_type=BATCH_TYPE))
        if found:
            what = "1 batch is" if found == 1 else f"{found:,} batches are"
            yield f"{what} not replayed: the messages that came in it are, where they are selected"
    for row in map(reader.message, ids):
        if row is not None and row.message_type == BATCH_TYPE and not row.refusal:
            yield f"message {row.id} is a batch: replay its messages, which messagefoundry messages show {row.id} lists"


def absent(reader: StoreReader, ids: Sequence[int]) -> list[int]:
    """Those of `ids` that no message has."""
    return [each for each in dict.fromkeys(ids) if reader.message(each) is None]


def ids_of(reader: StoreReader, query: MessageQuery) -> Iterator[int]:
    """The ids of everything selected, the oldest first."""
    last = 1
    while rows := reader.messages(replace(query, after=last, limit=PAGE)):
        yield from (row.id for row in rows)
        last = rows[-1].id
