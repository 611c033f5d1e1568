"""What a user is told who lacks a plugin."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from messagefoundry.plugins import BrokenPlugin, offer, pip_line
from messagefoundry.plugins.offers import EXTRAS, RELEASED, Kind


@pytest.mark.parametrize(
    ("kind", "name", "extra"),
    [
        ("connector", "MLLP", "mllp"),
        ("connector", "Tcp", "mllp"),
        ("connector", "File", "file"),
        ("store", "sqlite", "sqlite"),
    ],
)
def test_the_line_that_installs_what_is_released(kind: Kind, name: str, extra: str) -> None:
    problem = offer(kind, name)
    assert str(problem) == f"the {kind} {name} is not installed ({pip_line(extra)})"
    assert pip_line(extra) == f"pip install 'messagefoundry[{extra}]=={version('messagefoundry-core')}'"


def test_everything_else_of_the_published_interface_is_said_to_be_unavailable() -> None:
    kinds: tuple[Kind, ...] = ("connector", "store", "content type")
    for kind in kinds:
        for name, extra in EXTRAS[kind].items():
            if extra not in RELEASED:
                assert str(offer(kind, name)) == f"the {kind} {name} is not available in this release"


def test_nothing_is_offered_for_a_name_that_nobody_knows() -> None:
    assert offer("connector", "Telepathy") is None


def test_a_broken_plugin_is_not_offered_for_installation() -> None:
    broken = BrokenPlugin("messagefoundry-file", "it was made for plugin contract 2, and this engine has contract 1")
    problem = offer("connector", "File", [broken])
    assert problem is not None
    assert problem.text.endswith("messagefoundry-file, which is installed but cannot be used: " + broken.cause)
