"""What the pipeline's tests share: a real SQLite store in a temporary folder, and one that fails on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.stores import Store, StoreLocation, StoreReader
from messagefoundry_sqlite.factory import SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from messagefoundry.contracts.errors import MessageFoundryError
    from messagefoundry.contracts.units import Unit


@pytest.fixture
def location(tmp_path: Path) -> StoreLocation:
    """Where the test's store is."""
    return StoreLocation(path=str(tmp_path / "engine.db"), synchronous="normal")


@pytest.fixture
def store(location: StoreLocation) -> Iterator[Store]:
    """An empty store."""
    opened = SQLITE.open(location, Plaintext())
    yield opened
    opened.close()


@pytest.fixture
def reader(store: Store, location: StoreLocation) -> Iterator[StoreReader]:
    """A reader beside it."""
    opened = SQLITE.reader(location, Plaintext())
    yield opened
    opened.close()


class Failing:
    """A real store that fails as scripted: each commit takes the next entry, None for success."""

    def __init__(self, store: Store, script: Sequence[MessageFoundryError | None]) -> None:
        self._store = store
        self.script = list(script)
        self.batches: list[list[Unit]] = []

    def commit(self, units: Sequence[Unit]) -> None:
        """Fail, or commit and remember the batch."""
        error = self.script.pop(0) if self.script else None
        if error is not None:
            raise error
        self._store.commit(units)
        self.batches.append(list(units))

    def last_id(self) -> int:
        """The store's."""
        return self._store.last_id()

    def bytes_free(self) -> int | None:
        """The store's."""
        return self._store.bytes_free()

    def close(self) -> None:
        """The fixture closes the store."""
