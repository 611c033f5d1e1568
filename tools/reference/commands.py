"""The page of commands, from the click commands that are installed."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from messagefoundry.cli.program import program
from messagefoundry.plugins.builtin import COMMANDS
from tools.reference.markdown import code, table, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator


INTRODUCTION = """\
`--help` (`-h`) says the same on the terminal. What reports something takes `--json`. Exit codes:
[Operating](../operating.md#stop)."""


def page(names: tuple[str, ...] = tuple(COMMANDS)) -> str:
    """The text of the page."""
    context = click.Context(program, info_name="messagefoundry")
    parts = ["# Commands", said(program), INTRODUCTION, options(program, context)]
    for name in names:
        command = program.get_command(context, name)
        assert command is not None
        parts += described(command, click.Context(command, info_name=name, parent=context))
    return "\n\n".join(filter(None, parts))


def said(command: click.Command) -> str:
    """A command's own words."""
    return text_of(inspect.cleandoc(command.help or ""))


def described(command: click.Command, context: click.Context, depth: int = 2) -> Iterator[str]:
    """A command and those below it."""
    yield f"{'#' * depth} {context.command_path.removeprefix('messagefoundry ')}"
    yield said(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from described(below, click.Context(below, info_name=name, parent=context), depth + 1)
        return
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{context.command_path} {pieces}\n```"
    yield options(command, context)


def options(command: click.Command, context: click.Context) -> str:
    """The table of a command's options."""
    own = [each for each in command.params if isinstance(each, click.Option)]
    records = [each.get_help_record(context) for each in own]
    rows = [(code(record[0]), record[1]) for record in records if record is not None]
    return table(("option", ""), rows) if rows else ""
