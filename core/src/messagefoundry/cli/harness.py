"""`messagefoundry harness`: prove an interface before there is traffic. Each of its commands is a module of its own."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "scenario": "Prove each disposition: processed, filtered, unrouted, error, dead_letter.",
    "partner": "Play a partner that receives over MLLP, with the faults of a script.",
    "load": "Run a load profile and hold it against its bars.",
}
"""Name and summary of each command; `messagefoundry.cli.harness_<name>` has the click command `command`."""


class Harness(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"messagefoundry.cli.harness_{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group("harness", cls=Harness)
def command() -> None:
    """Prove an interface before there is traffic: scenarios, a partner with faults, load profiles."""
