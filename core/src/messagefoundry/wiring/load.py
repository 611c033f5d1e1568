"""The one way from a directory of modules to a graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from messagefoundry.wiring.deployment import Deployment
from messagefoundry.wiring.environment import active_environment
from messagefoundry.wiring.loader import load_modules
from messagefoundry.wiring.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messagefoundry.plugins import Installed
    from messagefoundry.wiring.graph import Graph

__all__ = ["Deployment", "load_graph"]


def load_graph(
    directory: Path | str,
    *,
    installed: Installed,
    environment: str | None,
    values: Mapping[str, Any],
    deployment: Deployment = Deployment(),  # noqa: B008 - a frozen value
    connections: str | None = None,
) -> Graph:
    """Load the modules and tables of `directory` and give the graph that they wire in this deployment.

    `environment` is what current_environment() says while they load, None for a dry run; `values` is what env() keys
    resolve to, already overlaid; `connections` is taken as what stands in connections.toml, if given. Raises
    ConfigurationError with every problem found.
    """
    with active_environment(environment):
        record = load_modules(Path(directory), connections)
    return resolve(
        record,
        installed=installed,
        environment=environment,
        values=values,
        deployment=deployment,
        source=str(directory),
    )
