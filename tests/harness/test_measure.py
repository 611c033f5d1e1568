from pathlib import Path

import pytest

from messagefoundry.harness.measure import borrowed
from messagefoundry.harness.subject import SubjectError
from messagefoundry.harness.workplace import fresh_workplace


def test_a_seeded_store_is_given_back_with_what_was_added(tmp_path: Path) -> None:
    store = tmp_path / "seeded.db"
    store.write_bytes(b"history")
    with fresh_workplace([2700], tmp_path) as place:
        with borrowed(store, place):
            assert place.database.read_bytes() == b"history"
            assert not store.exists()
            place.database.write_bytes(b"history and more")
        assert store.read_bytes() == b"history and more"


def test_a_store_that_is_not_closed_is_not_given_back(tmp_path: Path) -> None:
    store = tmp_path / "seeded.db"
    store.write_bytes(b"history")
    with fresh_workplace([2700], tmp_path) as place, pytest.raises(SubjectError, match="has not closed its store"):
        with borrowed(store, place):
            place.database.with_name("bench.db-wal").write_bytes(b"more")


def test_nothing_is_borrowed_without_a_store(tmp_path: Path) -> None:
    with fresh_workplace([2700], tmp_path) as place, borrowed(None, place):
        assert not place.database.exists()
