"""`check`: what a configuration's CI and its pre-commit hook call."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from messagefoundry.cli import linters
from messagefoundry.cli.linters import Advice, Linters

if TYPE_CHECKING:
    from tests.cli.running import Command

FEED = Path("config", "IB_EXAMPLE_ADT.py")
SKIPPED = "DRYRUN SKIPPED, no Router and no Handler has run"


def edit(old: str, new: str) -> None:
    text = FEED.read_text()
    assert old in text
    FEED.write_text(text.replace(old, new))


@pytest.mark.usefixtures("repository")
def test_the_messages_beside_a_configuration_are_run_without_being_named(command: Command) -> None:
    ran = command("check", "--no-lint")
    assert ran.code == 0
    assert ran.out == command("check", "--no-lint", "--messages", "messages/sets").out
    assert "3 messages: 1 PROCESSED, 1 FILTERED, 1 UNROUTED" in ran.out
    assert SKIPPED not in ran.out


def test_they_are_found_from_inside_the_configuration(
    repository: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "config")
    ran = command(
        "check", "--no-lint", "--config", ".", "--service-config", "../messagefoundry.toml", "--project-root", ".."
    )
    assert ran.code == 0, ran.err
    assert "3 messages" in ran.out


@pytest.mark.parametrize("left", ["nothing", "an empty folder"])
def test_a_dryrun_that_is_skipped_says_so_and_why(repository: Path, command: Command, left: str) -> None:
    samples = repository / "messages" / "sets"
    for file in samples.iterdir():
        file.unlink()
    reason = "there is no message in messages/sets"
    if left == "nothing":
        samples.rmdir()
        reason = "there is no folder messages/sets with sample messages"
    ran = command("check", "--no-lint")
    assert ran.code == 0
    assert f"{SKIPPED}: {reason}, and --messages DIR is not given" in ran.out
    assert "NOT TRIED" not in ran.out
    told = json.loads(command("check", "--no-lint", "--json").out)
    assert told["dryrun"] is None
    assert told["dryrun_skipped"].startswith(reason)
    assert told["fit"] is True


@pytest.mark.usefixtures("repository")
def test_messages_that_are_asked_for_and_not_there_are_a_wrong_call(command: Command) -> None:
    ran = command("check", "--no-lint", "--messages", "environments")
    assert ran.code == 2
    assert ran.err == "Error: there is no message in environments\n"
    assert command("check", "--no-lint", "--messages", "nowhere").code == 2


@pytest.mark.usefixtures("repository")
def test_a_configuration_that_does_not_load_fails_and_runs_nothing(command: Command) -> None:
    edit('router="example_adt")', 'router="example_adtt")')
    ran = command("check")
    assert ran.code == 1
    assert f"{SKIPPED}: the configuration does not load" in ran.out
    assert "advises" not in ran.out
    assert ran.out.endswith("check failed\n")
    told = json.loads(command("check", "--json").out)
    assert (told["valid"], told["fit"], told["dryrun"]) == (False, False, None)
    assert told["dryrun_skipped"] == "the configuration does not load"


@pytest.mark.usefixtures("repository")
def test_a_handler_that_fails_on_a_sample_fails_the_check_without_its_text(command: Command) -> None:
    edit('    msg["MSH-5"] = "ARCHIVE"', '    raise KeyError(msg["PID-5.1"])')
    for call in (["check", "--no-lint"], ["check", "--no-lint", "--json"]):
        ran = command(*call)
        assert ran.code == 1
        assert "KeyError" in ran.out
        assert "TESTWELL" not in ran.out + ran.err
        assert "NOT TRIED" not in ran.out


@pytest.mark.usefixtures("repository")
def test_a_handler_that_no_message_reached_is_named(command: Command) -> None:
    FEED.write_text(f'{FEED.read_text()}\n\n@handler("discharges")\ndef discharges(msg):\n    return None\n')
    edit('return "keep_adt" if', 'return ["keep_adt", "discharges"] if msg["MSH-9.2"] == "A02" else "keep_adt" if')
    ran = command("check", "--no-lint")
    assert ran.code == 0
    assert "NOT TRIED: no message reached discharges\n" in ran.out
    assert json.loads(command("check", "--no-lint", "--json").out)["untried_handlers"] == ["discharges"]


# -- what init writes for it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [".pre-commit-config.yaml", ".github/workflows/check.yml"])
def test_the_hook_and_the_workflow_call_what_there_is(repository: Path, command: Command, file: str) -> None:
    text = (repository / file).read_text()
    calls = re.findall(r"(?:run|entry): messagefoundry (.+)", text)
    assert any(call.startswith("check ") for call in calls)
    for call in calls:
        ran = command(*shlex.split(call), *(["--no-lint"] if call.startswith("check ") else []))
        assert ran.code == 0, ran.err
        assert SKIPPED not in ran.out


def test_the_hook_runs_for_what_it_checks(repository: Path) -> None:
    yaml = pytest.importorskip("yaml")
    (hook,) = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert hook["pass_filenames"] is False
    matched = [
        path.relative_to(repository).as_posix()
        for path in repository.rglob("*")
        if path.is_file() and re.search(hook["files"], path.relative_to(repository).as_posix())
    ]
    assert {path.partition("/")[0] for path in matched} == {"config", "environments", "messages", "messagefoundry.toml"}
    assert "check" in yaml.safe_load((repository / ".github" / "workflows" / "check.yml").read_text())["jobs"]


# -- linters ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, the only one where linters are found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", "")
    return folder


def tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.usefixtures("repository")
def test_advice_is_shown_and_fails_nothing(command: Command, tools: Path) -> None:
    tool(tools, "ruff", 'i=0; while [ $i -lt 22 ]; do echo "line $i"; i=$((i+1)); done; exit 1')
    ran = command("check")
    assert ran.code == 0
    assert "ruff advises (22 lines; this fails nothing):\n    line 0\n" in ran.out
    assert "    line 19\n    … and 2 more lines\n" in ran.out
    assert json.loads(command("check", "--json").out)["advice"] == {"ruff": [f"line {number}" for number in range(22)]}
    assert "advises" not in command("check", "--no-lint").out


@pytest.mark.usefixtures("tools")
def test_without_linters_there_is_no_advice(repository: Path) -> None:
    with Linters(repository / "config", wanted=True) as at_work:
        assert at_work.advice() == []


def test_a_linter_that_breaks_says_why(repository: Path, tools: Path) -> None:
    tool(tools, "mypy", "echo 'cannot find its config' >&2; exit 2")
    tool(tools, "ruff", "echo 'all good'")
    with Linters(repository / "config", wanted=True) as at_work:
        assert at_work.advice() == [Advice("ruff", ()), Advice("mypy", ("cannot find its config",))]


def test_a_linter_that_hangs_is_ended(repository: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tools, "ruff", "exec /bin/sleep 60")
    monkeypatch.setattr(linters, "PATIENCE_SECONDS", 0.01)
    with Linters(repository / "config", wanted=True) as at_work:
        assert at_work.advice() == [Advice("ruff", ("did not end within 0.01 s",))]


def test_what_mypy_learns_is_kept_outside_of_the_repository(
    repository: Path, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tools, "mypy", 'printf "%s\\n" "$@"; exit 1')
    for caches, folder in ((tmp_path / "caches", tmp_path / "caches" / "messagefoundry" / "mypy"), (FEED, os.devnull)):
        monkeypatch.setenv("XDG_CACHE_HOME", str(caches))
        with Linters(repository / "config", wanted=True) as at_work:
            (said,) = at_work.advice()
        assert f"--cache-dir={folder}" in said.lines
        assert said.lines[-1] == str(repository / "config")
    assert (tmp_path / "caches" / "messagefoundry" / "mypy").is_dir()
