"""What a configuration may say of strict validation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from messagefoundry.plugins.doctor import Wanted, missing
from messagefoundry.strict import PIP_LINE, known_versions
from messagefoundry.wiring.wanted import wanted_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.plugins import Installed
    from tests.wiring.conftest import Configuration

PROBLEMS = {
    "strict=True, hl7_version='2.51'": "option 'hl7_version' is no version of HL7 v2 that there is a schema of "
    "(did you mean '2.5.1'?)",
    "strict=True, hl7_version=''": "option 'hl7_version' must be text",
    "hl7_version='2.5.1'": "option 'hl7_version' is for strict validation (add strict=True, or leave it out)",
    "strict_timeout_s=2": "option 'strict_timeout_s' is for strict validation (add strict=True, or leave it out)",
    "strict=True, strict_timeout_s=0": "option 'strict_timeout_s' must be a number of seconds above 0",
    "strict=True, strict_timeout_s='soon'": "option 'strict_timeout_s' must be a number of seconds above 0",
    "strict=True, content_type='json'": "option 'strict' is for HL7 v2 alone (leave it out)",
    "strict='perhaps'": "option 'strict' must be True or False",
}


@pytest.mark.parametrize("options", PROBLEMS)
def test_a_mistake_is_one_sentence(configuration: Configuration, options: str) -> None:
    configuration.feed(f'inbound("IB", Pipe(port=1), router="adt", {options})')
    assert configuration.problems() == [f"feed.py:5: IB: {PROBLEMS[options]}"]


def test_what_is_said_reaches_the_graph(configuration: Configuration) -> None:
    configuration.feed(
        'inbound("IB", Pipe(port=1), router="adt", strict=True, hl7_version="2.4", strict_timeout_s="2.5")'
    )
    inbound = configuration.load().inbounds["IB"]
    assert (inbound.strict, inbound.hl7_version, inbound.strict_timeout_s) == (True, "2.4", 2.5)


@pytest.fixture
def without_hl7apy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    known_versions.cache_clear()
    monkeypatch.setitem(sys.modules, "hl7apy", None)
    yield
    known_versions.cache_clear()


@pytest.mark.usefixtures("without_hl7apy")
def test_without_hl7apy_the_line_that_installs_it_is_said(configuration: Configuration, installed: Installed) -> None:
    configuration.feed('inbound("IB", Pipe(port=1), router="adt", strict=True)')
    (problem,) = configuration.problems()
    assert problem.startswith("feed.py:5: IB: option 'strict': strict validation needs hl7apy")
    assert problem.endswith(f"({PIP_LINE})")
    wanted = wanted_by(configuration.directory)
    assert wanted.strict
    assert [problem.mend for problem in missing(installed, Wanted(strict=True))] == [PIP_LINE]


@pytest.mark.usefixtures("without_hl7apy")
def test_without_hl7apy_nobody_who_is_not_strict_notices(configuration: Configuration) -> None:
    configuration.feed('inbound("IB", Pipe(port=1), router="adt", strict=False)')
    assert not configuration.load().inbounds["IB"].strict
    assert not wanted_by(configuration.directory).strict
