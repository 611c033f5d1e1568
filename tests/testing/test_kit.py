"""The kit notices: every variant that breaks a contract is caught, by the clauses that its class names."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from importlib import import_module
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from messagefoundry.testing.conformance import Conformance, clauses, sentence
from tools.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULES = (
    "broken_queues",
    "broken_stores",
    "broken_arrivals",
    "broken_keeping",
    "broken_ahead",
    "broken_outbound",
    "broken_batches",
    "broken_inbound",
    "broken_again",
    "broken_values",
    "broken_batch_codecs",
    "broken_references",
)
PLACES = (
    "alert_sinks",
    "batch_codecs",
    "batches",
    "ciphers",
    "codecs",
    "inbound",
    "outbound",
    "reference_sources",
    "stores",
)
SOUND = {"TestASoundSink", "TestASoundSource", "TestASoundWire"}


def variants(module: str) -> dict[str, type[Conformance]]:
    found = vars(import_module(f"tests.testing.{module}"))
    return {name: value for name, value in found.items() if name.startswith("Test") and hasattr(value, "caught_by")}


def runs(folder: Path) -> dict[str, dict[str, set[str]]]:
    """By module and class of the variant, the clauses that failed.

    Processes of their own, side by side: the variants are no tests of ours.
    """
    options = ("-q", "--tb=no", "-p", "no:cacheprovider", "-o", "trio_mode=false")
    reports = {module: folder / f"{module}.xml" for module in MODULES}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", f"tests/testing/{module}.py"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for module, report in reports.items()
    ]
    for process in running:
        printed, _ = process.communicate()
        assert process.returncode == 1, printed
    return {module: failures(str(report)) for module, report in reports.items()}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, set[str]]]:
    return runs(tmp_path_factory.mktemp("variants"))


def failures(report: str) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            found[case.get("classname", "").rpartition(".")[2]].add(case.get("name", "").partition("[")[0])
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_variant_is_caught_by_the_clauses_that_it_names(
    module: str, failed: dict[str, dict[str, set[str]]]
) -> None:
    expected = {name: tests.caught_by for name, tests in variants(module).items()}  # type: ignore[attr-defined]
    assert {name: failed[module][name] for name in expected} == expected


def test_every_variant_is_to_be_caught() -> None:
    named = {name: tests.caught_by for module in MODULES for name, tests in variants(module).items()}  # type: ignore[attr-defined]
    assert {name for name, caught_by in named.items() if not caught_by} == SOUND
    assert len(named) > 100


def kits() -> Iterator[type[Conformance]]:
    for name in PLACES:
        module = import_module(f"messagefoundry.testing.{name}")
        yield from (
            value for key, value in vars(module).items() if key.endswith("Conformance") and key != "Conformance"
        )


@pytest.mark.parametrize("kit", list(kits()), ids=lambda kit: kit.__name__)
def test_every_clause_says_what_it_asks_for(kit: type[Conformance]) -> None:
    told = {name: sentence(function) for name, function in clauses(kit).items()}
    assert [name for name, text in told.items() if not text.endswith(".")] == []
    tests = {name for name in dir(kit) if name.startswith("test_")}
    assert tests == told.keys()


NOT_SHOWN = {
    "test_keeps_to_the_allowlist",
    "test_half_a_message_is_none",
    "test_what_was_not_committed_is_received_after_a_restart",
}
"""Clauses that mean nothing in memory, where the variants of connectors are."""


def test_every_clause_is_seen_to_fail() -> None:
    caught: set[str] = set()
    for module in MODULES:
        for tests in variants(module).values():
            caught |= tests.caught_by  # type: ignore[attr-defined]
    assert {name for kit in kits() for name in clauses(kit)} - caught == NOT_SHOWN
