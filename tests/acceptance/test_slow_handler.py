"""A Handler that overruns its turn: every message runs once, in order, and the other inbounds do not notice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from tests.acceptance.place import Place

FEED = """
import time

inbound("IB_SLOW", MLLP(port={port}), router="to_slow")
inbound("IB_FAST", MLLP(port={fast_port}), router="to_fast")
outbound("OB_SLOW", MLLP(host="127.0.0.1", port={slow}))
outbound("OB_FAST", MLLP(host="127.0.0.1", port={fast}))
ran = 0

def note(msg):
    with open("runs.txt", "a") as file:
        print(msg["MSH-10"], file=file)

@router("to_slow")
def to_slow(msg):
    return "slow"

@router("to_fast")
def to_fast(msg):
    return "fast"

@handler("slow")
def slow(msg):
    global ran
    note(msg)
    ran += 1
    if ran == 5:
        time.sleep(0.04)  # not enough to overrun a turn: others gather behind it
    if ran == 9:
        time.sleep(0.5)
    return Send("OB_SLOW", msg)

@handler("fast")
def fast(msg):
    note(msg)
    return Send("OB_FAST", msg)
"""
MESSAGES = 200
STOP_SECONDS = 8
"""A stop that waited for its timeout would take 30."""


def test_overrun_turn_runs_nothing_twice_and_keeps_count(place: Place) -> None:
    (fast_port,) = free_ports(1)
    with partner() as slow, partner() as fast:
        place.configure(FEED, slow=slow.port, fast=fast.port, fast_port=fast_port)
        with EngineProcess(place).ready() as engine:
            sending = [Sending(port, connections=16, count=MESSAGES) for port in (place.port, fast_port)]
            journals = [each.ended() for each in sending]
            until(engine.at_rest, "everything is delivered")
            until(engine.holds_nothing, "nothing is left in memory, and nothing counted twice", within=5)
            assert engine.stop(within=STOP_SECONDS) == 0, engine.output
    assert "overran a shared turn" in engine.output
    records = records_of(place.database)
    runs = Counter((place.directory / "runs.txt").read_text().split())
    assert runs == Counter(dict.fromkeys(accepted_ids(*journals), 1))
    for downstream in (slow, fast):
        assert downstream.count() == MESSAGES
        assert downstream.arrivals.duplicates == 0
        assert records.in_commit_order(downstream.first_seen())
