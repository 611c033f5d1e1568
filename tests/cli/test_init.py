from __future__ import annotations

import json
import os
import stat
import subprocess
from typing import TYPE_CHECKING

from messagefoundry.message import Message

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Command


def test_what_init_writes_is_green_at_once(repository: Path, command: Command) -> None:
    ran = command("check", "--config", "config", "--messages", "messages/sets", "--no-lint")
    assert ran.code == 0, ran.err
    assert "3 messages: 1 PROCESSED, 1 FILTERED, 1 UNROUTED" in ran.out
    assert ran.out.rstrip().endswith("check passed")
    assert "warning" not in ran.out


def test_every_environment_of_it_is_valid(repository: Path, command: Command) -> None:
    for environment in ("dev", "staging", "prod"):
        ran = command("validate", "--env", environment, "--json")
        assert ran.code == 0
        assert json.loads(ran.out)["environment"] == environment


def test_nobody_else_may_write_it_whatever_the_umask(tmp_path: Path, command: Command) -> None:
    before = os.umask(0)
    try:
        assert command("init", tmp_path / "new" / "interfaces").code == 0
    finally:
        os.umask(before)
    written = list((tmp_path / "new").rglob("*"))
    assert len(written) > 12
    assert not [path for path in written if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)]


def test_an_occupied_directory_is_refused_and_left_alone(tmp_path: Path, command: Command) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    ran = command("init", tmp_path)
    assert ran.code == 2
    assert ran.err == f"Error: {tmp_path} is not empty (mine.txt): name a new directory, nothing was written\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_fresh_clone_is_not_occupied(tmp_path: Path, command: Command) -> None:
    (tmp_path / ".git").mkdir()
    assert command("init", tmp_path).code == 0


def test_nothing_that_holds_messages_is_added_to_the_repository(repository: Path) -> None:
    """After all of docs/backup.md, `git add -A` finds what `init` wrote and no more."""
    before = added(repository)
    for name in ("messagefoundry", "backups/monday", "damaged/messagefoundry", "monday", "elsewhere/tuesday"):
        for ending in ("db", "db-wal", "db-shm"):
            file = repository / f"{name}.{ending}"
            file.parent.mkdir(exist_ok=True)
            file.write_text("PHI")
    (repository / "damaged" / "messagefoundry.db.lock").write_text("")
    (repository / "out").mkdir()
    (repository / "out" / "1.hl7").write_text("PHI")
    assert added(repository) == before
    assert "config/IB_EXAMPLE_ADT.py" in before


def added(repository: Path) -> list[str]:
    for arguments in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    listed = subprocess.run(["git", "ls-files"], cwd=repository, check=True, capture_output=True, text=True)
    return listed.stdout.splitlines()


def test_a_file_is_no_directory(tmp_path: Path, command: Command) -> None:
    (tmp_path / "file").write_text("")
    assert command("init", tmp_path / "file").code == 2


def test_its_requirements_pin_this_engine_and_the_plugins_of_the_feed(repository: Path, command: Command) -> None:
    version = command("--version").out.split()[1]
    assert f"messagefoundry[file,mllp]=={version}" in (repository / "requirements.txt").read_text().splitlines()


def test_its_messages_are_for_training(repository: Path) -> None:
    for path in (repository / "messages").rglob("*.hl7"):
        assert Message.parse(path.read_bytes())["MSH-11"] == "T", path


def test_it_says_what_is_done_already_and_what_its_check_needs(repository: Path) -> None:
    assert "If `messagefoundry --version` answers already, skip this" in (repository / "README.md").read_text()
    workflow = (repository / ".github" / "workflows" / "check.yml").read_text()
    assert workflow.index("Commit wheels/") < workflow.index("pip install -r")
