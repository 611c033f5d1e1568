"""Killed before every step that it takes on the disk, twice in a row, an inbound loses and doubles nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.file.lives import CRASHES

ROOT = Path(__file__).parents[2]
MESSAGES = ["1", "2", "3"]
"""As lives.py puts them into the folder, in the order of their names."""
LEDGER = ".messagefoundry-read.IB_FILE"


def outcomes(options: dict[str, Any], place: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.file.lives", json.dumps(options), str(place)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("after_read", ["move", "delete", "leave"])
def test_a_kill_at_any_step_costs_nothing(tmp_path: Path, after_read: str) -> None:
    found = outcomes({"after_read": after_read}, tmp_path)
    whole = found[-1]
    assert [raw for raw in whole["received"] if raw != "bad"] == MESSAGES
    assert len(found) >= 20
    for number, what in enumerate(found, 1):
        told = f"killed before step {number}"
        assert [raw for raw in what["received"] if raw != "bad"] == MESSAGES, told
        assert 1 <= what["received"].count("bad") <= 1 + CRASHES, told  # counted as repeats, in one row
        assert layout(what["files"]) == layout(whole["files"]), told
        assert not [name for name in what["files"] if ".messagefoundry-work" in name], told


def layout(files: dict[str, str]) -> list[tuple[str, str]]:
    """What lies in which folder; a name that is taken gets a time in it. Of the ledger, the files that it names."""
    contents = [(name.rpartition("/")[0], content) for name, content in files.items() if name != LEDGER]
    ledger = [line.split(" ")[2] for line in files.get(LEDGER, "").splitlines()[1:]]
    return sorted(contents + [("ledger", name) for name in set(ledger)])
