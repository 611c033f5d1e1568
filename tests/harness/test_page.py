import re
from dataclasses import replace
from pathlib import Path

import pytest

from messagefoundry.harness.machine import this_machine
from messagefoundry.harness.page import (
    END,
    FILES,
    PageError,
    Record,
    begin_of,
    chore_of,
    figures_block,
    record_beside,
    with_figures,
    write_page,
)
from messagefoundry.harness.scenarios import named
from messagefoundry.harness.verdict import compare
from tools.projects import ROOT

from .measured import paired

BEGIN = begin_of()
STORES = (FILES, "postgres")
PAGE = ROOT / "docs" / "performance.md"
RECORD = Record(
    machine=replace(this_machine(None), cpu="A processor", date="2026-11-22"),
    arguments="--pairs 1",
    conditions={"warm_up": 1.0, "seconds": 10.0},
    comparisons=[compare("full", paired((500, 1000), (640, 1000), (700, 1000)))],
    faults=[],
)


@pytest.mark.parametrize("store", STORES)
def test_the_page_shows_the_records_beside_it(store: str) -> None:
    text = PAGE.read_text("utf-8")
    record = Record.from_json(record_beside(PAGE, store).read_text("utf-8"))
    shown = with_figures(text, figures_block(record), store)
    assert shown == text, f"write the page with: {chore_of(store)} ARGS='--page docs/performance.md'"
    assert record.store == store
    assert record.faults == []
    assert record.conditions["synchronous"] == "full"


@pytest.mark.parametrize("store", STORES)
def test_each_record_is_of_every_scenario(store: str) -> None:
    record = Record.from_json(record_beside(PAGE, store).read_text("utf-8"))
    wanted = named(["all"], server=store != FILES)
    assert {one.scenario for one in record.comparisons} == {scenario.name for scenario in wanted}


def test_a_server_was_durable() -> None:
    record = Record.from_json(record_beside(PAGE, "postgres").read_text("utf-8"))
    assert "fsync=on, synchronous_commit=on" in record.machine.server


def test_the_sentences_hold_no_figures() -> None:
    """Names of segments and fields, links and code are no figures."""
    prose = PAGE.read_text("utf-8")
    for store in STORES:
        prose = with_figures(prose, "", store).replace(begin_of(store), "")
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


def test_a_server_and_its_section_are_named() -> None:
    on_server = replace(RECORD, store="postgres", machine=replace(RECORD.machine, server="A server, fsync=on"))
    block = figures_block(on_server)
    assert "| database server | A server, fsync=on |" in block
    assert '| command | `make bench STORE=postgres ARGS="--pairs 1"` |' in block
    assert Record.from_json(on_server.as_json()) == on_server


def test_each_store_has_a_section_of_its_own(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{begin_of()}\nold\n{END}\nbetween\n{begin_of('postgres')}\nold\n{END}\nafter\n")
    for store in STORES:
        write_page(page, replace(RECORD, store=store, arguments=f"--of {store}"))
    first, second = page.read_text().split("between\n")
    assert "old" not in first + second
    assert ("--of sqlite" in first, "--of postgres" in second) == (True, True)
    assert second.endswith(f"\n{END}\nafter\n")
    assert {path.name for path in tmp_path.iterdir()} == {"page.md", "page.json", "page-postgres.json"}


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
