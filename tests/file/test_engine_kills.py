"""An engine with its real store, killed by the kernel between a file's commit and its last step."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.place import place_in
from tests.acceptance.records import records_of
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

FEED = """
inbound("IB", File(directory="{incoming}", poll_seconds=0.1, after_read="{after_read}"), router="all")
outbound("OB", File(directory="{files}", filename="{{message_id}}.hl7"))

@router("all")
def route(msg):
    return "pass_on"

@handler("pass_on")
def pass_on(msg):
    return Send("OB", msg)
"""
LEDGER = ".messagefoundry-read.IB"
NAMES = ("a", "b", "c")


def message(name: str) -> bytes:
    return f"MSH|^~\\&|A|B|C|D|2026||ADT^A01|{name}|P|2.5\r".encode()


@pytest.mark.parametrize(
    ("after_read", "path", "call"),
    [
        ("move", "b.hl7", "rename"),  # about to be claimed
        ("move", ".processed/b.hl7", "link,linkat"),  # committed, and about to be moved
        ("leave", LEDGER, "write"),  # committed, and about to be entered
    ],
)
def test_each_file_is_one_message(tmp_path: Path, after_read: str, path: str, call: str) -> None:
    place, incoming = place_in(tmp_path), tmp_path / "in"
    incoming.mkdir()
    place.configure(FEED, incoming=incoming, after_read=after_read)
    for name in NAMES:
        (incoming / f"{name}.hl7").write_bytes(message(name))
    if after_read == "leave":
        (incoming / LEDGER).write_bytes(
            b"messagefoundry-read 1 0123456789abcdef\n"
        )  # so that the first write is a line
    injected = f"inject={call}:signal=SIGKILL"
    trace = ("strace", "-D", "-f", "-o", "/dev/null", "-P", str(incoming / path), "-e", f"trace={call}", "-e", injected)
    with EngineProcess(place, under=trace) as engine:
        assert engine.ended(within=60) == -signal.SIGKILL
    assert not (incoming / ".processed" / "b.hl7").exists()
    with EngineProcess(place) as engine:
        engine.ready()
        until(lambda: len(list(place.files.glob("*.hl7"))) >= len(NAMES), "every file is delivered")
        until(engine.quietly_at_rest, "nothing waits")
        assert engine.stop() == 0
    delivered = sorted(path.read_bytes() for path in place.files.glob("*.hl7"))
    assert delivered == [message(name) for name in NAMES]
    assert records_of(place.database).control_ids == list(NAMES)
    kept = incoming if after_read == "leave" else incoming / ".processed"
    assert sorted(path.name for path in kept.glob("*.hl7")) == [f"{name}.hl7" for name in NAMES]
