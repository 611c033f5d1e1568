"""Lives of a File inbound that end before its n-th step on the disk: `python -m tests.file.lives OPTIONS FOLDER`.

A step is a call that changes the disk or takes a lock, and the commit of a message. Each life is a process of its own,
which kills itself; the next finds what it left. For every n: lives that end at the n-th step, two in a row, then one
that is left to its end. Prints, as JSON, what was received and what lies where after each n, until n is beyond the end
of a life.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.contracts import Receipt
from tests.file.context import Intake, every_file, reading

if TYPE_CHECKING:
    from collections.abc import Callable

AUDITED = ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "fcntl.flock")
WRAPPED = ("write", "fsync", "ftruncate")
CRASHES = 2
BAD = b"bad"


class Step:
    """Counts steps, and ends the process before the last that it is granted."""

    def __init__(self, last: int) -> None:
        self._left = last

    def taken(self) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in AUDITED or (event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT):
            self.taken()

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            self.taken()
            return call(*arguments)

        return wrapped


class Journal(Intake):
    """A store in one file: a message and its bookmark are one line, which is written by one call or not at all."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        for _, bookmark in lines(path):
            self.marked = bookmark or self.marked

    async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
        await trio.lowlevel.checkpoint()
        refused = raw == BAD
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, json.dumps([raw.decode(), "" if refused else bookmark]).encode() + b"\n")
        os.close(descriptor)
        if refused:
            return Receipt(accepted=False, code="AE")
        self.marked = bookmark
        return Receipt(accepted=True, message_id=1)


def lines(path: Path) -> list[list[str]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def prepare(folder: Path) -> None:
    """A folder as partners leave it: a subfolder, a name of any bytes, a refused one, a processed one of that name."""
    (folder / "ward").mkdir(parents=True)
    (folder / ".processed").mkdir()
    for name, content in (("bad.hl7", BAD), ("c.hl7", b"1"), ("ward/d.hl7", b"2")):
        (folder / name).write_bytes(content)
    (folder / os.fsdecode(b"\xff.hl7")).write_bytes(b"3")
    (folder / "large.hl7").write_bytes(b"large" * 100)
    (folder / ".processed" / "c.hl7").write_bytes(b"before")


def live(folder: Path, journal: Path, options: dict[str, Any], last: int) -> int:
    """One life; 0 when it has come to its end."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    step = Step(last)
    sys.addaudithook(step.audit)
    for name in WRAPPED:
        setattr(os, name, step.wrap(getattr(os, name)))
    trio.run(read, folder, Journal(journal), options)
    os._exit(0)


async def read(folder: Path, intake: Intake, options: dict[str, Any]) -> None:
    async with reading(folder, intake, recursive=True, max_file_bytes=100, **options) as reader:
        await reader.poll()
        await reader.poll()


def outcome(folder: Path, journal: Path) -> dict[str, Any]:
    return {
        "received": [raw for raw, _ in lines(journal)],
        "files": {os.fsencode(name).decode("latin-1"): (folder / name).read_text() for name in every_file(folder)},
    }


def lives(place: Path, options: dict[str, Any], last: int) -> tuple[bool, dict[str, Any]]:
    """Whether the first life came to its end, and the outcome."""
    shutil.rmtree(place, ignore_errors=True)
    folder, journal = place / "in", place / "journal"
    prepare(folder)
    ends = [live(folder, journal, options, last) for _ in range(CRASHES)]
    if live(folder, journal, options, 0):
        raise SystemExit("a life that was left to its end did not come to it")
    return ends[0] == 0, outcome(folder, journal)


def main() -> None:
    options, place = json.loads(sys.argv[1]), Path(sys.argv[2])
    ended, last = False, 0
    while not ended:
        last += 1
        ended, what = lives(place / "lives", options, last)
        print(json.dumps(what))


if __name__ == "__main__":
    main()
