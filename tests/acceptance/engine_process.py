"""An engine in a process of its own, as an operator starts it, and as a power cut ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from tests.acceptance.place import Place

COMMAND = (sys.executable, "-m", "messagefoundry")


class EngineProcess:
    """One life of an engine. Leaving the block kills it, if it lives still."""

    def __init__(
        self,
        place: Place,
        *arguments: str,
        under: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; `under` is a command that runs it, such as a tracer that leaves it its process id.

        `environment` is added to the variables of this process.
        """
        self.place = place
        self._log = _next_log(place)
        store = ("--config", str(place.configuration), "--db", str(place.database), "--env", "dev")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*under, *COMMAND, "serve", *store, "--port", str(place.api_port), *arguments],
                cwd=place.directory,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything it printed."""
        return self._log.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ready(self, *, within: float = 30) -> Self:
        """Wait until it has said that it is ready."""
        until(lambda: "wiring started" in self.output or not self.alive, "the engine is ready", within=within)
        assert self.alive, f"the engine ended with code {self._process.returncode}:\n{self.output}"
        return self

    def kill(self) -> None:
        """End it as a crash does: nothing of it runs any more."""
        self.signal(signal.SIGKILL)
        self.ended(within=10)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, *, within: float = 30) -> int:
        """Ask it to stop in order; its exit code."""
        self.signal(signal.SIGTERM)
        return self.ended(within=within)

    def ended(self, *, within: float = 30) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        return self._process.wait(within)

    def page(self, path: str) -> Any:
        """A page of the HTTP interface."""
        return json.loads(self.page_text(path))

    def page_text(self, path: str) -> str:
        """A page as text."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.place.api_port}{path}", timeout=10) as response:
            text: str = response.read().decode()
            return text

    def at_rest(self) -> bool:
        """Whether nothing waits to be routed or delivered."""
        counts = self.page("/stats")["messages"]
        return not counts.get("RECEIVED") and not counts.get("ROUTED")

    def quietly_at_rest(self) -> bool:
        """The same; False when it cannot be asked, because it has just died."""
        try:
            return self.at_rest()
        except (OSError, HTTPException):
            return False

    def holds_nothing(self) -> bool:
        """Whether it counts no byte of work in memory, which is so soon after the last settlement."""
        used: int = self.page("/stats")["memory_bytes"]
        return used == 0

    def peak_memory(self) -> int:
        """The most bytes that it has held so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


def run_command(
    place: Place, *arguments: str, within: float = 30, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run another command on the store of a place; `environment` is added to the variables of this process."""
    return subprocess.run(
        [*COMMAND, *arguments, "--db", str(place.database), "--env", "dev"],
        cwd=place.directory,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


def _next_log(place: Place) -> Path:
    return place.directory / f"engine-{len(list(place.directory.glob('engine-*.log')))}.log"
