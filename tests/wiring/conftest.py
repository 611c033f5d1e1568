"""Configurations in a folder of their own, loaded for real."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.plugins import Candidate, Installed, collect
from messagefoundry.wiring.deployment import Deployment
from messagefoundry.wiring.load import load_graph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from messagefoundry.wiring.graph import Graph

AUTHORING = """\
from messagefoundry import *
from messagefoundry import env
from tests.wiring.pipes import MLLP, Drop, Fetch, Quux, Pipe, Rest
from messagefoundry.contracts import transport
"""

ROUTES = """
@router("adt")
def route(msg):
    return "to_lab"

@handler("to_lab")
def to_lab(msg):
    return Send("OB_LAB", msg)
"""


@dataclass
class Configuration:
    """A folder of modules and what it is loaded with."""

    directory: Path
    installed: Installed
    environment: str | None = "dev"
    values: Mapping[str, Any] = field(default_factory=dict)
    deployment: Deployment = field(default_factory=Deployment)

    def write(self, name: str, source: str) -> Path:
        """Add a module exactly as given."""
        file = self.directory / name
        file.write_text(source)
        return file

    def feed(self, source: str, *, routes: str = ROUTES) -> Path:
        """Add a module that declares `source`, on line 5 at first, and the routes of most tests."""
        return self.write("feed.py", AUTHORING + source + "\n" + routes)

    def load(self) -> Graph:
        return load_graph(
            self.directory,
            installed=self.installed,
            environment=self.environment,
            values=self.values,
            deployment=self.deployment,
        )

    def problems(self) -> list[str]:
        """The sentences that keep it from loading, without the folder's path."""
        with pytest.raises(ConfigurationError) as caught:
            self.load()
        return [str(problem).replace(f"{self.directory}/", "") for problem in caught.value.problems]


@pytest.fixture(scope="session")
def installed() -> Installed:
    return collect(
        [
            Candidate.of_module("messagefoundry.plugins.builtin", "messagefoundry-core"),
            Candidate.of_module("tests.wiring.pipes", "pipes"),
        ]
    )


@pytest.fixture
def configuration(tmp_path: Path, installed: Installed) -> Iterator[Configuration]:
    mask = os.umask(0o022)
    directory = tmp_path / "config"
    directory.mkdir()
    yield Configuration(directory, installed)
    os.umask(mask)
