"""Everything that is stored about one message."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli.failures import say
from messagefoundry.cli.output import Column, show_table
from messagefoundry.cli.times import clock, iso
from messagefoundry.contracts.stores import MessageQuery

if TYPE_CHECKING:
    from messagefoundry.contracts.stores import MessageRow, StoreReader, TrailEvent, WorkRow

WORK_COLUMNS = (
    Column("WORK", right=True),
    "STAGE",
    "TO",
    "HANDLER",
    "STATE",
    Column("ATTEMPTS", right=True),
    "CHANGED",
    "ERROR",
)

CHILD_COLUMNS = (Column("MESSAGE", right=True), "INBOUND", "TYPE", "MSH-10", "DISPOSITION")

MOST_CHILDREN = 100
"""So many of the messages that came from one are shown to people, and ten times as many to programs."""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One message with its work; trail and bodies when they were asked for. `show_phi` lets errors be shown whole.

    `children` are messages that came from it: those of a batch, for one; `count` is how many there are.
    """

    message: MessageRow
    work: tuple[WorkRow, ...]
    show_phi: bool
    trail: tuple[TrailEvent, ...] | None = None
    bodies: dict[str, bytes] = field(default_factory=dict, repr=False)
    children: tuple[MessageRow, ...] = ()
    count: int = 0

    def facts(self) -> dict[str, Any]:
        """The page for programs, without the message's own row."""
        found: dict[str, Any] = {"work": [self._work_facts(each) for each in self.work]}
        found["children"] = [child_facts(each) for each in self.children]
        found["children_count"] = self.count
        if self.trail is not None:
            found["trail"] = [trail_facts(each) for each in self.trail]
        if self.bodies:
            found["bodies"] = {
                name: body.decode(self.message.encoding, "replace") for name, body in self.bodies.items()
            }
        return found

    def _work_facts(self, work: WorkRow) -> dict[str, Any]:
        return {
            "id": work.id,
            "stage": work.stage,
            "lane": work.lane or None,
            "handler": work.handler or None,
            "state": work.state,
            "attempts": work.attempts,
            "due": iso(work.due),
            "changed_at": iso(work.changed_at),
            "simulate": work.simulate,
            "bytes": work.size,
            "error": self._error(work) or None,
        }

    def _error(self, work: WorkRow) -> str:
        return work.error if self.show_phi else work.error.partition("\n")[0]

    def show(self) -> None:
        """The page for people, without the message's own row."""
        if self.work:
            show_table(WORK_COLUMNS, [self._cells(each) for each in self.work])
        if not self.show_phi and any("\n" in each.error for each in self.work):
            say(f"the whole error: messagefoundry messages show {self.message.id} --show-phi")
        self._show_children()
        if self.trail is not None:
            rows = [(clock(each.at), each.kind, each.connection, said(each)) for each in self.trail]
            show_table(("AT", "EVENT", "CONNECTION", "DETAIL"), rows)
        for name, body in self.bodies.items():
            click.echo(f"--- {name}")
            click.echo(body.decode(self.message.encoding, "replace").replace("\r\n", "\n").replace("\r", "\n").rstrip())

    def _show_children(self) -> None:
        shown = self.children[:MOST_CHILDREN]
        if shown:
            show_table(
                CHILD_COLUMNS,
                [(each.id, each.inbound, each.message_type, each.control_id, each.disposition) for each in shown],
                title="messages that came from it",
            )
        if self.count > len(shown):
            say(f"{self.count - len(shown):,} more messages came from it; --json lists {10 * MOST_CHILDREN:,}")

    def _cells(self, work: WorkRow) -> tuple[str | int, ...]:
        simulated = " [SIMULATED]" if work.simulate else ""
        return (
            work.id,
            work.stage,
            work.lane or work.inbound,
            work.handler,
            f"{work.state}{simulated}",
            work.attempts,
            clock(work.changed_at),
            self._error(work).replace("\n", " / "),
        )


def read_page(reader: StoreReader, message_id: int, *, trail: bool, body: bool, show_phi: bool) -> MessagePage | None:
    """Read one message; None when there is none."""
    message = reader.message(message_id)
    if message is None:
        return None
    work = tuple(reader.work(message_id))
    events = tuple(reader.trail(message_id)) if trail or body else ()
    bodies = read_bodies(reader, message_id, work, events) if body else {}
    of_this = MessageQuery(parent=message_id, after=message_id, limit=10 * MOST_CHILDREN)
    children = tuple(reader.messages(of_this))
    count = reader.count_messages(of_this) if len(children) == of_this.limit else len(children)
    return MessagePage(message, work, show_phi, events if trail else None, bodies, children, count)


def read_bodies(
    reader: StoreReader, message_id: int, work: tuple[WorkRow, ...], events: tuple[TrailEvent, ...]
) -> dict[str, bytes]:
    """What was received, what was made of it for each lane, and what partners answered."""
    wanted = [("received", reader.body(message_id))]
    wanted += [(f"payload of work {each.id} for {each.lane}", reader.body(each.id)) for each in work if each.lane]
    wanted += [
        (f"reply from {each.connection} at {clock(each.at)}", reader.reply(message_id, each.id))
        for each in events
        if each.has_reply
    ]
    return {name: found for name, found in wanted if found is not None}


def child_facts(row: MessageRow) -> dict[str, Any]:
    """A message that came from another, for programs."""
    return {
        "id": row.id,
        "inbound": row.inbound,
        "message_type": row.message_type,
        "control_id": row.control_id,
        "disposition": row.disposition,
    }


def trail_facts(event: TrailEvent) -> dict[str, Any]:
    """An event for programs."""
    return {
        "id": event.id,
        "at": iso(event.at),
        "kind": event.kind,
        "connection": event.connection,
        "detail": parsed(event.detail),
        "has_reply": event.has_reply,
    }


def parsed(detail: str) -> Any:
    """A detail's JSON, or its text."""
    if not detail.startswith("{"):
        return detail or None
    try:
        return json.loads(detail)
    except ValueError:
        return detail


def said(event: TrailEvent) -> str:
    """An event's detail for people: "AA from 10.1.2.3:2575 after 12 ms"."""
    detail = parsed(event.detail)
    if not isinstance(detail, dict):
        return str(detail or "")
    taken = detail.pop("acknowledged_at", 0) - detail.pop("sent_at", 0)
    parts = [
        f"{key.replace('_', '-').upper() if key.startswith('msa') else key} {value}" for key, value in detail.items()
    ]
    return ", ".join([*parts, f"{taken / 1000:.1f} ms"] if taken > 0 else parts)
