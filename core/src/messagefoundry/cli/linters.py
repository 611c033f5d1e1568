"""What ruff and mypy say of a configuration, when they are installed: advice that fails nothing.

They run beside everything else. What mypy learns of the engine's own types is kept in the user's cache folder, outside
of the repository: it is most of the time that mypy takes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

PATIENCE_SECONDS = 60
FINDINGS = 1
"""The exit code of a linter that has something to say; a higher one means that it could not work."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What one linter says, line by line."""

    tool: str
    lines: tuple[str, ...]


class Linters:
    """The installed linters at work on a directory; leaving the block ends those that are not done."""

    def __init__(self, directory: Path, *, wanted: bool) -> None:
        self._directory = directory
        self._wanted = wanted
        self._running: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Linters:
        if self._wanted and self._directory.is_dir():
            for tool, arguments in commands().items():
                program = found(tool)
                if program is not None:
                    self._running[tool] = _started([program, *arguments, str(self._directory)])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running.values():
            process.kill()
            process.communicate()

    def advice(self) -> list[Advice]:
        """Wait for what they say, nothing for one that is content."""
        said = [Advice(tool, _said(process)) for tool, process in self._running.items()]
        self._running.clear()
        return said


def commands() -> Mapping[str, Sequence[str]]:
    """Each linter and how it is called, without the directory."""
    cache = cache_folder() or os.devnull
    return {
        "ruff": ["check", "--quiet", "--no-cache", "--output-format=concise"],
        "mypy": [
            "--no-error-summary",
            "--ignore-missing-imports",
            f"--python-executable={sys.executable}",
            f"--cache-dir={cache}",
        ],
    }


def found(tool: str) -> str | None:
    """The program of a linter: beside the Python that runs here, else on the path."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(tool, path=os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]))


def cache_folder() -> Path | None:
    """Where mypy may keep what it has learned, None when there is no such place."""
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = caches / "messagefoundry" / "mypy"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


def _started(command: Sequence[str]) -> subprocess.Popen[str]:
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **quiet)


def _said(process: subprocess.Popen[str]) -> tuple[str, ...]:
    try:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return (f"did not end within {PATIENCE_SECONDS} s",)
    text = out if process.returncode <= FINDINGS or out.strip() else err
    return tuple(line for line in text.splitlines() if line.strip()) if process.returncode else ()
