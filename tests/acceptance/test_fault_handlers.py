"""Authors' code at its worst: nobody on another Connection waits for it, and nothing but its own message suffers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.fault_feeds import ONE_LANE
from tests.acceptance.partner import exchange, partner
from tests.acceptance.place import Place, place_in
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids, adt
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from messagefoundry.harness.journal import Journal

FAULTS = """
import asyncio
import ctypes
import time

inbound("IB_BAD", MLLP(port={port}), router="by_name")
inbound("IB_GOOD", MLLP(port={good_port}), router="to_good")
outbound("OB_HANGS", MLLP(host="127.0.0.1", port={hanging}, timeout_seconds=600))
outbound("OB_GOOD", MLLP(host="127.0.0.1", port={good}))

@router("to_good")
def to_good(msg):
    return "good"

@handler("good")
def good(msg):
    return Send("OB_GOOD", msg)

@router("by_name")
def by_name(msg):
    if msg["MSH-10"] == "ROUTER":
        raise SystemExit(3)
    return "bad"

@handler("bad")
def bad(msg):
    name = str(msg["MSH-10"])
    with open("runs.txt", "a") as file:
        print(name, file=file)
    if name == "SLEEPS":
        time.sleep(1)
    elif name == "BURNS":
        end = time.monotonic() + 2
        while time.monotonic() < end:
            pass
    elif name == "RECURSES":
        return bad(msg)
    elif name == "RECURSES_IN_C":
        return max([msg], key=bad)
    elif name == "STUCK" and os.path.exists("obstacle"):
        while True:
            pass
    elif name == "KEEPS_THE_LOCK":
        ctypes.PyDLL(None).usleep(1_400_000)
    elif name in RAISED:
        raise RAISED[name]
    return Send("OB_HANGS", msg)

RAISED = dict(
    ERROR=ValueError("12345"),
    INTERRUPT=KeyboardInterrupt("12345"),
    EXIT=SystemExit("12345"),
    CANCELLED=asyncio.CancelledError("12345"),
    GENERATOR=GeneratorExit("12345"),
)
"""
DEADLY = ["ERROR", "INTERRUPT", "EXIT", "CANCELLED", "GENERATOR", "RECURSES", "RECURSES_IN_C", "ROUTER"]
SLOW = ["SLEEPS", "BURNS"]
LATE_SECONDS = 0.25
"""Invariant 5 of the architecture."""

RATE = 100
COUNT = 4 * RATE
AT_ONCE = "[engine]\nshutdown_timeout_seconds = 1\n"
QUICKLY = 8
KEEPS_THE_LOCK = "KEEPS_THE_LOCK"


def worst_seconds(journal: Journal) -> float:
    """The longest that a sender waited for an answer."""
    return max(entry.answered_ns - entry.sent_ns for entry in journal) / 1e9


def test_nobody_elses_acknowledgment_waits_for_bad_code_or_a_hanging_partner(place: Place) -> None:
    """A second engine without any fault has the same load at the same time: what the machine itself delays, it shows.

    A stall of the disk or of the machine makes both late; a fault that reached the other Connection would make only one
    late, by the second or two that the fault lasts.
    """
    (good_port,) = free_ports(1)
    (place.directory / "control").mkdir()
    control_place = place_in(place.directory / "control")
    with partner(answers_after=3600) as hanging, partner() as good, partner() as also_good:
        place.configure(FAULTS, hanging=hanging.port, good=good.port, good_port=good_port, settings=AT_ONCE)
        control_place.configure(ONE_LANE, partner=also_good.port, receive_timeout=60)
        with EngineProcess(place) as engine, EngineProcess(control_place) as control:
            engine.ready()
            control.ready()
            loads = [Sending(port, connections=4, rate=RATE, count=COUNT) for port in (good_port, control_place.port)]
            answers = exchange(place.port, map(adt, ["HANGS", *DEADLY, *SLOW]))
            journal, calm = (load.ended() for load in loads)
            until(lambda: good.count() == COUNT, "the good lane delivers")
            until(lambda: "BURNS" in (place.directory / "runs.txt").read_text(), "all of them have run")
            until(lambda: engine.page("/stats")["messages"].get("RECEIVED", 0) == 0, "all of them are routed")
            assert engine.stop(within=40) == 0, engine.output
    assert len(answers) == 1 + len(DEADLY) + len(SLOW)
    assert journal.codes() == calm.codes() == {"AA": COUNT}
    worst, noise = worst_seconds(journal), worst_seconds(calm)
    print(f"longest wait for an ACK: {worst * 1000:.0f} ms beside faults, {noise * 1000:.0f} ms in a healthy engine")
    assert worst <= LATE_SECONDS + noise
    assert not [text for text in ("Traceback", "12345") if text in engine.output]
    dispositions = records_of(place.database).dispositions
    bad = {name: dispositions[name] for name in ("HANGS", *DEADLY, *SLOW)}
    assert bad == dict.fromkeys(("HANGS", *SLOW), "ROUTED") | dict.fromkeys(DEADLY, "ERROR")
    assert {dispositions[name] for name in accepted_ids(journal)} == {"PROCESSED"}


def test_a_handler_that_never_ends_is_abandoned_at_a_stop_and_runs_again(place: Place) -> None:
    (good_port,) = free_ports(1)
    obstacle = place.directory / "obstacle"
    obstacle.touch()
    with partner() as downstream, partner() as good:
        place.configure(FAULTS, hanging=downstream.port, good=good.port, good_port=good_port)
        with EngineProcess(place).ready() as engine:
            exchange(place.port, map(adt, [KEEPS_THE_LOCK, "STUCK", "BEHIND"]))
            exchange(good_port, map(adt, ["OTHER1", "OTHER2"]))
            until(lambda: good.count() == 2 and downstream.count() == 1, "all others are delivered")
            assert engine.stop(within=QUICKLY) == 0, engine.output
        assert_named(engine.output)
        stopped = records_of(place.database)
        assert stopped.closed
        assert stopped.not_final() == {"STUCK": "RECEIVED", "BEHIND": "RECEIVED"}
        assert not stopped.works["STUCK"]
        obstacle.unlink()
        with EngineProcess(place).ready() as engine:
            until(engine.at_rest, "all is delivered")
            assert engine.stop() == 0, engine.output
    assert (place.directory / "runs.txt").read_text().split() == [KEEPS_THE_LOCK, "STUCK", "STUCK", "BEHIND"]
    assert downstream.first_seen() == [KEEPS_THE_LOCK, "STUCK", "BEHIND"]
    assert downstream.arrivals.duplicates == 0
    assert not records_of(place.database).not_final()


def assert_named(output: str) -> None:
    """The log says, and alerts, who kept the whole process for more than a second."""
    why = r"for \d+\.\d s while Handler 'bad' of IB_BAD ran: "
    assert re.search(rf" IB_BAD: event loop held: {why}", output)
    assert re.search(rf" ALERT event loop held IB_BAD: {why}", output)
    assert not [text for text in ("Traceback", "12345") if text in output]
