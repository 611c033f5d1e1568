"""The kit's feed on an SQLite store in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.contracts.ciphers import Cipher, Plaintext
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.testing.stores import feed as kit
from messagefoundry.testing.stores.feed import EVERYTHING, dead, delivered, hand_off, receive, refuse, retry
from messagefoundry_sqlite.factory import SQLITE

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry_sql import SqlReader, SqlStore

__all__ = ["EVERYTHING", "Feed", "dead", "delivered", "hand_off", "receive", "refuse", "retry"]


class Feed(kit.Feed):
    """An open SQLite store, its reader, and a clock of ids."""

    store: SqlStore
    reader: SqlReader

    def __init__(self, folder: Path, cipher: Cipher | None = None, synchronous: str = "normal") -> None:
        self.folder = folder
        location = StoreLocation(path=str(folder / "store.db"), synchronous=synchronous)
        super().__init__(SQLITE, location, cipher or Plaintext())
