"""One engine for one store: who is refused, who takes over, and what an engine that was taken over cannot do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import EngineRunning, Fenced
from messagefoundry.contracts.stores import Lease, MessageQuery, StoreLocation, boottime
from messagefoundry.testing.stores.feed import Feed, receive
from messagefoundry_postgres.factory import POSTGRES
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.place import place_in
from tests.acceptance.waiting import until
from tests.postgres import stale_engine
from tests.postgres.engine import environment_of
from tests.postgres.target import administrator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from messagefoundry_postgres.holding import PostgresHold
    from tests.postgres.proxy import Proxy


LEASE_SECONDS = 3
"""As in the fixture `location`."""


def stored(location: StoreLocation, inbound: str) -> list[int]:
    with closing(POSTGRES.reader(location, Plaintext())) as reader:
        return sorted(row.id for row in reader.messages(MessageQuery(inbound=inbound, limit=100_000)))


def test_a_second_opening_shuts_the_first_out(location: StoreLocation) -> None:
    first, second = Feed(POSTGRES, location), None
    key = first.received()
    second = Feed(POSTGRES, location)
    for _ in range(2):
        with pytest.raises(Fenced, match="another engine has taken over the store"):
            first.commit(receive())
    second.last = first.last
    other = second.received()
    assert stored(location, "IB") == [key, other]
    first.close()
    second.close()


def test_a_new_engine_waits_for_the_batch_that_is_under_way(location: StoreLocation) -> None:
    first = Feed(POSTGRES, location)
    database = first.store._database  # type: ignore[attr-defined]
    database.begin()
    database.wire.send("INSERT INTO body (id, sealed) VALUES (77, '')", ())
    database.wire.send("INSERT INTO connection_event VALUES (77, '', 0, '', '')", ())
    database.exchange()
    opened: list[int] = []

    def open_it() -> None:
        with closing(POSTGRES.open(location, Plaintext())) as store:
            opened.append(store.last_id())

    second = threading.Thread(target=open_it)
    second.start()
    second.join(0.4)
    assert opened == [], "the epoch is not raised in the middle of a batch"
    database.commit()
    second.join(5)
    assert opened == [77], "the new engine sees all that the old one has committed"
    with pytest.raises(Fenced):
        first.received()
    first.close()


def test_a_lease_is_renewed_and_ends_with_its_release(location: StoreLocation) -> None:
    hold = POSTGRES.hold(location)
    assert isinstance(hold, Lease)
    first = hold.deadline()
    assert boottime() < first < boottime() + LEASE_SECONDS
    until(lambda: hold.deadline() > first, "the lease is renewed", within=5)
    hold.release()
    assert hold.deadline() < boottime()
    POSTGRES.hold(location).release()


def test_a_lease_that_cannot_be_renewed_forbids_to_send_before_it_ends(
    location: StoreLocation, far: StoreLocation, proxy: Proxy
) -> None:
    hold = POSTGRES.hold(far)
    proxy.cut()
    until(lambda: boottime() > hold.deadline(), "no send may begin", within=LEASE_SECONDS)
    assert lease_left(location) > 0, "nobody else can have taken the store by then"
    proxy.heal()
    until(lambda: boottime() < hold.deadline(), "it goes on by itself", within=5)
    hold.release()


def lease_left(location: StoreLocation) -> float:
    query = (
        f"SELECT extract(epoch FROM until - clock_timestamp())::float FROM {location.options['db_schema']}.engine_lease"
    )
    with administrator(dict(location.options)) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return float(str(row[0]))


def test_a_holder_on_another_machine_is_waited_for_until_its_lease_ends(location: StoreLocation) -> None:
    hold = POSTGRES.hold(location)
    schema = location.options["db_schema"]
    with administrator(dict(location.options)) as connection:
        connection.execute(f"ALTER TABLE {schema}.engine_lease RENAME TO kept")
        connection.execute(f"CREATE TABLE {schema}.engine_lease (LIKE {schema}.kept INCLUDING ALL)")
        connection.execute(f"INSERT INTO {schema}.engine_lease SELECT * FROM {schema}.kept")
        connection.execute(f"UPDATE {schema}.engine_lease SET machine = 'another', token = 'another', session_pid = 1")
    began, left = time.monotonic(), lease_left(location)
    second = POSTGRES.hold(location)
    assert left - 0.5 < time.monotonic() - began < left + 1
    second.release()
    hold.release()


@contextmanager
def engine(location: StoreLocation, inside: str = "") -> Iterator[subprocess.Popen[str]]:
    place = {"backend": "postgres", "path": location.path, "options": dict(location.options)}
    with subprocess.Popen(
        [sys.executable, "-m", stale_engine.__name__, json.dumps(place), inside],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def lines_until(process: subprocess.Popen[str], word: str, count: int = 1) -> list[str]:
    assert process.stdout is not None
    found: list[str] = []
    for line in process.stdout:
        found.append(line)
        if sum(each.startswith(word) for each in found) == count:
            break
    return found


def take_over(location: StoreLocation) -> PostgresHold:
    """Become the engine as soon as the lease allows it."""
    while True:
        try:
            return POSTGRES.hold(location)
        except EngineRunning:
            time.sleep(0.05)


@pytest.mark.parametrize("inside", ["", "inside"], ids=["between batches", "inside of a transaction"])
def test_a_paused_engine_writes_and_sends_nothing_after_it_was_taken_over(location: StoreLocation, inside: str) -> None:
    with engine(location, inside) as paused:
        lines_until(paused, "inside" if inside else "sent", 1 if inside else 20)
        paused.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        hold = take_over(location)
        taken = boottime()
        new = Feed(POSTGRES, location)
        assert time.monotonic() - began < LEASE_SECONDS + 1, "the take-over was not held up"
        new.last = new.store.last_id()
        stale, own = stored(location, "STALE"), new.received("NEW")
        paused.send_signal(signal.SIGCONT)
        if inside:
            assert paused.stdin is not None
            paused.stdin.write("\n")
            paused.stdin.flush()
        said = lines_until(paused, "lost Fenced")
        assert paused.wait(10) == 0
        sent = [float(line.split()[1]) for line in said if line.startswith("sent")]
        assert [at for at in sent if at >= taken] == [], "no send began after the take-over"
        assert stored(location, "STALE") == stale, "not one stale row was written"
        assert stored(location, "NEW") == [own]
        new.close()
        hold.release()


def test_an_engine_that_was_killed_is_followed_at_once(location: StoreLocation) -> None:
    with engine(location) as killed:
        lines_until(killed, "sent", 5)
        killed.kill()
        killed.wait()
        began = time.monotonic()
        POSTGRES.hold(location).release()
        assert time.monotonic() - began < 1


FEED = """
inbound("IB", MLLP(port={port}), router="nowhere")

@router("nowhere")
def nowhere(msg):
    return []
"""


def test_a_second_engine_is_refused_while_the_first_heartbeats(location: StoreLocation, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    places = [place_in(tmp_path / name) for name in ("first", "second")]
    for place in places:
        place.configure(FEED)
    variables = environment_of(location)
    with EngineProcess(places[0], environment=variables).ready() as first:
        with EngineProcess(places[1], environment=variables) as second:
            assert second.ended() == 2
            assert f"pid {first.pid}" in second.output
            assert "started" in second.output
        assert first.stop() == 0
    with EngineProcess(places[1], environment=variables).ready() as third:
        assert third.stop() == 0
