"""`codeset`: what the tables of a configuration hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.running import Command

FOLDER = Path("config/codesets")


@pytest.fixture
def tables(repository: Path) -> Path:
    FOLDER.mkdir()
    (FOLDER / "diets.csv").write_text("epic,cbord\nREG,Regular\nNPO,\n")
    (FOLDER / "wards.csv").write_text("ward,site,beds\n1A,NORTH,12\n")
    (FOLDER / "sites.toml").write_text('N = "North"\nopened = 1987-05-01\n\n[S]\nname = "South"\n')
    return FOLDER


@pytest.mark.usefixtures("tables")
def test_list(command: Command) -> None:
    ran = command("codeset", "list")
    assert ran.code == 0
    assert [line.split() for line in ran.out.splitlines()] == [
        ["CODE", "SET", "CODES", "COLUMNS", "FILE"],
        ["diets", "2", "value", "config/codesets/diets.csv"],
        ["sites", "3", "value,", "name", "config/codesets/sites.toml"],
        ["wards", "1", "site,", "beds", "config/codesets/wards.csv"],
    ]
    assert json.loads(command("codeset", "list", "--json").out)[0] == {
        "name": "diets",
        "codes": 2,
        "columns": ["value"],
        "file": "config/codesets/diets.csv",
    }


@pytest.mark.usefixtures("tables")
def test_show(command: Command) -> None:
    shown = command("codeset", "show", "wards")
    assert [line.split() for line in shown.out.splitlines()] == [
        ["CODE", "SITE", "BEDS"],
        ["1A", "NORTH", "12"],
        ["1", "code", "in", "config/codesets/wards.csv"],
    ]
    assert json.loads(command("codeset", "show", "sites", "--json").out)["codes"] == {
        "N": "North",
        "opened": "1987-05-01",
        "S": {"name": "South"},
    }
    assert command("codeset", "show", "diets").out.splitlines()[1].split() == ["REG", "Regular"]


@pytest.mark.usefixtures("tables")
def test_an_unknown_one(command: Command) -> None:
    ran = command("codeset", "show", "diet")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "Error: there is no code set 'diet': did you mean 'diets'?\n"
    assert command("codeset", "list", "--config", "nowhere").code == 2


def test_problems(tables: Path, command: Command) -> None:
    (tables / "wards.csv").write_text("ward,site,beds\n1A,NORTH,12\n1A,NORTH\n1A,S,1\n")
    ran = command("codeset", "show", "diets")
    assert ran.code == 2
    assert ran.err.splitlines() == [
        "Error: config/codesets/wards.csv:3: the row has 2 cells, the header 3 (add what is missing)",
        "Error: config/codesets/wards.csv:4: the row has the code of line 2 again (keep one of the two)",
    ]
    judged = command("validate")
    assert judged.code == 1
    assert "wards.csv:4: the row has the code of line 2 again" in judged.out


def test_without_any(repository: Path, command: Command) -> None:
    assert command("codeset", "list").code == 0
    assert command("codeset", "list", "--json").out == "[]\n"
    assert command("codeset", "show", "diets").code == 2


def test_a_dry_run_looks_codes_up(tables: Path, repository: Path, command: Command) -> None:
    feed = repository / "config" / "IB_EXAMPLE_ADT.py"
    text = feed.read_text().replace(
        "    return Send(", '    msg["MSH-5"] = code_set("diets")["REG"]\n    return Send(', 1
    )
    feed.write_text("from messagefoundry import code_set\n" + text)
    ran = command("dryrun", "messages/sets/example_adt.hl7", "--show-phi")
    assert ran.code == 0
    assert "MSH-5: " in ran.out
    assert "-> 'Regular'" in ran.out
    (tables / "diets.csv").write_text("epic,cbord\nNPO,\n")
    ran = command("dryrun", "messages/sets/example_adt.hl7")
    assert ran.code == 1
    assert "KeyError at IB_EXAMPLE_ADT.py:" in ran.out
    (tables / "diets.csv").unlink()
    ran = command("check", "--no-lint")
    assert ran.code == 1
    assert "there is no code set 'diets' (did you mean" not in ran.out
    assert "there is no code set 'diets' (known are sites, wards)" in ran.out
