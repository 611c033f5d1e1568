"""SQLAlchemy on top of a sqlite3 connection: for reading, and for changing the schema."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, StaticPool, create_engine

from messagefoundry_sqlite.failures import failure
from messagefoundry_sqlite.identity import APPLICATION_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from messagefoundry.contracts.errors import MessageFoundryError


def connected(raw: sqlite3.Connection) -> Connection:
    """A SQLAlchemy connection that runs on `raw`, leaving its transactions to whoever owns it."""
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool, pool_reset_on_return=None)
    return engine.connect()


@contextmanager
def schema_change(raw: sqlite3.Connection) -> Iterator[Connection]:
    """One transaction that also marks the file as ours; an exception rolls it back."""
    with connected(raw) as connection, connection.begin():
        # Said here: sqlite3 begins no transaction by itself in autocommit, but SQLAlchemy's end ends this one.
        raw.execute("BEGIN IMMEDIATE")
        yield connection
        raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")


@dataclass(frozen=True, slots=True)
class SqliteSource:
    """A file to read from."""

    path: Path
    raw: sqlite3.Connection
    connection: Connection

    def connected(self) -> nullcontext[Connection]:
        """The connection."""
        return nullcontext(self.connection)

    def failure(self, error: Exception) -> MessageFoundryError:
        """What an error of SQLite means."""
        return failure(error, str(self.path), None)

    def integrity(self) -> list[str]:
        """What SQLite's quick check finds wrong: every page and every index's place, but not each index's content."""
        try:
            found = [row[0] for row in self.raw.execute("PRAGMA quick_check")]
        except sqlite3.DatabaseError as error:
            return [str(self.failure(error))]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        """Close."""
        self.connection.close()
        self.raw.close()
