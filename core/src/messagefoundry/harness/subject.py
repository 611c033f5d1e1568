"""What is measured: the engine, the floor, or any command; started fresh, awaited, stopped."""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from .pages import page_of, read_json
from .stores import Database, Store
from .workplace import Workplace

_FLOOR = "messagefoundry.harness.floor"


class SubjectError(Exception):
    """A subject cannot be started; the text says why and shows the end of what it printed."""


def _in_its_workplace() -> AbstractContextManager[Store]:
    return nullcontext(Store())


@dataclass(frozen=True, slots=True)
class Subject:
    """A name, how to make its command for a workplace, and what makes its store for a run."""

    name: str
    command: Callable[[Workplace], list[str]]
    store: Callable[[], AbstractContextManager[Store]] = _in_its_workplace

    def on(self, database: Database, added_ms: float = 0) -> "Subject":
        """Return the same on a server, so many milliseconds further away."""
        return replace(self, store=partial(database.store, added_ms))


@dataclass(frozen=True, slots=True)
class Running:
    """A subject that has been started, and its store."""

    process: subprocess.Popen[bytes]
    store: Store


def engine() -> Subject:
    """Return the engine on a fresh SQLite file."""
    serve = (sys.executable, "-m", "messagefoundry", "serve")

    def command(place: Workplace) -> list[str]:
        places = ["--config", str(place.configuration), "--db", str(place.database)]
        return [*serve, *places, "--env", "dev", "--port", str(place.api_port)]

    return Subject("engine", command)


def other_engine(template: str) -> Subject:
    """Return a command with the places {config} {db} {port} {api_port} {sink}; it must serve the same feed."""

    def command(place: Workplace) -> list[str]:
        values = {
            "config": place.configuration,
            "db": place.database,
            "port": place.port,
            "api_port": place.api_port,
            "sink": place.sinks[0],
        }
        return [part.format(**values) for part in shlex.split(template)]

    return Subject("engine", command)


def floor() -> Subject:
    """Return the yardstick."""

    def command(place: Workplace) -> list[str]:
        forward = [part for sink in place.sinks for part in ("--forward", str(sink))]
        return [sys.executable, "-m", _FLOOR, "--listen", str(place.port), "--db", str(place.database), *forward]

    return Subject("floor", command)


@contextmanager
def running(subject: Subject, place: Workplace, ready_within: float = 30.0) -> Iterator[Running]:
    """Make a subject's store, start it, wait until its port accepts, and stop it at the end; raises SubjectError."""
    with subject.store() as store:
        process = _start(subject, place, store)
        try:
            _await_ready(subject, place, process, ready_within)
            yield Running(process, store)
        finally:
            _stop(process)


def _start(subject: Subject, place: Workplace, store: Store) -> subprocess.Popen[bytes]:
    with place.log.open("wb") as log:
        try:
            return subprocess.Popen(
                subject.command(place),
                cwd=place.directory,
                env={**os.environ, **store.variables, "PYTHONPATH": _absolute_python_path()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise SubjectError(f"{subject.name} cannot be started: {error}") from error


def _absolute_python_path() -> str:
    """Return PYTHONPATH as it reads from the present directory: the subject runs in another."""
    parts = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(str(Path(part).absolute()) for part in parts if part)


def _await_ready(subject: Subject, place: Workplace, process: subprocess.Popen[bytes], within: float) -> None:
    until = time.monotonic() + within
    while not _accepts(place.port):
        if process.poll() is not None:
            raise SubjectError(f"{subject.name} ended with code {process.returncode} at once:\n{_tail(place)}")
        if time.monotonic() > until:
            raise SubjectError(f"{subject.name} does not listen on {place.port} after {within:g} s:\n{_tail(place)}")
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
            return bool(sock.getsockname() != sock.getpeername())  # a connection may meet itself on a free port
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def commits_by_api(place: Workplace) -> int | None:
    """Return `commits` of GET /stats; None when the API does not answer, or without it."""
    return _commits_in(page_of("127.0.0.1", place.api_port, "/stats"))


def commits_by_log(place: Workplace) -> int | None:
    """Return `commits` of the last line that a subject printed before its end, as the floor does."""
    lines = place.log.read_bytes().splitlines()
    return _commits_in(read_json(lines[-1])) if lines else None


def _commits_in(facts: Mapping[str, Any] | None) -> int | None:
    commits = None if facts is None else facts.get("commits")
    return commits if isinstance(commits, int) else None


def _tail(place: Workplace) -> str:
    return place.log.read_text(errors="replace")[-2000:].strip() or "(it printed nothing)"
