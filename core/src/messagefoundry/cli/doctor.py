"""`messagefoundry doctor`: whether all that is installed, and all that a configuration needs, is sound."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options, plugins
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import finish
from messagefoundry.cli.output import show_json, styled
from messagefoundry.cli.validate import problem_as_json
from messagefoundry.plugins import installed
from messagefoundry.plugins.doctor import Examined, Report, Wanted, examine
from messagefoundry.wiring.wanted import wanted_by

if TYPE_CHECKING:
    from pathlib import Path

OK, WRONG = ("ok", "green"), ("wrong", "red")


@click.command("doctor")
@click.option(
    "--config", metavar="DIR", type=options.FILE, help="Also check that everything this configuration names is there."
)
@options.settings
@options.as_json
def command(config: Path | None, as_json: bool, **call: Any) -> None:
    """Examine every plugin: version, contract, what it registers, what it needs, and whether names clash.

    With --config also whether each connector, store and content type that the configuration names is installed. Exits
    1 when anything is wrong, with the line that mends it.
    """
    report = examine(installed(), None if config is None else wanted(Configured(Call(config, **call))))
    if as_json:
        show_json(facts(report))
    else:
        show(report, config)
    finish(0 if report.sound else 1)


def wanted(configured: Configured) -> Wanted:
    """What a configuration and its settings name. Raises ConfigurationError for a directory that cannot be read."""
    settings = configured.settings
    named = wanted_by(configured.directory, environment=settings.ai.environment)
    return replace(named, stores={settings.store.backend})


def show(report: Report, config: Path | None) -> None:
    """The report for people: one line a finding, wrong ones with their mend."""
    for examined in report.plugins:
        _show_plugin(examined)
    for broken in report.broken:
        _line(WRONG, f"{broken.distribution} {broken.version} ({broken.name}): {broken.cause}")
    for clash in report.clashes:
        _line(WRONG, str(clash.problem()))
    for problem in report.missing:
        _line(WRONG, str(problem))
    if config is not None and not report.missing:
        _line(OK, f"everything that {config} names is installed")
    click.echo(styled("all is well", fg="green", bold=True) if report.sound else styled("something is wrong", fg="red"))


def _show_plugin(examined: Examined) -> None:
    plugin = examined.plugin
    names = "; ".join(plugins.names(installed(), plugin)) or "nothing"
    text = f"{plugin.distribution} {plugin.version}, contract {plugin.contract}: {names}"
    _line(OK if examined.sound else WRONG, text)
    for entry in examined.registers:
        if entry.problem:
            _line(WRONG, f"  {entry.kind} {entry.name}: {entry.problem}")
    for need in examined.needs:
        if not need.met:
            _line(WRONG, f"  needs {need.name}: {need.problem}{f' ({need.mend})' if need.mend else ''}")


def _line(mark: tuple[str, str], text: str) -> None:
    click.echo(f"{styled(f'{mark[0]:<5}', fg=mark[1])}  {text}")


def facts(report: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "sound": report.sound,
        "plugins": [_plugin_facts(each) for each in report.plugins],
        "broken": plugins.broken(installed()),
        "clashes": [problem_as_json(each.problem()) for each in report.clashes],
        "missing": [problem_as_json(each) for each in report.missing],
    }


def _plugin_facts(examined: Examined) -> dict[str, Any]:
    plugin = examined.plugin
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "contract": plugin.contract,
        "sound": examined.sound,
        "registers": [
            {"kind": each.kind, "name": each.name, "problem": each.problem or None} for each in examined.registers
        ],
        "needs": [
            {"name": each.name, "found": each.found or None, "problem": each.problem or None, "mend": each.mend or None}
            for each in examined.needs
        ],
    }
