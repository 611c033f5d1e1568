"""A disk that is full, a file that is damaged or locked, a process that is killed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import CorruptStore, StoreFull, StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.stores import MessageQuery, StoreLocation
from messagefoundry_sqlite.factory import SQLITE
from tests.stores.feed import Feed, hand_off, receive

if TYPE_CHECKING:
    from pathlib import Path


def _pragma(feed: Feed, text: str) -> int:
    return int(feed.store._cursor.execute(f"PRAGMA {text}").fetchall()[0][0])


def test_a_full_disk_refuses_the_batch_and_takes_it_later(feed: Feed) -> None:
    before = feed.received()
    _pragma(feed, f"max_page_count = {_pragma(feed, 'page_count') + 3}")
    batch = [receive(raw=b"x" * 20_000) for _ in range(3)]
    with pytest.raises(StoreFull, match=r"the disk of the store .* is full") as refusal:
        feed.commit(*batch)
    assert "xxx" not in str(refusal.value)
    assert [row.id for row in feed.reader.messages(MessageQuery())] == [before]
    feed.commit(hand_off(before, "OB"))
    _pragma(feed, "max_page_count = 100000")
    feed.store.commit(batch)
    assert feed.reader.count_messages(MessageQuery()) == 4
    assert feed.reader.integrity() == []


def test_a_locked_store_is_unavailable_until_the_lock_goes(feed: Feed) -> None:
    _pragma(feed, "busy_timeout = 20")
    other = sqlite3.connect(feed.location.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="is locked by another program"):
        feed.commit(receive())
    other.execute("ROLLBACK")
    other.close()
    feed.commit(receive())


def test_a_store_that_became_read_only_is_unavailable(feed: Feed) -> None:
    feed.store._cursor.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        feed.commit(receive())
    feed.store._cursor.execute("PRAGMA query_only = OFF")
    feed.commit(receive())


def test_a_value_that_cannot_be_held_is_its_units_own_fault(feed: Feed) -> None:
    first = feed.one(receive())
    with pytest.raises(UnstorableUnit, match="SQLITE_CONSTRAINT"):
        feed.store.commit([first])
    feed.store._database.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100_000)  # type: ignore[attr-defined]
    with pytest.raises(UnstorableUnit, match="SQLITE_TOOBIG"):
        feed.commit(receive(raw=b"x" * 200_000))
    with pytest.raises(UnicodeEncodeError):
        feed.commit(receive(inbound="\ud800"))
    feed.commit(receive())
    assert feed.reader.count_messages(MessageQuery()) == 2


def _damage(path: str, table: str) -> None:
    """Overwrite the root page of a table, or every page but the first."""
    connection = sqlite3.connect(path)
    roots = connection.execute("SELECT rootpage FROM sqlite_master WHERE ? IN (name, '')", (table,)).fetchall()
    connection.close()
    with open(path, "r+b") as file:
        for (page,) in roots:
            file.seek((page - 1) * 4096)
            file.write(b"\xa5" * 4096)


def test_a_damaged_store_is_not_opened(feed: Feed) -> None:
    feed.received()
    feed.close()
    _damage(feed.location.path, "")
    for opening in (SQLITE.open, SQLITE.reader):
        with pytest.raises(CorruptStore, match="restore a backup"):
            opening(feed.location, Plaintext())


def test_a_damaged_store_says_so(feed: Feed) -> None:
    for _ in range(20):
        feed.received(raw=b"x" * 3000)
    feed.close()
    _damage(feed.location.path, "message")
    feed.reopen()
    with pytest.raises(CorruptStore, match="restore a backup"):
        feed.commit(receive())
    with pytest.raises(CorruptStore, match="restore a backup"):
        feed.reader.messages(MessageQuery())
    with pytest.raises(CorruptStore):
        feed.store.last_id()
    assert feed.reader.integrity() != []


def test_an_error_of_a_read_tells_no_values(feed: Feed) -> None:
    feed.store._cursor.execute("ALTER TABLE body RENAME TO gone")
    with pytest.raises(StoreUnavailable) as refusal:
        feed.reader.body(424242)
    assert "424242" not in repr(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


_COMMITS = """
import sys
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.contracts.units import HandOff, Outgoing, Receive
from messagefoundry_sqlite.factory import SQLITE
store = SQLITE.open(StoreLocation(path=sys.argv[1]), Plaintext())
last = store.last_id()
def mint():
    global last
    last += 1
    return last
while True:
    batch = [Receive("IB", b"x" * 5000, "hl7v2", "utf-8", "C", "ADT", "", 1) for _ in range(8)]
    for unit in batch:
        unit.mint(mint)
    store.commit(batch)
    routed = [HandOff(unit.id, "IB", "PROCESSED", [Outgoing("OB", "h", b"y" * 5000, "")], [], "", 2) for unit in batch]
    for unit in routed:
        unit.mint(mint)
    store.commit(routed)
    print(last, flush=True)
"""


def test_a_killed_process_leaves_whole_batches(tmp_path: Path) -> None:
    location = StoreLocation(path=str(tmp_path / "store.db"), synchronous="normal")
    paths = os.pathsep.join(path for path in sys.path if path)
    known = 0
    for kill in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", _COMMITS, location.path],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
        with child:
            assert child.stdout is not None
            for _ in range(10 + 7 * kill):
                known = int(child.stdout.readline())
            child.kill()
            for line in child.stdout:
                known = int(line) if line.endswith("\n") else known
        store, reader = SQLITE.open(location, Plaintext()), SQLITE.reader(location, Plaintext())
        counts = reader.dispositions()
        last = store.last_id()
        integrity = reader.integrity()
        reader.close()
        store.close()
        assert integrity == []
        assert last >= known
        assert all(count % 8 == 0 for count in counts.values())
        assert counts.get("RECEIVED", 0) <= 8 * (kill + 1)


def test_an_open_read_does_not_hold_a_commit_up(feed: Feed) -> None:
    feed.received()
    other = sqlite3.connect(feed.location.path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM message").fetchall()
    feed.commit(receive())
    assert other.execute("SELECT count(*) FROM message").fetchone() == (1,)
    other.close()


def test_the_space_left_is_known(feed: Feed) -> None:
    free = feed.store.bytes_free()
    assert free is not None
    assert free > 0
