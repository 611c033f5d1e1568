"""`messagefoundry import`: turn interfaces of another engine into modules of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.failures import WrongCall, finish
from messagefoundry.cli.output import plural, show_json, styled
from messagefoundry.importing.errors import ExportError, OccupiedError
from messagefoundry.importing.project import Imported, imported, write
from messagefoundry.importing.report import Outcome
from messagefoundry.plugins import installed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLOURS = {Outcome.NOT_TRANSLATED: "red", Outcome.DIFFERS: "yellow"}


@click.group("import")
def command() -> None:
    """Turn interfaces of another engine into modules of a configuration."""


@command.command("mirth")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=options.FILE)
@click.option("--out", metavar="DIR", required=True, type=options.FILE, help="The repository to write to.")
@click.option("--force", is_flag=True, help="Replace modules and reports that are there already.")
@options.as_json
def mirth(files: Sequence[Path], out: Path, force: bool, as_json: bool) -> None:
    """Turn channel exports of Mirth Connect or Open Integration Engine (versions 3 and 4) into modules.

    DIR gets config/IB_<channel>.py, environments/dev.toml with ports, hosts and folders, and import-<file>.md with what
    was translated and what was not. What is not translated is kept as comments with a statement that fails. Exits 1
    when there is such a thing.
    """
    try:
        found = imported(files, installed().connectors)
        paths = write(found, out, force=force)
    except (ExportError, OccupiedError) as error:
        raise WrongCall(str(error)) from None
    except OSError as error:
        raise WrongCall(f"{error.filename}: {error.strerror}: name the file of an export, and a directory") from None
    if as_json:
        show_json(as_facts(found, paths))
    else:
        show(found, paths, out)
    finish(0 if found.complete else 1)


def as_facts(found: Imported, paths: Sequence[Path]) -> dict[str, Any]:
    """The import for programs."""
    return {
        "complete": found.complete,
        "files": [str(path) for path in paths],
        "channels": [report.as_json() for report in found.reports],
    }


def show(found: Imported, paths: Sequence[Path], out: Path) -> None:
    """Each channel with what needs a person, then the files and what to do next."""
    for report in found.reports:
        click.echo(f"{styled(report.module, bold=True)}: {report.summary}")
        for outcome in (Outcome.NOT_TRANSLATED, Outcome.DIFFERS):
            for entry in report.of(outcome):
                why = f": {entry.why}" if entry.why else ""
                click.echo(f"    {styled(outcome, fg=COLOURS[outcome])}  {entry.place}, {entry.part}{why}")
    for path in paths:
        click.echo(f"wrote {path}")
    missing = sum(len(report.of(Outcome.NOT_TRANSLATED)) for report in found.reports)
    if missing:
        click.echo(f"{plural(missing, 'part')} not translated: the modules fail there until you write them")
    click.echo(f"\nNext:\n  cd {out}\n  messagefoundry validate --env dev")
