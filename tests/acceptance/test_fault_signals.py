"""Signals in whatever the engine is doing: it ends in time or goes on, and loses nothing.

Under load, with a partner that is down or silent, with a stuck Handler, and the second signal: see test_stopping.py.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.fault_feeds import ONE_LANE, is_healthy
from tests.acceptance.fault_store import locked
from tests.acceptance.partner import partner
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids, sent_ids
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from tests.acceptance.partner import Partner
    from tests.acceptance.place import Place
    from tests.acceptance.records import Records

BACKLOG = 600
INTERRUPTED = 130
PATIENCE = "[engine]\nshutdown_timeout_seconds = {}\n"
BUSY_SECONDS = 5
"""How long SQLite itself waits for another program's lock: a commit that has begun cannot be called back."""

UNSETTLED = 32
FROZEN_SECONDS = 2.5
MARGIN = 8
"""Seconds, on a busy machine, for what takes none."""


def test_stop_while_it_starts_and_when_it_idles(place: Place) -> None:
    place.configure(ONE_LANE, partner=1, receive_timeout=60)
    with EngineProcess(place) as engine:
        until(lambda: "OB: started" in engine.output, "a part of it has started")
        assert engine.stop(within=MARGIN) in (0, INTERRUPTED), engine.output
    assert "Traceback" not in engine.output
    with EngineProcess(place).ready() as engine:
        assert engine.stop(within=MARGIN) == 0, engine.output
    assert records_of(place.database).closed


def test_stop_amid_a_backlog_leaves_the_rest_where_it_is(place: Place) -> None:
    (port,) = free_ports(1)
    place.configure(ONE_LANE, partner=port, receive_timeout=60, settings=PATIENCE.format(1))
    with EngineProcess(place).ready() as engine:
        journal = Sending(place.port, window=4, count=BACKLOG).ended()
        with partner(port, answers_after=0.005) as downstream:
            until(lambda: downstream.count() >= BACKLOG // 10, "some of the backlog is delivered")
            assert engine.stop(within=1 + MARGIN) == 0, engine.output
            assert downstream.count() < BACKLOG
            assert "stopping with work left in the store" in engine.output
            records = assert_delivered_at_the_next_start(place, downstream)
    assert set(records.control_ids) == accepted_ids(journal)
    assert downstream.arrivals.duplicates <= 1, "only of the one in flight was the outcome unknown"


def test_stop_during_an_outage_that_ends_finishes_what_waits(place: Place) -> None:
    with partner() as downstream:
        place.configure(ONE_LANE, partner=downstream.port, receive_timeout=4)
        with EngineProcess(place).ready() as engine:
            sending = Sending(place.port, connections=4, rate=200)
            until(lambda: sending.accepted >= 100, "100 messages are acknowledged")
            with locked(place.database):
                until(lambda: not is_healthy(engine), "the engine cannot commit", within=2 * BUSY_SECONDS)
                engine.signal(signal.SIGTERM)
                until(lambda: "stopping" in engine.output, "it says that it stops")
            assert engine.ended() == 0, engine.output
            journal = sending.ended()
        assert "Traceback" not in engine.output
        records = assert_delivered_at_the_next_start(place, downstream)
    assert accepted_ids(journal) <= set(records.control_ids) <= sent_ids(journal)
    assert downstream.arrivals.duplicates == 0


def test_second_signal_during_an_outage_ends_it_at_once(place: Place) -> None:
    with partner() as downstream:
        place.configure(ONE_LANE, partner=downstream.port, receive_timeout=60)
        with EngineProcess(place).ready() as engine:
            sending = Sending(place.port, connections=4, rate=200)
            until(lambda: sending.accepted >= 100, "100 messages are acknowledged")
            with locked(place.database):
                engine.signal(signal.SIGTERM)
                until(lambda: "stopping" in engine.output, "it says that it stops")
                engine.signal(signal.SIGTERM)
                assert engine.ended(within=BUSY_SECONDS + MARGIN) == INTERRUPTED, engine.output
            journal = sending.ended()
        assert "Traceback" not in engine.output
        records = assert_delivered_at_the_next_start(place, downstream)
    assert accepted_ids(journal) <= set(records.control_ids) <= sent_ids(journal)
    assert downstream.arrivals.duplicates <= UNSETTLED


def test_an_engine_that_was_frozen_goes_on(place: Place) -> None:
    with partner() as downstream:
        place.configure(ONE_LANE, partner=downstream.port, receive_timeout=60)
        with EngineProcess(place).ready() as engine:
            sending = Sending(place.port, connections=4, rate=200, count=400)
            until(lambda: sending.accepted >= 100, "100 messages are acknowledged")
            engine.signal(signal.SIGSTOP)
            time.sleep(FROZEN_SECONDS)
            engine.signal(signal.SIGCONT)
            journal = sending.ended()
            until(engine.at_rest, "all is delivered")
            until(lambda: "event loop held" in engine.output, "the log tells of the time that is missing")
            assert engine.stop() == 0, engine.output
    assert journal.codes() == {"AA": 400}, "every sender was answered"
    records = records_of(place.database)
    assert set(records.control_ids) == accepted_ids(journal)
    assert downstream.first_seen() == records.control_ids
    assert downstream.arrivals.duplicates == 0


def assert_delivered_at_the_next_start(place: Place, downstream: Partner) -> Records:
    """Start once more; then everything is delivered, in order."""
    with EngineProcess(place).ready() as engine:
        until(engine.at_rest, "everything is delivered")
        assert engine.stop() == 0, engine.output
    records = records_of(place.database)
    assert records.delivered("OB") == set(records.control_ids)
    assert downstream.first_seen() == records.control_ids
    assert records.closed
    return records
