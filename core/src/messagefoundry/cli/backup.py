"""`messagefoundry backup`: a consistent copy of the store, made while the engine runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.output import plural, show_json
from messagefoundry.cli.store_upkeep import progress_shown, upkeep_of


@click.command("backup")
@click.argument("destination", metavar="DEST", type=options.FILE)
@options.configuration
@options.as_json
def command(destination: Path, as_json: bool, **call: Any) -> None:
    """Copy the store to the new file DEST while the engine goes on receiving and delivering.

    The copy is the store as it was at one moment. It is checked, written to the disk, readable by you alone, and gets
    its name when it is complete. An existing file is never overwritten. Configuration and keys are not in it.
    """
    configured = Configured(Call(**call))
    stores, location = upkeep_of(configured), configured.location
    began = time.monotonic()
    with progress_shown(quiet=as_json) as progress:
        made = stores.backup(location, Path(destination).absolute(), progress)
    seconds = time.monotonic() - began
    if as_json:
        facts = {"backup": str(destination), "messages": made.messages, "bytes": made.size}
        show_json({**facts, "seconds": round(seconds, 3)})
    else:
        size = f"{made.size / (1 << 20):,.1f} MiB"
        click.echo(f"{destination}: {plural(made.messages, 'message')}, {size}, checked, in {seconds:.1f} s")
