"""Options that several commands have, spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from messagefoundry.cli.times import FORMS, MOMENT

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

FILE = click.Path(path_type=Path)
USUAL_DIRECTORY = Path("config")

config = click.option(
    "--config",
    metavar="DIR",
    type=FILE,
    default=USUAL_DIRECTORY,
    show_default=True,
    help="The configuration directory.",
)
service_config = click.option(
    "--service-config", metavar="FILE", type=FILE, help="The settings.  [default: ./messagefoundry.toml, if there]"
)
database = click.option("--db", metavar="FILE", help="The store's file; overrides [store] path.")
environment = click.option(
    "--env", metavar="NAME", help="The active environment, such as dev; overrides [ai] environment."
)
project_root = click.option(
    "--project-root", metavar="DIR", help="Where environments/ is; overrides [environments] base_dir."
)
allow_insecure_bind = click.option(
    "--allow-insecure-bind", is_flag=True, help="Let listeners without TLS be reached from the network."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
show_phi = click.option("--show-phi", is_flag=True, help="Show values of messages: patient data may appear.")
yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
rate = click.option("--rate", metavar="N", type=click.FloatRange(0, min_open=True), help="At most so many a second.")
since = click.option("--since", type=MOMENT, default=0, help=f"From then on: {FORMS}.")
until = click.option("--until", type=MOMENT, default=0, help="Before then.")


def settings(function: F) -> F:
    """The options of a command that reads the settings."""
    for option in (project_root, environment, database, service_config):
        function = option(function)
    return function


def configuration(function: F) -> F:
    """The options of a command that reads the settings and the configuration."""
    return config(settings(function))
