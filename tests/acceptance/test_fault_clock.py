"""A clock that is set by an hour while the engine runs: nothing is lost, overtakes, or waits for the hour to pass."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.fault_clock import HOUR, Clock
from tests.acceptance.fault_feeds import ONE_LANE
from tests.acceptance.partner import exchange, partner
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids, adt
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from tests.acceptance.place import Place

RETRY_AT_ONCE = "[delivery]\nretry_backoff_seconds = 0.2\nretry_max_backoff_seconds = 1\n"
RETRIES = """
inbound("IB", MLLP(port={port}), router="all")
outbound("OB_FIFO", MLLP(host="127.0.0.1", port={fifo}))
outbound("OB_ANY", MLLP(host="127.0.0.1", port={unordered}), ordering="unordered")

@router("all")
def all(msg):
    return "both"

@handler("both")
def both(msg):
    return [Send("OB_FIFO", msg), Send("OB_ANY", msg)]
"""
COUNT = 600
SOON = 12
"""Seconds, on a busy machine, in which a retry that is due within one second is made."""


@pytest.fixture
def clock(place: Place, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of this test's engines."""
    return Clock(place.directory, monkeypatch)


def test_ids_ascend_and_order_holds_whatever_the_clock_does(place: Place, clock: Clock) -> None:
    with partner() as downstream:
        place.configure(ONE_LANE, partner=downstream.port, receive_timeout=60)
        with EngineProcess(place).ready() as engine:
            began = time.time()
            sending = Sending(place.port, connections=4, rate=400, count=COUNT)
            for enough, offset in ((100, HOUR), (200, -HOUR), (300, 0), (400, -HOUR)):
                until(partial(has_accepted, sending, enough), f"{enough} messages are acknowledged")
                clock.set(offset)
            journal = sending.ended()
            until(engine.at_rest, "all is delivered")
            assert engine.stop() == 0, engine.output
        with EngineProcess(place).ready() as engine:
            after = Sending(place.port, connections=1, count=20).ended()
            until(engine.at_rest, "all is delivered")
            assert engine.stop() == 0, engine.output
    assert journal.codes() == {"AA": COUNT}
    records = records_of(place.database)
    assert set(records.control_ids) == accepted_ids(journal, after)
    assert records.control_ids[-20:] == sorted(accepted_ids(after)), "a restart goes on behind the highest id"
    assert downstream.first_seen() == records.control_ids, "order of ids is order of arrival"
    assert downstream.arrivals.duplicates == 0
    assert "Traceback" not in engine.output
    assert highest_id(place) / 1e6 > began + HOUR / 2, "the clock was seen to be ahead"


def test_no_retry_waits_for_the_hour_to_pass(place: Place, clock: Clock) -> None:
    ports = free_ports(2)
    configure_retries(place, ports)
    with EngineProcess(place).ready() as engine:
        for number, step in enumerate((HOUR, -HOUR), 1):
            sent = leave_in_back_off(place, engine, number)
            clock.set(step)
            assert_delivered_soon(engine, ports, sent)
        assert engine.stop() == 0, engine.output


def test_no_retry_waits_for_the_hour_to_pass_after_a_restart(place: Place, clock: Clock) -> None:
    ports = free_ports(2)
    configure_retries(place, ports)
    with EngineProcess(place).ready() as engine:
        sent = leave_in_back_off(place, engine, 1)
        assert engine.stop() == 0, engine.output
    clock.set(-HOUR)
    with EngineProcess(place).ready() as engine:
        assert_delivered_soon(engine, ports, sent)
        assert engine.stop() == 0, engine.output


def has_accepted(sending: Sending, least: int) -> bool:
    """Whether so many messages were acknowledged."""
    return sending.accepted >= least


def configure_retries(place: Place, ports: list[int]) -> None:
    fifo, unordered = ports
    place.configure(RETRIES, fifo=fifo, unordered=unordered, settings=RETRY_AT_ONCE)


def leave_in_back_off(place: Place, engine: EngineProcess, number: int) -> list[str]:
    """Send messages whose partners are away, until both lanes try again; their control ids."""
    control_ids = [f"M{number}{place:02}" for place in range(20)]
    exchange(place.port, map(adt, control_ids))
    until(lambda: engine.output.count("delivery fails") == 2 * number, "both lanes are trying again")
    return control_ids


def assert_delivered_soon(engine: EngineProcess, ports: list[int], control_ids: list[str]) -> None:
    """The partners are back, and everything comes once."""
    with partner(ports[0]) as fifo, partner(ports[1]) as unordered:
        until(lambda: fifo.count() == len(control_ids), "the ordered lane delivers", within=SOON)
        until(lambda: unordered.count() == len(control_ids), "the unordered lane delivers", within=SOON)
        until(engine.at_rest, "all is settled")
    assert fifo.first_seen() == control_ids
    assert set(unordered.first_seen()) == set(control_ids)
    assert (fifo.arrivals.duplicates, unordered.arrivals.duplicates) == (0, 0)


def highest_id(place: Place) -> int:
    """The highest id of any message: microseconds since the epoch, as its clock told them."""
    with closing(sqlite3.connect(place.database)) as connection:
        ((found,),) = connection.execute("SELECT max(id) FROM message").fetchall()
    return int(found)
