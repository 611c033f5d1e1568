"""`messagefoundry generate`: made-up HL7 v2.5.1 messages, for trying an interface before there is traffic."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.failures import WrongCall
from messagefoundry.cli.output import on_terminal, plural, show_json, show_table
from messagefoundry.cli.sources import STANDARD_INPUT, SUFFIXES
from messagefoundry.generate import UnknownTypeError, kinds_named, series

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from messagefoundry.generate import Generated, Kind

STANDARD_OUTPUT = STANDARD_INPUT
"""Both are written "-"."""


@click.command("generate")
@click.option(
    "--type", "types", metavar="TYPE", multiple=True, help="ADT, or ADT^A01; may be given again.  [default: all]"
)
@click.option("--count", metavar="N", type=click.IntRange(1, 1_000_000), help="So many in all.  [default: one a type]")
@click.option("--seed", metavar="N", type=int, default=1, show_default=True, help="The same seed, the same bytes.")
@click.option(
    "--out",
    metavar="FILE|DIR|-",
    type=options.FILE,
    default=STANDARD_OUTPUT,
    help="Where to.  [default: standard output]",
)
@click.option("--list", "only_list", is_flag=True, help="List the types instead.")
@options.as_json
def command(types: Sequence[str], count: int | None, seed: int, out: Path, only_list: bool, as_json: bool) -> None:
    """Make up conformant HL7 v2.5.1 messages in which nobody is real.

    Patients, staff and places are invented, all identifiers are of the authority TEST, and MSH-11 is T. Each type
    takes its turn. A message depends on its type, its number and the seed alone.

    A folder gets one file a message; a file (its name ends in .hl7 or the like) and standard output get all of them,
    ready for `messagefoundry send HOST:PORT -`.
    """
    kinds = chosen(types)
    if only_list:
        show_kinds(kinds, as_json=as_json)
        return
    messages = islice(series(kinds, seed), count or len(kinds))
    number = count or len(kinds)
    if out != STANDARD_OUTPUT:
        summary = {"seed": seed, "count": number, "out": str(out), "types": written(messages, number, out)}
        show_written(summary, as_json=as_json)
    elif as_json:
        show_json({"seed": seed, "count": number, "messages": [facts(each) for each in messages]})
    else:
        show(messages)


def chosen(types: Sequence[str]) -> tuple[Kind, ...]:
    """The kinds that were asked for. Raises WrongCall for a name that means nothing."""
    try:
        return kinds_named(types)
    except UnknownTypeError as error:
        raise WrongCall(str(error)) from None


def show_kinds(kinds: Iterable[Kind], *, as_json: bool) -> None:
    """Everything that can be generated."""
    if as_json:
        show_json([{"type": kind.name, "structure": kind.structure, "title": kind.title} for kind in kinds])
    else:
        show_table(("TYPE", "STRUCTURE", "TITLE"), [(kind.name, kind.structure, kind.title) for kind in kinds])


def facts(message: Generated) -> dict[str, Any]:
    """A message for programs."""
    return {"type": message.kind.name, "control_id": message.control_id, "message": message.text}


def show(messages: Iterable[Generated]) -> None:
    """Every message on standard output: to the byte for programs, one segment a line for people."""
    if on_terminal():
        for message in messages:
            click.echo(message.text.replace("\r", "\n"))
        return
    for message in messages:
        sys.stdout.buffer.write(message.raw)
    sys.stdout.buffer.flush()


def written(messages: Iterable[Generated], number: int, out: Path) -> dict[str, int]:
    """Write the messages and count them by type. Raises WrongCall when something else is in the place of a file."""
    counts: Counter[str] = Counter()
    shown = progress(messages, number)
    if out.suffix.lower() in SUFFIXES and not out.is_dir():
        content = bytearray()
        for message in shown:
            content += message.raw
            counts[message.kind.name] += 1
        put(out, bytes(content))
        return dict(counts)
    width = max(4, len(str(number)))
    for message in shown:
        kind = message.kind
        put(out / f"{message.number:0{width}}-{kind.family}-{kind.trigger}.hl7", message.raw)
        counts[kind.name] += 1
    return dict(counts)


def put(file: Path, content: bytes) -> None:
    """Write a file, and the folders above it; one that says something else is left as it is."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_bytes(content)
        elif file.read_bytes() != content:
            raise WrongCall(f"{file}: is there and says something else: remove it, or name another place with --out")
    except OSError as error:
        raise WrongCall(f"{file}: cannot be written: {error.strerror}") from error


def progress(messages: Iterable[Generated], number: int) -> Iterable[Generated]:
    """The messages, with a bar on a terminal."""
    if not on_terminal():
        return messages
    from rich.progress import track

    return track(messages, description="generating", total=number, transient=True)


def show_written(summary: dict[str, Any], *, as_json: bool) -> None:
    """What was written, in one line."""
    if as_json:
        show_json(summary)
        return
    count, types = plural(summary["count"], "message"), plural(len(summary["types"]), "type")
    click.echo(f"{count} of {types} written to {summary['out']} (seed {summary['seed']})")
