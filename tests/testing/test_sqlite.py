"""The SQLite store keeps every clause."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.testing import StoreConformance, StoreSubject
from messagefoundry_sqlite import connecting
from messagefoundry_sqlite.factory import SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class InFile(StoreSubject):
    factory = SQLITE
    reference = "messagefoundry_sqlite.factory:SQLITE"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.location = StoreLocation(path=str(folder / "store.db"), synchronous="normal")

    def outage(self) -> AbstractContextManager[None]:
        return self._locked()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Another program keeps the database locked."""
        other = sqlite3.connect(self.location.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
        other.close()

    def at_rest(self) -> bytes:
        return b"".join(path.read_bytes() for path in self._folder.iterdir())


class TestSQLite(StoreConformance):
    @pytest.fixture
    def subject(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InFile:
        monkeypatch.setattr(connecting, "BUSY_SECONDS", 0.05)
        return InFile(tmp_path)
