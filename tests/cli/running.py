"""Running the program, in a process of its own and as a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PYTHONPATH = os.pathsep.join(str(Path(part).absolute()) for part in os.environ.get("PYTHONPATH", "").split(os.pathsep))
READY = "Ctrl-C stops the engine"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


def program(*arguments: object, cwd: Path, environ: dict[str, str] | None = None, stdin: str = "") -> Ran:
    """Run one command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "messagefoundry", *map(str, arguments)],
        cwd=cwd,
        env=environment(environ),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MEFOR_")}
    return {**ours, "PYTHONPATH": PYTHONPATH, **(more or {})}


@dataclass
class Serving:
    """A running `serve`, and what it has printed."""

    process: subprocess.Popen[str]
    text: str = ""

    def until(self, words: str, within: float = 30) -> str:
        """Read on until the engine has printed something; one that is silent for too long is killed."""
        assert self.process.stdout is not None
        watchdog = threading.Timer(within, self.process.kill)
        watchdog.start()
        try:
            while words not in self.text:
                line = self.process.stdout.readline()
                assert line, f"{words!r} was not printed:\n{self.text}"
                self.text += line
        finally:
            watchdog.cancel()
        return self.text

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        self.text += self.process.communicate(timeout=30)[0]
        return self.process.returncode


@contextmanager
def serving(directory: Path, *options: str, environ: dict[str, str] | None = None) -> Iterator[Serving]:
    """Run `serve` in a directory until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "messagefoundry", "serve", "--port", "0", *options],
        cwd=directory,
        env=environment(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Serving(process)
        finally:
            process.kill()
