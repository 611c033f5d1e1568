"""`messagefoundry plugins`: what is installed."""

from __future__ import annotations

from typing import Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.output import plural, show_json, show_table, styled
from messagefoundry.plugins import Installed, Plugin, installed


@click.command("plugins")
@options.as_json
def command(as_json: bool) -> None:
    """List every installed plugin with its distribution, version, contract and what it registers.

    Nothing is imported beyond the plugins' own entry points; `doctor` looks closer.
    """
    here = installed()
    if as_json:
        show_json({"plugins": [facts(here, plugin) for plugin in here.plugins], "broken": broken(here)})
        return
    rows = [
        (plugin.name, plugin.distribution, plugin.version, plugin.contract, "; ".join(names(here, plugin)))
        for plugin in here.plugins
    ]
    show_table(("PLUGIN", "DISTRIBUTION", "VERSION", "CONTRACT", "REGISTERS"), rows)
    for each in here.broken:
        click.echo(f"{styled('broken', fg='red', bold=True)}  {each.distribution} ({each.name}): {each.cause}")
    if here.broken:
        click.echo(f"{plural(len(here.broken), 'plugin')} cannot be used; `messagefoundry doctor` says more")


def names(here: Installed, plugin: Plugin) -> list[str]:
    """What a plugin registers, kind by kind: "connectors MLLP, Tcp"; commands are counted, as `--help` has them."""
    kinds: dict[str, list[str]] = {}
    for kind, name in here.registered_by(plugin):
        kinds.setdefault(kind, []).append(name)
    commands = kinds.pop("command", [])
    found = [f"{kind if len(each) == 1 else f'{kind}s'} {', '.join(each)}" for kind, each in kinds.items()]
    return [*found, plural(len(commands), "command")] if commands else found


def facts(here: Installed, plugin: Plugin) -> dict[str, Any]:
    """A plugin for programs."""
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "contract": plugin.contract,
        "registers": [{"kind": kind, "name": name} for kind, name in here.registered_by(plugin)],
    }


def broken(here: Installed) -> list[dict[str, Any]]:
    """Plugins that cannot be used, for programs."""
    return [
        {"name": each.name, "distribution": each.distribution, "version": each.version, "cause": each.cause}
        for each in here.broken
    ]
