"""A database that is lost, slow or full: nothing is guessed, nothing is lost, and it goes on by itself."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import StoreFull, StoreUnavailable
from messagefoundry.contracts.stores import MessageQuery, StoreLocation
from messagefoundry.contracts.units import MarkAttempt
from messagefoundry.testing.stores.feed import Feed, receive
from messagefoundry_postgres import writing
from messagefoundry_postgres.factory import POSTGRES
from tests.postgres.target import administrator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.contracts.units import Unit
    from tests.postgres.proxy import Proxy
    from tests.postgres.server import Server


@pytest.fixture
def feed(far: StoreLocation) -> Iterator[Feed]:
    feed = Feed(POSTGRES, far)
    yield feed
    feed.close()


def stored(location: StoreLocation) -> list[int]:
    """The ids of all messages, read on another way."""
    reader = POSTGRES.reader(location, Plaintext())
    try:
        return sorted(row.id for row in reader.messages(MessageQuery()))
    finally:
        reader.close()


def test_a_commit_whose_answer_is_lost_has_succeeded(feed: Feed, proxy: Proxy) -> None:
    first = feed.received()
    proxy.lose_answers()
    second = feed.received()
    assert [message.message_id for message in feed.flow().messages] == [first, second]


def test_a_commit_that_never_arrived_has_failed(feed: Feed, proxy: Proxy) -> None:
    unit = receive()
    feed.received()
    proxy.lose_requests()
    with pytest.raises(StoreUnavailable, match="nothing of the batch was committed"):
        feed.commit(unit)
    feed.store.commit([unit])
    assert len(feed.flow().messages) == 2


def test_a_batch_that_adds_no_row_is_not_applied_twice(feed: Feed, proxy: Proxy) -> None:
    unit = MarkAttempt(feed.received())
    feed.commit(unit)
    attempts = 1
    for losing in (proxy.lose_answers, proxy.lose_requests):
        losing()
        try:
            feed.commit(unit)
        except StoreUnavailable:
            feed.commit(unit)
        attempts += 1
        assert unit.attempts == attempts


def test_a_session_that_ended_between_batches_is_opened_anew(feed: Feed, proxy: Proxy) -> None:
    for _ in range(3):
        feed.received()
        proxy.cut_once()
    assert len(feed.flow().messages) == 3


def test_nothing_is_in_doubt_while_nobody_can_connect(feed: Feed, proxy: Proxy) -> None:
    unit = receive()
    feed.received()
    proxy.cut()
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            feed.commit(unit)
    proxy.heal()
    feed.commit(unit)
    assert len(feed.flow().messages) == 2


@pytest.mark.parametrize("losing", ["requests", "answers"])
def test_a_doubtful_commit_waits_until_it_can_be_looked_up(feed: Feed, proxy: Proxy, losing: str) -> None:
    feed.received()
    (proxy.lose_requests if losing == "requests" else proxy.lose_answers)()
    proxy._refusing = True
    outcome = Outcome(feed, receive())
    assert not outcome.over(0.5), "nobody knows yet"
    proxy.heal()
    assert outcome.over(5)
    assert len(feed.flow().messages) == (2 if outcome.error is None else 1)
    assert (outcome.error is None) is (losing == "answers")


def test_a_black_hole_ends_a_commit_without_a_guess(
    feed: Feed, proxy: Proxy, location: StoreLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed.store._database.wire, "_seconds", 0.5)  # type: ignore[attr-defined]
    first = feed.received()
    proxy.black_hole()
    outcome = Outcome(feed, receive())
    assert not outcome.over(1.0)
    proxy.heal()
    assert outcome.over(5)
    assert isinstance(outcome.error, StoreUnavailable)
    assert stored(location) == [first]
    feed.received()


@pytest.mark.usefixtures("server")
def test_a_session_that_may_still_commit_is_ended_before_anything_is_concluded(
    feed: Feed, location: StoreLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed.store._database.wire, "_seconds", 0.3)  # type: ignore[attr-defined]
    feed.received()
    backend = feed.store._database._session.pid  # type: ignore[attr-defined]
    os.kill(backend, signal.SIGSTOP)
    try:
        outcome = Outcome(feed, receive())
        assert not outcome.over(1.5), "the batch may still be in the stopped session's hands"
    finally:
        os.kill(backend, signal.SIGCONT)
    assert outcome.over(10)
    assert len(stored(location)) == (2 if outcome.error is None else 1)


def test_closing_lets_go_of_a_commit_in_doubt(feed: Feed, proxy: Proxy) -> None:
    feed.received()
    proxy.lose_requests()
    proxy._refusing = True
    outcome = Outcome(feed, receive())
    assert not outcome.over(0.3)
    feed.store.close()
    assert outcome.over(5)
    assert isinstance(outcome.error, StoreUnavailable)


def test_closing_lets_go_of_a_commit_that_gets_no_answer(feed: Feed, proxy: Proxy) -> None:
    feed.received()
    proxy.black_hole()
    outcome = Outcome(feed, receive())
    assert not outcome.over(0.3)
    feed.store.close()
    assert outcome.over(5)
    assert isinstance(outcome.error, StoreUnavailable)


class Outcome:
    """A commit in a thread."""

    def __init__(self, feed: Feed, unit: Unit) -> None:
        self.error: Exception | None = None
        self._feed, self._unit = feed, unit
        self._thread = threading.Thread(target=self._commit)
        self._thread.start()

    def _commit(self) -> None:
        try:
            self._feed.commit(self._unit)
        except StoreUnavailable as error:
            self.error = error

    def over(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def test_a_server_that_takes_no_writes_is_waited_for(location: StoreLocation, server: Server) -> None:
    feed = Feed(POSTGRES, location)
    feed.received()
    with server.connect() as administrator_session:
        try:
            for statement in ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"):
                administrator_session.execute(statement)
            _until_refused(feed)
        finally:
            administrator_session.execute("SET default_transaction_read_only = off")
            administrator_session.execute("ALTER SYSTEM RESET default_transaction_read_only")
            administrator_session.execute("SELECT pg_reload_conf()")
    _until_committed(feed)
    feed.close()


def _until_refused(feed: Feed) -> None:
    with pytest.raises(StoreUnavailable, match=r"takes no writes|read-only"):
        _receive_for(feed, 5)
    with pytest.raises(StoreUnavailable, match=r"cannot be reached.*read-only"):
        feed.received()


def _receive_for(feed: Feed, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        feed.received()


def _until_committed(feed: Feed) -> None:
    end = time.monotonic() + 5
    while True:
        try:
            feed.received()
        except StoreUnavailable:
            assert time.monotonic() < end
        else:
            return


FULL = """CREATE FUNCTION {0}.no_space() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER no_space BEFORE INSERT ON {0}.body EXECUTE FUNCTION {0}.no_space()"""


def test_a_full_disk_is_said_to_be_one(location: StoreLocation) -> None:
    feed = Feed(POSTGRES, location)
    schema = location.options["db_schema"]
    with administrator(dict(location.options)) as other:
        other.execute(FULL.format(schema))
        with pytest.raises(StoreFull):
            feed.received()
        other.execute(f"DROP TRIGGER no_space ON {schema}.body")
    feed.received()
    assert len(feed.flow().messages) == 1
    feed.close()


def test_no_connection_is_left(location: StoreLocation, server: Server) -> None:
    feed = Feed(POSTGRES, location)
    feed.received()
    with ExitStack() as stack:
        own = stack.enter_context(server.connect())
        own.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = %s AND pid <> pg_backend_pid()",
            [location.options["application_name"]],
        )
        occupy(server, stack)
        with pytest.raises(StoreUnavailable, match="too many clients"):
            feed.received()
    _until_committed(feed)
    assert len(feed.flow().messages) == 2
    feed.close()


def occupy(server: Server, stack: ExitStack) -> None:
    """Take every connection that the server gives."""
    while True:
        try:
            stack.enter_context(server.connect())
        except psycopg.OperationalError:
            return


def test_a_reader_goes_on_after_the_server_was_restarted(location: StoreLocation, server: Server) -> None:
    feed = Feed(POSTGRES, location)
    key = feed.received()
    server.restart()
    feed.received()
    assert feed.disposition(key) == "RECEIVED"
    feed.close()


def test_old_marks_are_forgotten(location: StoreLocation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "FORGET_EVERY", 16)
    feed = Feed(POSTGRES, location)
    for _ in range(40):
        feed.received()
    with administrator(dict(location.options)) as other:
        row = other.execute(f"SELECT count(*) FROM {location.options['db_schema']}.engine_commit").fetchone()
    assert row == (8 + writing.MARKS_KEPT,), "those since the last time, and the newest of then"
    feed.close()
