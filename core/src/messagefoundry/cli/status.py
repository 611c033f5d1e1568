"""`messagefoundry status`: how the engine is doing, and why a lane waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import WrongCall, finish, say
from messagefoundry.cli.live import NOT_RUNNING, Seen, connections_of
from messagefoundry.cli.output import plural, show_json, styled
from messagefoundry.cli.stored import reading
from messagefoundry.cli.synced import line_of, reference_sets
from messagefoundry.cli.times import ago, clock, iso, now
from messagefoundry.contracts.errors import CorruptStore
from messagefoundry.contracts.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from messagefoundry.contracts.stores import StoreReader, WorkRow

REJECTIONS = ("the partner answered", "rejected")
"""How the error of an attempt begins that a partner answered and did not take."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A Connection with the work that waits at its head, if any does."""

    seen: Seen
    head: WorkRow | None

    @property
    def command(self) -> str:
        """What to call to have the lane go on; "" when nothing is needed."""
        seen, head = self.seen, self.head
        if seen.state == NOT_RUNNING:
            start = f"messagefoundry connections start {seen.name}, then " if seen.held else ""
            return f"{start}messagefoundry serve" if seen.waiting or seen.held else ""
        if seen.held or seen.state in ("stopped", "failed", "waiting to restart"):
            return f"messagefoundry connections start {seen.name}"
        if seen.state == "outside its schedule":
            return f"messagefoundry connections start {seen.name}" if seen.waiting else ""
        if self.rejected and head is not None:
            return f"messagefoundry messages dead-letter {head.message_id} --to {seen.name}"
        return ""

    @property
    def rejected(self) -> bool:
        """Whether the partner answered the head, and did not take it."""
        return self.head is not None and self.head.error.startswith(REJECTIONS)

    @property
    def tries_again(self) -> bool:
        """Whether the lane runs, and nothing keeps its head but what the last attempt met."""
        tried = self.head is not None and self.head.attempts > 0
        return tried and self.seen.state == "running" and not self.seen.held

    @property
    def why(self) -> str:
        """Why it waits, in a few words."""
        seen, head = self.seen, self.head
        if seen.held:
            return "stopped by an operator" + (", and the engine is not running" if seen.state == NOT_RUNNING else "")
        if seen.state == "waiting":
            return f"waits for {seen.reason}"
        if seen.state != "running":
            return seen.condition
        if head is not None and head.attempts:
            return f"tried {plural(head.attempts, 'time')}, last: {first_line(head.error) or 'no answer'}"
        return seen.doing if seen.doing not in ("", "idle") else "on its way"

    @property
    def trouble(self) -> str:
        """Why it waits, and since when."""
        since = self.seen.since if self.seen.state != "running" else 0
        return f"{self.why} since {clock(since)}" if since else self.why

    def line(self) -> str:
        """Everything about it in one line."""
        seen, head = self.seen, self.head
        name = styled(seen.name, bold=True)
        if not seen.waiting:
            rest = f"; to start it: {self.command}" if self.command else ""
            trouble = self.trouble if seen.held or seen.state != "running" else seen.condition
            return f"{name}{seen.marks}: nothing waits, {trouble}{rest}"
        oldest = f"oldest since {clock(seen.oldest)} ({ago(seen.oldest)})"
        parts = [f"{name}{seen.marks}: {seen.waiting:,} waiting, {oldest}"]
        if head is not None:
            parts.append(f"head is message {head.message_id}, MSH-10 {head.control_id or 'empty'}")
        parts.append(self.trouble)
        due = next_try(seen, head)
        again = f", next try {clock(due)}" if due else ""
        if self.tries_again and head is not None:
            parts.append(f"it is tried again by itself{again}")
            parts.append(self.ways_out(head))
        elif self.command:
            parts.append(f"to unblock: {self.command}")
        return "; ".join(parts)

    def ways_out(self, head: WorkRow) -> str:
        """What can be done about a head that is tried again by itself."""
        if self.rejected:
            show = f"messagefoundry messages show {head.message_id} --body --show-phi"
            return f"to see the reply: {show}; to give this message up: {self.command}"
        return f"it goes on when that is mended; to look now: messagefoundry connections test {self.seen.name}"

    def facts(self) -> dict[str, Any]:
        """The same for programs."""
        seen, head = self.seen, self.head
        at_head = (
            None
            if head is None
            else {
                "work_id": head.id,
                "message_id": head.message_id,
                "control_id": head.control_id,
                "message_type": head.message_type,
                "attempts": head.attempts,
                "error": first_line(head.error) or None,
                "last_attempt": iso(head.changed_at) if head.attempts else None,
            }
        )
        return {
            "name": seen.name,
            "direction": seen.direction,
            "state": seen.state,
            "held": seen.held,
            "reason": seen.reason or None,
            "doing": seen.doing or None,
            "simulated": seen.simulated,
            "flagged": seen.flagged,
            "metadata": seen.metadata,
            "schedule": seen.schedule,
            "since": iso(seen.since),
            "waiting": seen.waiting,
            "oldest": iso(seen.oldest),
            "next_try": iso(next_try(seen, head)),
            "head": at_head,
            "why": self.why if seen.waiting else None,
            "unblock": self.command or None,
        }


def next_try(seen: Seen, head: WorkRow | None) -> int:
    """When the lane tries again; 0 when it does not wait for that, as while it is trying."""
    if seen.next_try:
        return seen.next_try
    waits = head is not None and head.attempts and head.due > now() and seen.state == "running"
    return head.due if head is not None and waits else 0


def first_line(text: str) -> str:
    """What of an error may be shown anywhere."""
    return text.partition("\n")[0]


@click.command("status")
@click.argument("name", metavar="[CONNECTION]", required=False)
@click.option("--integrity", is_flag=True, help="Check instead whether the store is damaged; it may take a while.")
@options.configuration
@options.as_json
def command(name: str | None, integrity: bool, as_json: bool, **call: Any) -> None:
    """Say in one line for each Connection how much waits, why, until when, and what unblocks it.

    The store is read directly; whether Connections run is asked of the engine, when one answers. With --integrity the
    whole store is read, an engine may run meanwhile, and damage exits 1.
    """
    configured = Configured(Call(**call))
    if integrity:
        if name:
            raise WrongCall("--integrity checks the whole store: leave out the Connection")
        finish(check_store(configured, as_json=as_json))
    with reading(configured) as reader:
        running, found = connections_of(configured, reader)
        lanes = [Lane(seen, head_of(reader, seen)) for seen in chosen(found, name)]
        dispositions = {} if name else reader.dispositions()
        strangers = {} if name else waiting_elsewhere(reader, [each.name for each in found])
    sets = reference_sets(configured) if running and not name else []
    if as_json:
        engine = {"engine": "running" if running else "not running", "messages": dispositions}
        told = {**engine, "connections": [lane.facts() for lane in lanes], "not_configured": strangers}
        told["references"] = sets
        show_json(lanes[0].facts() if name else told)
        return
    if not name:
        show_engine(configured, dispositions, running=running)
    for lane in lanes:
        click.echo(lane.line())
    for stranger, waiting in strangers.items():
        click.echo(f"{styled(stranger, bold=True)}: {waiting:,} waiting, not in this configuration")
    for each in sets:
        click.echo(line_of(each))


def waiting_elsewhere(reader: StoreReader, known: Collection[str]) -> dict[str, int]:
    """How much waits for names that no Connection has, by name."""
    found: dict[str, int] = {}
    for each in reader.backlogs():
        if each.connection not in known:
            found[each.connection] = found.get(each.connection, 0) + each.depth
    return found


def check_store(configured: Configured, *, as_json: bool) -> int:
    """Print what is wrong with the store, and give the exit code."""
    try:
        with reading(configured) as reader:
            found = reader.integrity()
    except CorruptStore as error:
        found = [str(error)]
    place = configured.stores.describe(configured.location)
    if as_json:
        show_json({"store": place, "sound": not found, "findings": found})
    else:
        for finding in found:
            click.echo(f"{styled('damaged', fg='red', bold=True)}  {finding}")
        click.echo(f"{place}: {plural(len(found), 'finding') if found else 'sound'}")
        if found:
            say("stop the engine, keep this store as it is, and restore a backup")
    return 1 if found else 0


def chosen(found: Sequence[Seen], name: str | None) -> list[Seen]:
    """All Connections, or the one that is named. Raises WrongCall."""
    if name is None:
        return list(found)
    named = [each for each in found if each.name == name]
    if not named:
        mend = did_you_mean(name, [each.name for each in found])
        raise WrongCall(f"no Connection is named {name!r}{f': {mend}' if mend else ''}")
    return named


def head_of(reader: StoreReader, seen: Seen) -> WorkRow | None:
    """What a lane works on, or would."""
    return reader.head(seen.name) if seen.direction == "outbound" and seen.waiting else None


def show_engine(configured: Configured, dispositions: dict[str, int], *, running: bool) -> None:
    """The engine and its store in two lines."""
    state = styled("running", fg="green") if running else styled("not running", fg="red")
    click.echo(f"engine {state}; {configured.stores.describe(configured.location)}")
    counts = ", ".join(f"{count:,} {disposition}" for disposition, count in sorted(dispositions.items()))
    click.echo(f"messages: {counts or 'none yet'}")
