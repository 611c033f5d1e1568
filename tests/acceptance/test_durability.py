"""An acknowledgment leaves after its message is on disk, which the trace of system calls alone can show.

A kill cannot: what a process has written survives in the page cache without any fsync.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.place import FAN_OUT, Place
from tests.acceptance.sending import Sending, accepted_ids
from tests.acceptance.trace import STRACE, Call, calls, is_complete
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

MESSAGES = 60
SYNCS = {"fdatasync", "fsync"}


def strace_works(directory: Path) -> bool:
    """Whether there is strace, and the system lets it trace."""
    if shutil.which("strace") is None:
        return False
    attempt = [*STRACE, "-o", str(directory / "attempt.txt"), sys.executable, "-c", "open('attempt', 'w').write('x')"]
    return subprocess.run(attempt, cwd=directory, capture_output=True, check=False, timeout=20).returncode == 0


def test_the_log_is_on_disk_between_a_frame_and_its_acknowledgment(place: Place) -> None:
    if not strace_works(place.directory):
        pytest.skip("there is no strace here, or it may not trace: the order of fsync and ACK was not looked at")
    trace = place.directory / "trace.txt"
    with partner() as downstream:
        place.configure(FAN_OUT, partner=downstream.port)
        with EngineProcess(place, under=(*STRACE, "-o", str(trace))).ready(within=60) as engine:
            journal = Sending(place.port, connections=4, count=MESSAGES).ended()
            assert engine.stop(within=60) == 0, engine.output
    ids = accepted_ids(journal)
    assert len(ids) == MESSAGES
    until(lambda: is_complete(trace, engine.pid), "the trace is complete")
    made = list(calls(trace))
    unsafe = {control_id for control_id in ids if not synced_before_acknowledged(made, control_id, place)}
    assert not unsafe, f"acknowledged before they were on disk: {len(unsafe)} of {MESSAGES}"


def synced_before_acknowledged(made: list[Call], control_id: str, place: Place) -> bool:
    """Whether the message was read, then written to the log, then the log synced, and only then acknowledged."""
    of_log = [call for call in made if call.file == f"{place.database}-wal"]
    frame = next(call for call in made if call.name == "recvfrom" and f"|{control_id}|" in call.text)
    answer = next(call for call in made if call.name == "sendto" and f"MSA|AA|{control_id}" in call.text)
    written = [call.ended for call in of_log if call.name == "pwrite64" and control_id in call.text]
    synced = [call for call in of_log if call.name in SYNCS and call.result == 0]
    return any(
        frame.ended < min(written, default=sys.maxsize) < sync.began and sync.ended < answer.began for sync in synced
    )
