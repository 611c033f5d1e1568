"""Selecting many messages or dead letters, asking first, and going through them in portions."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from messagefoundry.cli import options
from messagefoundry.cli.failures import WrongCall
from messagefoundry.cli.output import on_terminal
from messagefoundry.contracts.stores import MessageQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

PORTION = 100
DISPOSITIONS = ("RECEIVED", "ROUTED", "UNROUTED", "PROCESSED", "FILTERED", "ERROR", "REFUSED")
STAGES = ("ingress", "routed", "outbound")

inbound = click.option("--connection", metavar="INBOUND", default="", help="Of this inbound.")
connection = click.option("--connection", metavar="NAME", default="", help="Of this Connection.")
message_type = click.option(
    "--type", "message_type", metavar="MSH-9", default="", help="Of this type: ADT, or ADT^A01."
)
disposition = click.option(
    "--disposition", type=click.Choice(DISPOSITIONS, case_sensitive=False), default=None, help="That came to this."
)
stage = click.option("--stage", type=click.Choice(STAGES), default=None, help="That died at this stage.")
everything = click.option("--all", "everything", is_flag=True, help="All that there are.")
limit = click.option("--limit", metavar="N", type=click.IntRange(1), default=50, show_default=True, help="At most.")


class Label(click.ParamType[tuple[str, str]]):
    """A label and its value, or a label whatever it says."""

    name = "label"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Its name and value, "" for any."""
        if isinstance(value, tuple):
            return value
        key, _, wanted = str(value).partition("=")
        if not key:
            self.fail("give the name of a label, or name=value", param, ctx)
        return key, wanted


NO_LABEL = ("", "")
label = click.option(
    "--meta",
    metavar="NAME[=VALUE]",
    type=Label(),
    default=NO_LABEL,
    help="That a Handler has labelled so.",
    show_default=False,
)


def of_messages(function: F) -> F:
    """The options that select messages; `message_query` takes what they were given."""
    for option in (label, options.until, options.since, disposition, message_type, inbound):
        function = option(function)
    return function


def message_query(given: dict[str, Any], **more: Any) -> MessageQuery:
    """The query behind the options of `of_messages`, which are taken out of `given`. Raises WrongCall."""
    since, until = given.pop("since"), given.pop("until")
    refuse_inverted(since, until)
    return MessageQuery(
        given.pop("connection"),
        given.pop("disposition") or "",
        given.pop("message_type"),
        since=since,
        until=until,
        meta=given.pop("meta"),
        **more,
    )


def selects(query: MessageQuery) -> bool:
    """Whether any of the options was given."""
    return replace(query, before=0, limit=0) != MessageQuery(limit=0)


def of_dead_letters(function: F) -> F:
    """The options that select dead letters."""
    for option in (options.until, options.since, stage, message_type, connection):
        function = option(function)
    return function


def require_selection(ids: Sequence[int], everything: bool, selected: Iterable[Any]) -> None:
    """Raise WrongCall unless exactly one way of selecting was used: ids, options, or --all."""
    by_options = any(selected)
    if ids and (by_options or everything):
        raise WrongCall("give ids, or select by options, not both")
    if not ids and not by_options and not everything:
        raise WrongCall("nothing is selected: give ids, or --connection, --type, --since ..., or --all")


def refuse_inverted(since: int, until: int) -> None:
    """Raise WrongCall for a time that ends before it begins."""
    if since and until and until <= since:
        raise WrongCall("--until is not after --since: nothing can be between them")


def confirm(question: str, *, yes: bool) -> None:
    """Ask before many are changed. Raises WrongCall where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongCall(f"{question} Nobody can be asked here: repeat the command with --yes")
    if not click.confirm(question, err=True):
        raise click.Abort


def portions(ids: Iterable[int], rate: float | None) -> Iterator[list[int]]:
    """The ids in portions of at most 100, paced to `rate` a second."""
    size = PORTION if rate is None else max(1, min(PORTION, int(rate)))
    began, given = time.monotonic(), 0
    portion: list[int] = []
    for each in ids:
        portion.append(each)
        if len(portion) == size:
            yield portion
            given, portion = given + size, []
            if rate is not None:
                time.sleep(max(0.0, began + given / rate - time.monotonic()))
    if portion:
        yield portion


def in_portions(ids: Iterable[int], total: int, rate: float | None, change: Callable[[list[int]], int]) -> int:
    """Change all of `ids`, showing how far it is; how many were changed. Ctrl-C ends it between two portions."""
    changed = 0
    if not on_terminal() or total <= PORTION:
        return sum(change(portion) for portion in portions(ids, rate))
    from rich.progress import Progress

    with Progress(transient=True) as progress:
        task = progress.add_task("", total=total)
        for portion in portions(ids, rate):
            changed += change(portion)
            progress.advance(task, len(portion))
    return changed
