"""The command `messagefoundry`: its list of commands costs no import of any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli.failures import DEBUG_VARIABLE, FAILURES, outcome_of
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.specs import CommandSpec, load
from messagefoundry.plugins import builtin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM = "messagefoundry"


class Program(click.Group):
    """A group whose commands are what plugins register; the engine's own are known without looking for plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, the engine's own first."""
        return list(all_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        spec = own_commands().get(cmd_name) or all_commands().get(cmd_name)
        return None if spec is None else imported(spec)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(spec.name, spec.summary) for spec in all_commands().values()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begins with; a mistyped one is answered with the nearest."""
        name = str(args[0])
        if not name.startswith("-") and name not in own_commands() and name not in all_commands():
            mend = did_you_mean(name, all_commands())
            raise click.UsageError(f"there is no command {name!r}{f': {mend}' if mend else ''}", ctx)
        return super().resolve_command(ctx, args)


def own_commands() -> Mapping[str, CommandSpec]:
    """The engine's own commands."""
    return {spec.name: spec for spec in builtin.register_commands()}


def all_commands() -> Mapping[str, CommandSpec]:
    """Every installed command by name; where a plugin claims a name of ours, ours stays."""
    from messagefoundry.plugins import installed

    found = {name: registered.spec for name, registered in installed().commands.items()}
    return {**own_commands(), **{name: spec for name, spec in found.items() if name not in own_commands()}}


def imported(spec: CommandSpec) -> click.Command:
    """The click command that a spec names. Raises ClickException when a plugin's cannot be imported."""
    if spec.name in own_commands():
        command: click.Command = load(spec.command)
        return command
    try:
        command = load(spec.command)
    except Exception as error:
        raise click.ClickException(f"the command {spec.name} cannot be imported: {type(error).__name__}") from error
    return command


def show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the version and end."""
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"{PROGRAM} {version('messagefoundry-core')}")
        ctx.exit()


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"`{PROGRAM} COMMAND --help` says more. Exit codes: 0 fine, 1 what was checked is not fine, "
    "2 the call or the configuration is wrong.",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=show_version, help="Say which.")
@click.option("--debug", is_flag=True, envvar=DEBUG_VARIABLE, help="Show where an unexpected error arose.")
@click.pass_context
def program(ctx: click.Context, debug: bool) -> None:
    """A healthcare integration engine: moves clinical messages, and loses none that it has acknowledged."""
    ctx.obj = {"debug": debug}


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code; nothing is raised, whatever happens."""
    debug = "--debug" in arguments
    result: Any
    try:
        result = program.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except FAILURES as error:
        return outcome_of(error, debug=debug)
    return result if isinstance(result, int) else 0
