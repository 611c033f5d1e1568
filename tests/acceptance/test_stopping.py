"""Signals under load: a clean stop loses nothing and sends nothing twice, whatever the partner does."""

from __future__ import annotations

import signal
import time

import pytest

from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import exchange, partner
from tests.acceptance.place import FAN_OUT, Place
from tests.acceptance.records import records_of, written_files
from tests.acceptance.sending import Sending, accepted_ids, adt, sent_ids
from tests.acceptance.waiting import until

QUICKLY = 8
"""Seconds, on a busy machine, for a stop that need not wait for anybody."""

INTERRUPTED = 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_under_load_delivers_all_that_was_acknowledged(place: Place, number: signal.Signals) -> None:
    with partner() as downstream:
        place.configure(FAN_OUT, partner=downstream.port)
        with EngineProcess(place).ready() as engine:
            sending = Sending(place.port)
            until(lambda: sending.accepted >= 200, "200 messages are acknowledged")
            engine.signal(number)
            assert engine.ended() == 0, engine.output
            journal = sending.ended()
    assert not place.database.with_name("engine.db-wal").exists(), "a clean stop leaves nothing to recover"
    records = records_of(place.database)
    stored = set(records.control_ids)
    assert records.closed
    assert stored == accepted_ids(journal), "what was stored was acknowledged: nobody was left without an answer"
    assert set(records.dispositions.values()) == {"PROCESSED"}
    assert records.in_commit_order(downstream.first_seen())
    assert set(downstream.first_seen()) == written_files(place.files).keys() == stored
    assert downstream.arrivals.duplicates == 0
    assert "Traceback" not in engine.output


def test_stop_while_a_partner_is_down_and_restart_with_a_backlog(place: Place) -> None:
    (port,) = free_ports(1)
    place.configure(FAN_OUT, partner=port)
    with EngineProcess(place).ready() as engine:
        sending = Sending(place.port, count=300)
        journal = sending.ended()
        began = time.monotonic()
        assert engine.stop(within=QUICKLY) == 0, engine.output
        print(f"stopped in {time.monotonic() - began:.2f} s beside a partner that is down")
    assert len(accepted_ids(journal)) == 300
    waiting = records_of(place.database)
    assert set(waiting.not_final()) == set(waiting.control_ids) == accepted_ids(journal)

    with partner(port) as downstream, EngineProcess(place).ready() as engine:
        more = Sending(place.port, count=100).ended()
        until(engine.at_rest, "the backlog is delivered")
        assert engine.stop() == 0, engine.output
    records = records_of(place.database)
    assert set(downstream.first_seen()) == set(records.control_ids) == accepted_ids(journal, more)
    assert records.in_commit_order(downstream.first_seen())
    assert downstream.arrivals.duplicates == 0
    assert not records.not_final()


def test_stop_waits_for_a_silent_partner_no_longer_than_it_may(place: Place) -> None:
    with partner(answers_after=3600) as silent:
        place.configure(FAN_OUT, partner=silent.port, settings="[engine]\nshutdown_timeout_seconds = 1\n")
        with EngineProcess(place).ready() as engine:
            journal = Sending(place.port, count=50).ended()
            until(lambda: silent.count() == 1, "the partner has the first message")
            assert engine.stop(within=1 + QUICKLY) == 0, engine.output
    assert_delivered_at_the_next_start(place, silent.port, accepted_ids(journal), before=silent.first_seen())


def test_second_interrupt_stops_at_once_and_loses_nothing(place: Place) -> None:
    with partner(answers_after=3600) as silent:
        place.configure(FAN_OUT, partner=silent.port)
        with EngineProcess(place).ready() as engine:
            sending = Sending(place.port)
            until(lambda: sending.accepted >= 100 and silent.count() == 1, "100 are acknowledged, one is on its way")
            engine.signal(signal.SIGINT)
            until(lambda: "stopping" in engine.output, "it says that it stops")
            engine.signal(signal.SIGINT)
            assert engine.ended(within=QUICKLY) == INTERRUPTED, engine.output
            journal = sending.ended()
    assert "Traceback" not in engine.output
    stored = set(records_of(place.database).control_ids)
    assert accepted_ids(journal) <= stored <= sent_ids(journal)
    assert_delivered_at_the_next_start(place, silent.port, stored, before=silent.first_seen())


STUCK = """
import time

inbound("IB", MLLP(port={port}), router="all")
outbound("OB", MLLP(host="127.0.0.1", port={partner}))

@router("all")
def all(msg):
    return "waits"

@handler("waits")
def waits(msg):
    if msg["MSH-10"] == "STUCK" and os.path.exists("obstacle"):
        time.sleep(3600)
    return Send("OB", msg)
"""


def test_stop_does_not_wait_for_a_stuck_handler_and_loses_nothing(place: Place) -> None:
    obstacle = place.directory / "obstacle"
    obstacle.touch()
    control_ids = ["BEFORE", "STUCK", "AFTER1", "AFTER2"]
    with partner() as downstream:
        place.configure(STUCK, partner=downstream.port)
        with EngineProcess(place).ready() as engine:
            assert len(exchange(place.port, map(adt, control_ids))) == len(control_ids)
            assert engine.stop(within=QUICKLY) == 0, engine.output
        obstacle.unlink()
        with EngineProcess(place).ready() as engine:
            until(engine.at_rest, "all is delivered")
            assert engine.stop() == 0, engine.output
    assert downstream.first_seen() == control_ids
    assert downstream.arrivals.duplicates == 0


def assert_delivered_at_the_next_start(place: Place, port: int, stored: set[str], *, before: list[str]) -> None:
    """Everything is delivered, in order; only what the silent partner has seen already may come again."""
    with partner(port) as downstream, EngineProcess(place).ready() as engine:
        until(engine.at_rest, "the backlog is delivered")
        assert engine.stop() == 0, engine.output
    records = records_of(place.database)
    assert set(downstream.first_seen()) == set(records.control_ids) == stored
    assert records.in_commit_order(downstream.first_seen())
    assert downstream.arrivals.duplicates == 0
    assert before == records.control_ids[:1]
    assert not records.not_final()
