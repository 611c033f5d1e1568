"""The process that drives a load, seen from the one that started it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .drive import Order
from .subject import SubjectError


class Driving:
    """A process that listens, and sends when told to."""

    def __init__(self, process: subprocess.Popen[str], order: Order) -> None:
        """Wait until it listens. Raises SubjectError when it cannot."""
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process needs pipes")
        self._process, self._orders, self._lines = process, process.stdin, process.stdout
        self._tell(order.as_json())
        self.sink_ports: tuple[int, ...] = tuple(self._told("cannot listen for deliveries")["listening"])

    def run(self, host: str, port: int) -> Iterator[dict[str, Any]]:
        """Send; yield an interval after the other, then the result. Raises SubjectError when nobody listens there."""
        self._tell(f"go {host} {port}")
        while True:
            facts = self._told(f"cannot send to {host}:{port}")
            yield facts
            if "sinks" in facts:
                return

    def stop_sending(self) -> None:
        """Have it send no more; the result still comes."""
        self._tell("stop")

    def _tell(self, line: str) -> None:
        with suppress(OSError):  # it has ended: reading finds out why
            print(line, file=self._orders, flush=True)

    def _told(self, otherwise: str) -> dict[str, Any]:
        if not (line := self._lines.readline()):
            _, said = self._process.communicate()
            raise SubjectError(f"{otherwise}: {said.strip().rpartition(chr(10))[2]}")
        facts: dict[str, Any] = json.loads(line)
        return facts


@contextmanager
def driving(order: Order) -> Iterator[Driving]:
    """Run the process until the end, out of reach of a terminal's Ctrl-C; raises SubjectError."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "messagefoundry.harness.drive"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            yield Driving(process, order)
        finally:
            process.kill()
