from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from messagefoundry.cli.program import run
from tests.cli.running import Command, Ran

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    """A `serve` in this process leaves Ctrl-C ignored, and every process begun afterwards would inherit that."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command line in this process."""

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> Path:
    """What `init` writes, as the working directory."""
    directory = tmp_path / "interfaces"
    assert command("init", directory).code == 0
    monkeypatch.chdir(directory)
    return directory
