"""A store moves from SQLite to PostgreSQL and back, by the one code."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from messagefoundry.cli.store_copy import Copying
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.contracts.stores import KeptReference, MessageQuery, StoreLocation, StoreUpkeep
from messagefoundry.contracts.units import HoldConnection, MarkRunning
from messagefoundry_postgres.factory import POSTGRES
from messagefoundry_sqlite.factory import SQLITE
from tests.cli.test_store_copy import keep
from tests.stores.feed import Feed, dead, delivered, refuse

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.cli.store_copy import Copied


def copied(source: tuple[StoreUpkeep, StoreLocation], target: tuple[StoreUpkeep, StoreLocation]) -> list[Copied]:
    (from_stores, from_location), (to_stores, to_location) = source, target
    with (
        closing(from_stores.tables(from_location)) as tables,
        closing(to_stores.tables(to_location, fill=True)) as filled,
    ):
        return Copying(tables, filled, lambda _done, _total: None).run()


def test_there_and_back(location: StoreLocation, tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.commit(MarkRunning(False, 5), refuse(), HoldConnection("ÖB", True, "alice", 8))
    feed.commit(HoldConnection("ob", True, "alice", 8), HoldConnection("OB", False, "bob", 9))
    for number in range(130):
        message_id, first, second = feed.handed_off("OB", "OTHER", payload=bytes(range(256)) * (1 + number % 3))
        feed.commit(dead(first, message_id), delivered(second, message_id, "OTHER"))
    waiting, *_ = feed.handed_off("OB")
    keep(feed)
    feed.close()
    back = StoreLocation(path=str(tmp_path / "back.db"))

    there = copied((SQLITE, feed.location), (POSTGRES, location))
    assert {each.table: each.rows for each in there} == dict(SQLITE.state(feed.location).tables)
    assert dict(POSTGRES.state(location).tables) == dict(SQLITE.state(feed.location).tables)
    assert POSTGRES.state(location).oldest_at == SQLITE.state(feed.location).oldest_at
    with closing(POSTGRES.reader(location, Plaintext())) as reader:
        assert reader.dispositions() == {"ERROR": 130, "PROCESSED": 3, "RECEIVED": 4, "REFUSED": 2, "ROUTED": 1}
        assert (reader.state("ns", "k"), reader.messages(MessageQuery(meta=("Ä", "3")))[0].meta["b"]) == ('"v"', "1")
        assert reader.reference("npi") == KeptReference(bytes(range(256)), 9)
        assert reader.held() == {"ob", "ÖB"}
        assert [row.state for row in reader.work(waiting)] == ["waiting"]
    hold = POSTGRES.hold(location)
    POSTGRES.open(location, Plaintext()).close()
    hold.release()

    with pytest.raises(ConfigurationError, match="is not empty"):
        POSTGRES.tables(location, fill=True)
    again = copied((POSTGRES, location), (SQLITE, back))
    assert [each for each in again if each.table != "engine"] == [each for each in there if each.table != "engine"]


def test_no_engine_opens_an_unfinished_copy(location: StoreLocation) -> None:
    POSTGRES.tables(location, fill=True).close()
    for refusing in (POSTGRES.open, POSTGRES.reader):
        with pytest.raises(ConfigurationError, match="is an unfinished copy"):
            refusing(location, Plaintext())
    POSTGRES.tables(location, fill=True).close()


def test_a_backup_is_the_servers_work(location: StoreLocation, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pg_dump"):
        POSTGRES.backup(location, tmp_path / "x", lambda _done, _total: None)
