import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.stores import MessageQuery, StoreLocation
from messagefoundry.contracts.units import HandOff, Outgoing, Receive, SettleDelivered, Unit
from messagefoundry.harness import seed as seed_module
from messagefoundry.harness.seed import SeedError, seed
from messagefoundry_sqlite.factory import SQLITE


def store_with(path: Path, messages: int, *, delivered: bool = True) -> None:
    """Write messages as the engine does: received, handed off to one lane, and delivered."""
    ids = count(time.time_ns() // 1000)
    received = [Receive("IB", b"raw %d" % n, "hl7v2", "utf-8", f"C{n}", "ADT^A01", "peer", 1) for n in range(messages)]
    with closing(SQLITE.open(StoreLocation(path=str(path)), Plaintext())) as store:

        def commit(units: Sequence[Unit]) -> None:
            for unit in units:
                unit.mint(ids.__next__)
            store.commit(units)

        commit(received)
        outgoing = [Outgoing("OB", "h", b"payload of " + unit.raw, "hl7v2") for unit in received]
        sends = zip(received, outgoing, strict=True)
        commit([HandOff(unit.id, "IB", "PROCESSED", [out], [], "h", 2) for unit, out in sends])
        if delivered:
            sent = zip(received, outgoing, strict=True)
            commit([SettleDelivered(out.id, unit.id, "OB", 1, "", b"AA", 3) for unit, out in sent])


def test_what_is_stored_is_multiplied(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store_with(path, 3)
    assert seed(path, 10) == 12, "whole copies of the three"
    with closing(SQLITE.reader(StoreLocation(path=str(path)), Plaintext())) as reader:
        rows = reader.messages(MessageQuery(limit=100))
        assert reader.integrity() == []
        assert reader.dispositions() == {"PROCESSED": 12}
        assert reader.backlogs() == []
        assert [row.control_id for row in rows] == ["C2", "C1", "C0"] * 4, "newest first, every copy in its order"
        for row in rows:
            (work,) = reader.work(row.id)
            assert reader.body(row.id) == b"raw " + row.control_id[1:].encode()
            assert reader.body(work.id) == b"payload of raw " + row.control_id[1:].encode()
            assert [event.kind for event in reader.trail(row.id)] == ["received", "routed", "delivered"]


def test_the_engine_goes_on_from_there(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store_with(path, 2)
    with closing(SQLITE.open(StoreLocation(path=str(path)), Plaintext())) as store:
        last = store.last_id()
    seed(path, 8)
    with closing(SQLITE.open(StoreLocation(path=str(path)), Plaintext())) as store:
        assert store.last_id() == last, "the history lies in the past"


def test_a_store_with_open_work_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store_with(path, 2, delivered=False)
    with pytest.raises(SeedError, match="2 messages of the store are not PROCESSED"):
        seed(path, 8)


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store_with(path, 0)
    with pytest.raises(SeedError, match="holds no message"):
        seed(path, 8)


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE message (id INTEGER PRIMARY KEY)")
    with pytest.raises(SeedError, match="the table message has no column ingress_id, received_at"):
        seed(path, 8)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store.db"
    store_with(path, 2)
    assert seed_module.main([str(path), "--messages", "4"]) == 0
    assert capsys.readouterr().out == "4\n"
    assert seed_module.main([str(tmp_path / "none.db")]) == 2
    assert "there is no store at" in capsys.readouterr().err
