"""Generator and sink as processes of their own, as a measured run uses them."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .cases import Conditions
from .subject import SubjectError

_PYTHON = (sys.executable, "-m")


class SinkProcess:
    """A running sink. What it has seen is given once a load is over; then it counts anew."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the sink's process needs pipes")
        self._orders, self._reports = process.stdin, process.stdout
        self.ports: tuple[int, ...] = tuple(json.loads(self._reports.readline())["listening"])

    def conclude(self, expect: int, journal: Path, conditions: Conditions) -> dict[str, Any]:
        """Wait for the backlog; return the report."""
        order = {"expect": expect, "journal": str(journal)}
        waiting = {"idle": conditions.idle_seconds, "at_most": conditions.drain_seconds}
        print(json.dumps({**order, **waiting}), file=self._orders, flush=True)
        report: dict[str, Any] = json.loads(self._reports.readline())
        return report


@contextmanager
def running_sink(ports: Sequence[int], receiver: str) -> Iterator[SinkProcess]:
    """Run a sink on these ports, 0 for free ones, until the end."""
    command = [*_PYTHON, "messagefoundry.harness.sink", "--control", "--receiver", receiver, *_options({"port": ports})]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield SinkProcess(process)
        finally:
            process.kill()


def load_result(options: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Run a generator to its end and return its result; an option without a value is left out."""
    command = [*_PYTHON, "messagefoundry.harness.load", *_options({**options, **more})]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SubjectError(f"the generator failed: {done.stderr.strip()}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@contextmanager
def background_load(port: int, rate: float) -> Iterator[None]:
    """Send to a port at a rate, over one connection, until the end."""
    options = _options({"port": [port], "rate": rate, "seconds": 3600})
    with subprocess.Popen([*_PYTHON, "messagefoundry.harness.load", *options], stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def _options(values: Mapping[str, Any]) -> list[str]:
    options: list[str] = []
    for name, value in values.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            options += [] if one is None else [f"--{name}", str(one)]
    return options
