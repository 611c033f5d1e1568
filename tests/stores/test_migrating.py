"""A store of the first release is brought to today's schema, and everything works on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError, StoreUnavailable
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.testing.stores.feed import Feed as AnyFeed
from messagefoundry_sql.revisions import THIS
from messagefoundry_sqlite.connecting import writing
from messagefoundry_sqlite.factory import SQLITE
from messagefoundry_sqlite.viewing import schema_change
from tests.stores.old_store import check, fill, live, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.feed import Feed


@pytest.fixture
def old(feed: Feed, tmp_path: Path) -> StoreLocation:
    """A store of the first schema. `feed` is one of today with the same rows, and open."""
    live(feed)
    place = tmp_path / "old.db"
    raw = writing(place, "normal")
    with closing(raw), schema_change(raw) as connection:
        fill(connection, rows_of(feed.location))
    return StoreLocation(path=str(place))


def columns(location: StoreLocation, table: str) -> set[str]:
    with closing(sqlite3.connect(location.path)) as connection:
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def test_a_store_of_the_first_release_works_on(old: StoreLocation, feed: Feed) -> None:
    assert "depth" not in columns(old, "message")
    migrated = AnyFeed(SQLITE, old, last=feed.last)
    check(migrated, feed)
    migrated.close()
    assert SQLITE.state(old).revision == THIS.version.number


def test_nobody_reads_it_before_an_engine_has_been_there(old: StoreLocation) -> None:
    state = SQLITE.state(old)
    assert (state.revision, state.pending[0].half) == (1, "expand")
    assert "state" not in state.tables
    with pytest.raises(ConfigurationError, match="start the engine once"):
        SQLITE.reader(old, Plaintext())


def test_a_backup_of_the_first_release_is_one(old: StoreLocation, tmp_path: Path) -> None:
    made = SQLITE.backup(old, tmp_path / "backup.db", lambda _done, _total: None)
    assert made.messages == SQLITE.state(old).tables["message"] > 10
    assert SQLITE.state(StoreLocation(path=str(tmp_path / "backup.db"))).revision == 1


def test_all_of_it_is_migrated_or_nothing(old: StoreLocation, feed: Feed) -> None:
    with closing(sqlite3.connect(old.path)) as connection:
        connection.execute("CREATE TABLE reference_set (name TEXT)")  # what the migration makes last
    with pytest.raises(StoreUnavailable):
        SQLITE.open(old, Plaintext())
    assert "depth" not in columns(old, "message")
    with closing(sqlite3.connect(old.path)) as connection:
        connection.execute("DROP TABLE reference_set")
    migrated = AnyFeed(SQLITE, old, last=feed.last)
    check(migrated, feed)
    migrated.close()
