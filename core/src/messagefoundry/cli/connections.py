"""`messagefoundry connections`: list, start, stop and test Connections, and read their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.changes import Changes
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import WrongCall, finish, say
from messagefoundry.cli.live import Seen, connections_of
from messagefoundry.cli.output import Column, show_json, show_table
from messagefoundry.cli.stored import reading
from messagefoundry.cli.times import ago, clock, iso
from messagefoundry.contracts.errors import MessageFoundryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


LONGEST_REASON = 44


@click.group("connections")
def command() -> None:
    """List, start, stop and test Connections."""


@command.command("list", short_help="Where each Connection is, its state, what waits.")
@options.configuration
@options.as_json
def show_all(as_json: bool, **call: Any) -> None:
    """Every Connection: where it is, its state, and how much waits there."""
    configured = Configured(Call(**call))
    found = seen_with_store(configured)
    if as_json:
        show_json([facts(each) for each in found])
        return
    columns = (
        Column("CONNECTION", style="bold"),
        "DIRECTION",
        "CONNECTOR",
        "ENDPOINT",
        "STATE",
        "DOING",
        Column("WAITING", right=True),
        "OLDEST",
    )
    rows = [
        (
            each.name,
            each.direction,
            each.connector,
            each.endpoint,
            state_of(each),
            each.doing,
            each.waiting or "",
            ago(each.oldest),
        )
        for each in found
    ]
    show_table(columns, rows)


def seen_with_store(configured: Configured) -> list[Seen]:
    """The Connections, also before there is a store."""
    if not configured.location.path or not configured.settings.store_path().exists():
        return connections_of(configured, None)[1]
    with reading(configured) as reader:
        return connections_of(configured, reader)[1]


def state_of(seen: Seen) -> str:
    """The state in one cell, with the reason in short."""
    reason = shortened(seen)
    held = ", held by an operator" if seen.held else ""
    return f"{seen.state}{held}{seen.because + reason if reason else ''}{seen.marks}"


def shortened(seen: Seen) -> str:
    """The beginning of the reason, without the place that another column has; `status` has all of it."""
    reason = seen.reason.partition(" (")[0].replace(f" on {seen.endpoint}", "")
    whole = len(reason) <= LONGEST_REASON or seen.because == " "
    return reason if whole else f"{reason[: LONGEST_REASON - 4].rstrip()} ..."


def facts(seen: Seen) -> dict[str, Any]:
    """A Connection for programs."""
    return {
        "name": seen.name,
        "direction": seen.direction,
        "connector": seen.connector,
        "endpoint": seen.endpoint,
        "state": seen.state,
        "held": seen.held,
        "reason": seen.reason or None,
        "since": iso(seen.since),
        "doing": seen.doing or None,
        "next_try": iso(seen.next_try),
        "simulated": seen.simulated,
        "flagged": seen.flagged,
        "metadata": seen.metadata,
        "schedule": seen.schedule,
        "waiting": seen.waiting,
        "oldest": iso(seen.oldest),
    }


names = click.argument("names", metavar="NAME...", nargs=-1, required=True)


@command.command("start", short_help="Start Connections, or try again at once.")
@names
@options.configuration
@options.as_json
def start(names: Sequence[str], as_json: bool, **call: Any) -> None:
    """Start Connections that were stopped, or try again at once what waits to restart.

    One that is outside its schedule runs until the schedule changes next, and is under it again from then on.
    """
    changes = Changes(Configured(Call(**call)))
    changes.require(names)
    each_of(
        names, lambda name: changes.hold(name, held=False), as_json=as_json, good=("running", "starts with the engine")
    )


@command.command("stop", short_help="Stop Connections until somebody starts them.")
@names
@options.configuration
@options.as_json
def stop(names: Sequence[str], as_json: bool, **call: Any) -> None:
    """Stop Connections until somebody starts them; restarts and reloads keep them stopped."""
    changes = Changes(Configured(Call(**call)))
    changes.require(names)
    each_of(names, lambda name: changes.hold(name, held=True), as_json=as_json, good=("stopped",))


@command.command("test", short_help="Reach partners without sending a message.")
@names
@options.settings
@options.as_json
def test(names: Sequence[str], as_json: bool, **call: Any) -> None:
    """Reach the partners of outbound Connections, from the running engine, without sending a message."""
    changes = Changes(Configured(Call(**call)))
    each_of(names, lambda name: tested(changes, name), as_json=as_json)


def tested(changes: Changes, name: str) -> str:
    """What the engine found. Raises NotFine when the partner cannot be reached."""
    return str(changes.online(f"/connections/{name}/test")["text"])


def each_of(
    names: Sequence[str], ask: Callable[[str], str], *, as_json: bool, good: Sequence[str] | None = None
) -> None:
    """Do one thing to each Connection and print what came of it; exit 1 when one did not come out well.

    What came out well begins with one of `good`.
    """
    results: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(names):
        try:
            text = ask(name)
            results[name] = {"ok": good is None or text.startswith(tuple(good)), "text": text}
        except WrongCall:
            raise
        except MessageFoundryError as error:
            results[name] = {"ok": False, "text": str(error).removeprefix(f"{name}: ")}
    if as_json:
        show_json(results)
    else:
        for name, result in results.items():
            (click.echo if result["ok"] else say)(f"{name}: {result['text']}")
    finish(0 if all(result["ok"] for result in results.values()) else 1)


@command.command("events", short_help="What has happened to a Connection.")
@click.argument("name", metavar="NAME")
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), default=50, show_default=True, help="So many, the newest."
)
@options.settings
@options.as_json
def events(name: str, limit: int, as_json: bool, **call: Any) -> None:
    """What has happened to a Connection: starts, stops, refused peers, crashes."""
    with reading(Configured(Call(**call))) as reader:
        found = reader.connection_events(name, limit)
    if as_json:
        show_json([{"id": each.id, "at": iso(each.at), "kind": each.kind, "detail": each.detail} for each in found])
        return
    if not found:
        say(f"{name} has no events yet (or there is no such Connection: messagefoundry connections list)")
    show_table(("AT", "EVENT", "DETAIL"), [(clock(each.at), each.kind, each.detail) for each in found])
