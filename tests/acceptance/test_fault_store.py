"""A store that cannot commit: locked, read-only, damaged. Senders are told so, lanes stop, and nothing is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.fault_feeds import ONE_LANE, answer, is_healthy
from tests.acceptance.fault_store import locked, overwrite, overwrite_pages, unwritable
from tests.acceptance.partner import partner
from tests.acceptance.records import Records, records_of
from tests.acceptance.sending import Sending, accepted_ids
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from messagefoundry.harness.journal import Journal
    from tests.acceptance.partner import Partner
    from tests.acceptance.place import Place

BUSY_SECONDS = 5.0
"""How long SQLite itself waits for another program's lock."""

SENDERS_WAIT = 2
"""Seconds that a sender waits here for the store: half of `receive_timeout`."""


def test_a_short_lock_delays_answers_and_refuses_nothing(place: Place) -> None:
    with partner() as downstream:
        place.configure(ONE_LANE, partner=downstream.port, receive_timeout=60)
        with EngineProcess(place).ready() as engine:
            sending = Sending(place.port, rate=200, count=300)
            until(lambda: sending.accepted >= 100, "100 messages are acknowledged")
            with locked(place.database):
                time.sleep(1.5)
            journal = sending.ended()
            until(engine.at_rest, "all is delivered")
            assert engine.stop() == 0, engine.output
    assert journal.codes() == {"AA": 300}
    assert "ALERT" not in engine.output
    assert_all_delivered_once(place, journal, downstream)


def test_a_long_lock_is_an_outage_with_an_end(place: Place) -> None:
    """Senders are answered AE 207, the partner gets nothing whose settlement cannot be written, then all goes on."""
    with partner() as downstream:
        place.configure(ONE_LANE, partner=downstream.port, receive_timeout=2 * SENDERS_WAIT)
        with EngineProcess(place).ready() as engine:
            before = Sending(place.port, count=100).ended()
            with locked(place.database):
                began = time.monotonic()
                code, raw = answer(place.port, "REFUSED")
                waited = time.monotonic() - began
                until(lambda: not is_healthy(engine), "the engine knows that it cannot commit", within=3 * BUSY_SECONDS)
                count = downstream.count()
                again, _ = answer(place.port, "REFUSED2")
                assert downstream.count() == count
            until(lambda: is_healthy(engine), "the store commits again", within=3 * BUSY_SECONDS)
            after = Sending(place.port, count=100).ended()
            until(engine.at_rest, "all is delivered")
            assert engine.stop() == 0, engine.output
    assert (code, again) == ("AE", "AE")
    assert b"207" in raw
    assert SENDERS_WAIT <= waited < SENDERS_WAIT + BUSY_SECONDS
    assert "ALERT store_unavailable store: the store" in engine.output
    assert "locked by another program" in engine.output
    assert "the store commits again" in engine.output
    assert "Traceback" not in engine.output
    records = records_of(place.database)
    stored, acknowledged = set(records.control_ids), accepted_ids(before, after)
    assert acknowledged <= stored
    assert stored - acknowledged <= {"REFUSED", "REFUSED2"}, "whose commits hung when their senders were answered"
    assert records.delivered("OB") == set(records.control_ids)
    assert downstream.first_seen() == records.control_ids
    assert downstream.arrivals.duplicates == 0


def test_a_file_that_becomes_read_only_is_an_outage_too(place: Place) -> None:
    with partner() as downstream:
        place.configure(ONE_LANE, partner=downstream.port, receive_timeout=2 * SENDERS_WAIT)
        with EngineProcess(place).ready() as engine:
            before = Sending(place.port, count=100).ended()
            until(engine.at_rest, "all is delivered")
            with unwritable(place.database):
                code, raw = answer(place.port, "REFUSED")
                assert not is_healthy(engine)
            until(lambda: is_healthy(engine), "the store commits again")
            after = Sending(place.port, count=100).ended()
            until(engine.at_rest, "all is delivered")
            assert engine.stop() == 0, engine.output
    assert code == "AE"
    assert b"207" in raw
    assert "ALERT store_unavailable store: the disk of the store" in engine.output
    assert "Traceback" not in engine.output
    assert_all_delivered_once(place, before, downstream, after)


def test_a_store_that_is_damaged_while_it_is_open_stops_everything(place: Place) -> None:
    with partner() as downstream:
        place.configure(ONE_LANE, partner=downstream.port, receive_timeout=60)
        with EngineProcess(place).ready() as engine:
            journal = Sending(place.port, count=500).ended()
            until(engine.at_rest, "all is delivered")
            overwrite_pages(place.database)
            began = time.monotonic()
            code, raw = answer(place.port, "REFUSED")
            took = time.monotonic() - began
            count = downstream.count()
            assert not is_healthy(engine)
            assert answer(place.port, "REFUSED2")[0] == "AE"
            assert downstream.count() == count == len(accepted_ids(journal))
            assert engine.stop(within=40) == 0, engine.output
    assert code == "AE"
    assert b"207" in raw
    assert took < BUSY_SECONDS, "what will not mend itself is not waited for"
    assert "ALERT store_unavailable store: the store" in engine.output
    assert "is damaged: stop the engine and restore a backup" in engine.output
    assert "Traceback" not in engine.output
    assert_refuses_to_start(place, "is damaged: stop the engine and restore a backup")


def test_what_is_no_database_is_refused_at_the_start(place: Place) -> None:
    place.configure(ONE_LANE, partner=1, receive_timeout=60)
    with EngineProcess(place).ready() as engine:
        Sending(place.port, count=10).ended()
        engine.kill()
    for beside in ("-wal", "-shm"):
        place.database.with_name(place.database.name + beside).unlink()
    overwrite(place.database, 0)
    assert_refuses_to_start(place, "is not an SQLite database: restore a backup, or name another file in [store] path")


def assert_refuses_to_start(place: Place, why: str) -> None:
    """It exits 1 with one sentence, and nobody is told that they may send."""
    with EngineProcess(place) as engine:
        code = engine.ended()
    assert (code, "Traceback" in engine.output) == (1, False), engine.output
    (said,) = engine.output.splitlines()
    assert said.startswith("Error: ")
    assert said.endswith(why)
    assert str(place.database) in said


def assert_all_delivered_once(place: Place, journal: Journal, downstream: Partner, *more: Journal) -> None:
    """What was acknowledged is what is stored, is what came, in order, once."""
    records: Records = records_of(place.database)
    assert set(records.control_ids) == accepted_ids(journal, *more)
    assert records.delivered("OB") == set(records.control_ids)
    assert records.in_commit_order(downstream.first_seen())
    assert len(downstream.first_seen()) == len(records.control_ids)
    assert downstream.arrivals.duplicates == 0
