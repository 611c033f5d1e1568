"""The writing side on SQLite: a connection that one thread uses while another closes it would end the process."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import StoreUnavailable
from messagefoundry_sql import SqlStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import Unit
    from messagefoundry_sqlite.connecting import SqliteDatabase

CLOSE_SECONDS = 5.0


class SqliteStore(SqlStore):
    """A `Store` that may be closed while a commit runs in another thread."""

    def __init__(self, database: SqliteDatabase, cipher: Cipher) -> None:
        super().__init__(database, cipher)
        self._sqlite = database
        self._using = threading.Lock()
        self._closed = False

    def commit(self, units: Sequence[Unit]) -> None:
        """Apply all units, or none, and make them durable. See `Store.commit`."""
        with self._using:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            super().commit(units)

    def close(self) -> None:
        """Close, when the commit in hand has ended; one that hangs keeps the connection until the end."""
        self._closed = True
        if not self._using.acquire(blocking=False):
            # Not where none runs: an interrupted connection closes without moving its log into the file.
            with suppress(sqlite3.Error):
                self._sqlite.connection.interrupt()
            if not self._using.acquire(timeout=CLOSE_SECONDS):
                return
        try:
            super().close()
        finally:
            self._using.release()
