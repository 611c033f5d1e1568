import re
from dataclasses import replace
from pathlib import Path

import pytest

from messagefoundry.harness.machine import this_machine
from messagefoundry.harness.page import BEGIN, END, PageError, Record, figures_block, record_beside, with_figures
from messagefoundry.harness.scenarios import SCENARIOS
from messagefoundry.harness.verdict import compare
from tools.projects import ROOT

from .measured import paired

PAGE = ROOT / "docs" / "performance.md"
RECORD = Record(
    machine=replace(this_machine(None), cpu="A processor", date="2026-11-22"),
    arguments="--pairs 1",
    conditions={"warm_up": 1.0, "seconds": 10.0},
    comparisons=[compare("full", paired((500, 1000), (640, 1000), (700, 1000)))],
    faults=[],
)


def test_the_page_shows_the_record_beside_it() -> None:
    text = PAGE.read_text("utf-8")
    record = Record.from_json(record_beside(PAGE).read_text("utf-8"))
    assert with_figures(text, figures_block(record)) == text, "write the page with: make bench ARGS='--page ...'"
    assert record.faults == []
    assert record.conditions["synchronous"] == "full"


def test_the_record_is_of_every_scenario() -> None:
    record = Record.from_json(record_beside(PAGE).read_text("utf-8"))
    assert {one.scenario for one in record.comparisons} == {scenario.name for scenario in SCENARIOS}


def test_the_sentences_hold_no_figures() -> None:
    """Names of segments and fields, links and code are no figures."""
    prose = with_figures(PAGE.read_text("utf-8"), "").replace(BEGIN, "").replace(END, "")
    for left_out in (r"`[^`]*`", r"\]\([^)]*\)", r"\b[A-Z]{3}-\d+\b"):
        prose = re.sub(left_out, "", prose)
    assert re.findall(r".*\d.*", prose) == []


def test_the_block() -> None:
    block = figures_block(RECORD)
    assert "| processor | A processor, " in block
    assert '| command | `make bench ARGS="--pairs 1"` |' in block
    assert "### Full\n\nThe engine against the floor, as fast as answers allow.\n\n8 connections (3 pairs):\n" in block
    assert "| median | engine | floor | ratio | spread | bar |\n|---|---:|---:|---:|---:|---:|\n" in block
    assert "| msg/s | 640 | 1,000 | 0.64 | 0.50 to 0.70 | ≥ 0.60 |\n" in block


def test_a_missed_bar_is_said() -> None:
    block = figures_block(replace(RECORD, comparisons=[compare("full", paired((500, 1000)))]))
    assert "| msg/s | 500 | 1,000 | 0.50 | 0.50 to 0.50 | ≥ 0.60, **missed** |\n" in block


def test_a_fault_is_said() -> None:
    assert "FAILED: full: 2 lost\n" in figures_block(replace(RECORD, faults=["full: 2 lost"]))


def test_a_record_survives_its_file() -> None:
    assert Record.from_json(RECORD.as_json()) == RECORD


def test_only_what_stands_between_the_markers_is_written() -> None:
    assert with_figures(f"a\n{BEGIN}\nold\n{END}\nb\n", "new\n") == f"a\n{BEGIN}\n\nnew\n\n{END}\nb\n"


@pytest.mark.parametrize("text", ["", f"{BEGIN}", f"{END}", f"{END}{BEGIN}"])
def test_a_page_without_markers_is_refused(text: str) -> None:
    with pytest.raises(PageError, match="has no lines"):
        with_figures(text, "new")


def test_the_machine_is_described() -> None:
    machine = this_machine(Path())
    assert machine.cores >= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", machine.date)
    assert all((machine.python, machine.sqlite, machine.trio, machine.kernel))
