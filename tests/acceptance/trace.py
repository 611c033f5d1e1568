"""A trace of system calls, as strace writes it: which call began and ended when, on which file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALLS = "recvfrom,sendto,pwrite64,fsync,fdatasync"
STRACE = ("strace", "-D", "-f", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-e", "signal=none")
"""-D: the traced program keeps the process id of the command."""

_LINE = re.compile(r"(?P<thread>\d+)\s+(?P<rest>.*)", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)", re.DOTALL)
_CALL = re.compile(r"(?P<name>\w+)\((?P<descriptor>\d+)<(?P<file>[^>]*)>(?P<rest>.*)", re.DOTALL)
_UNFINISHED = "<unfinished ...>"


@dataclass(frozen=True)
class Call:
    """One call; `began` and `ended` are its lines in the trace, whose order is that of events."""

    name: str
    file: str
    text: str
    began: int
    ended: int
    result: int


def calls(trace: Path) -> Iterator[Call]:
    """The complete calls of a trace, in the order of their ends."""
    begun: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(trace.read_text(errors="replace").splitlines()):
        if (found := _LINE.fullmatch(line)) is None:
            continue
        thread, rest = found["thread"], found["rest"]
        if rest.endswith(_UNFINISHED):
            begun[thread] = number, rest.removesuffix(_UNFINISHED)
            continue
        began, text = number, rest
        if (resumed := _RESUMED.fullmatch(rest)) is not None and thread in begun:
            began, head = begun.pop(thread)
            text = head + resumed["rest"]
        if (call := _CALL.fullmatch(text)) is not None:
            yield Call(call["name"], call["file"], call["rest"], began, number, _result(text))


def is_complete(trace: Path, pid: int) -> bool:
    """Whether the end of the traced process is in the trace."""
    return re.search(rf"^{pid} +\+\+\+ exited", trace.read_text(errors="replace"), re.MULTILINE) is not None


def _result(text: str) -> int:
    """What a call gave; -1 when it failed or was interrupted."""
    found = re.fullmatch(r"(\d+).*", text.rpartition(" = ")[2])
    return int(found[1]) if found else -1
