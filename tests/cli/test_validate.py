"""`validate`, `check` and `graph` on configurations that are not quite right."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.running import Command

BIND = "listening on 0.0.0.0 without TLS would send patient data in the clear"


@pytest.fixture
def exposed(repository: Path) -> Path:
    """A repository whose listener may be reached from the network."""
    with (repository / "messagefoundry.toml").open("a") as file:
        file.write('\n[inbound]\nbind_host = "0.0.0.0"\n')
    return repository


@pytest.mark.usefixtures("exposed")
def test_an_open_listener_is_a_problem_unless_it_is_allowed(command: Command) -> None:
    for call in (["validate"], ["check", "--no-lint"]):
        judged = command(*call)
        assert judged.code == 1
        assert BIND in judged.out
        assert command(*call, "--allow-insecure-bind").code == 0
    refused = command("serve", "--port", "0")
    assert refused.code == 2
    assert BIND in refused.err


@pytest.mark.usefixtures("exposed")
@pytest.mark.parametrize(
    "call", [["graph"], ["dryrun", "messages/sets"], ["connections", "list"]], ids=lambda call: str(call[0])
)
def test_what_binds_nothing_does_not_judge_where_it_would(command: Command, call: list[str]) -> None:
    assert command(*call).code == 0


def test_a_check_leaves_nothing_behind(repository: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    before = sorted(repository.rglob("*"))
    (repository / "config" / "_tidy.py").write_text("import os\nx: int = 'text'\n")
    ran = command("check", "--messages", "messages/sets")
    assert "mypy advises" in ran.out
    assert "ruff advises" in ran.out
    assert sorted(repository.rglob("*")) == sorted([*before, repository / "config" / "_tidy.py"])


def test_names_that_nothing_has_are_warned_of(repository: Path, command: Command) -> None:
    feed = repository / "config" / "IB_EXAMPLE_ADT.py"
    text = feed.read_text().replace('return "keep_adt"', 'return "keep_adtt"').replace('Send("OB_', 'Send("OB_X_')
    feed.write_text(text)
    lines = text.splitlines()
    router, handler = (next(n for n, line in enumerate(lines, 1) if word in line) for word in ("keep_adtt", "OB_X_"))

    validated = command("validate")
    assert validated.code == 0
    assert f"{feed}:{router}: example_adt: returns 'keep_adtt', and no Handler has this name" in validated.out
    assert f"{feed}:{handler}: keep_adt: sends to 'OB_X_EXAMPLE_FILE', and no outbound has this name" in validated.out

    shown = command("graph")
    assert shown.code == 0
    assert "warning: " in shown.err
    warnings = json.loads(command("graph", "--json").out)["warnings"]
    assert [(each["line"], each["name"]) for each in warnings][-2:] == [(router, "example_adt"), (handler, "keep_adt")]


def test_a_file_of_values_that_cannot_be_read_is_one_problem(repository: Path, command: Command) -> None:
    (repository / "environments" / "dev.toml").write_text("port = \n")
    ran = command("validate", "--env", "dev")
    assert ran.code == 1
    assert ran.out.count("problem  ") == 1
    assert "is not readable as TOML" in ran.out


def test_the_configuration_of_serve_is_an_option(repository: Path, command: Command) -> None:
    assert "give the configuration as --config DIR" in command("serve", "config").err


def test_environments_beside_the_configuration_are_pointed_at(
    repository: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "environments" / "test.toml").write_text("")
    away = repository.parent
    monkeypatch.chdir(away)
    call = ["validate", "--config", repository / "config", "--env"]
    mend = f"or run this in {repository}, or give --project-root {repository}, where environments/ is"
    lost = command(*call, "dev").out
    assert f"set example_adt_port in {away / 'environments' / 'dev.toml'}" in lost
    assert lost.count(mend) == lost.count("has no value") > 0
    assert "--project-root" not in command(*call, "nowhere").out
    assert "--project-root" not in command(*call, "test", "--project-root", repository).out
    assert command(*call, "dev", "--project-root", repository).code == 0


def test_an_inbound_by_position_is_shown_what_it_needs(repository: Path, command: Command) -> None:
    feed = repository / "config" / "IB_EXAMPLE_ADT.py"
    feed.write_text(feed.read_text().replace('MLLP(port=env("example_adt_port", cast=int))', "MLLP(2701)"))
    assert "write MLLP(port=...)" in command("validate").out
