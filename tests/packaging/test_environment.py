"""tools/environment: what a person without the right Python is told."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

OLD = """#!/bin/sh
case "$1" in --version) echo 'Python 3.9.18';; *) exit 1;; esac
"""
WITHOUT_ENSUREPIP = """#!/bin/sh
case "$2" in *ensurepip*) exit 1;; esac
"""


def set_up(tmp_path: Path, python: str | None) -> subprocess.CompletedProcess[str]:
    """Runs tools/environment where `python` (a script) is the only python3."""
    tools = tmp_path / "bin"
    tools.mkdir()
    if python is not None:
        (tools / "python3").write_text(python, encoding="utf-8")
        (tools / "python3").chmod(0o755)
    shell = shutil.which("sh")
    assert shell is not None
    return subprocess.run(
        [shell, str(ROOT / "tools" / "environment")],
        cwd=tmp_path,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("python", "found"), [(OLD, "Python 3.9.18"), (None, "not installed")])
def test_a_python_that_is_too_old_or_absent(tmp_path: Path, python: str | None, found: str) -> None:
    result = set_up(tmp_path, python)
    assert result.returncode == 1
    assert result.stderr == (
        f"MessageFoundry needs Python 3.11 or newer: python3 is {found}. Install python3.11, or name one:"
        " make PYTHON=/path/to/python3.11 ...\n"
    )
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_cannot_make_environments(tmp_path: Path) -> None:
    result = set_up(tmp_path, WITHOUT_ENSUREPIP)
    assert result.returncode == 1
    assert result.stderr == (
        "python3 cannot make a virtual environment: its venv or ensurepip module is missing."
        " On Debian or Ubuntu: sudo apt-get install python3-venv\n"
    )
    assert not (tmp_path / ".venv").exists()
