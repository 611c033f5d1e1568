"""The store of a tortured engine: how an engine is led to it, and how it is read with one text on any database."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, NullPool, create_engine, inspect

from messagefoundry_sql.opening import VERSION_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path


class TortureStore(Protocol):
    """One store, from before it is created. Everything but `begun` and `remove` is asked while no engine lives."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that name it to an engine; none for a file, which each engine is given."""

    def begun(self) -> bool:
        """Whether there is anything of it, whole or not."""

    def connected(self) -> AbstractContextManager[Connection]:
        """A connection to read it with."""

    def await_rest(self) -> None:
        """Wait until nothing that a killed engine has sent can still be committed."""

    def damage(self) -> list[str]:
        """What an integrity check finds."""

    def remove(self) -> None:
        """Leave nothing of it."""


class StoreKind(Protocol):
    """A kind of store, and where the stores of many rounds are."""

    @property
    def name(self) -> str:
        """As the command line has it."""

    def in_directory(self, directory: Path) -> TortureStore:
        """The store of the round that has this directory."""

    def whereabouts(self, directory: Path) -> str:
        """Where a store that is kept is found."""

    def close(self) -> None:
        """The last round is over."""


@dataclass(frozen=True)
class SqliteStore:
    """A file."""

    database: Path

    @property
    def environment(self) -> dict[str, str]:
        return {}

    def begun(self) -> bool:
        return self.database.exists()

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        uri = f"{self.database.absolute().as_uri()}?mode=rw"  # never to create it
        with create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool
        ).connect() as connection:
            yield connection

    def await_rest(self) -> None:
        """Nothing of a dead process is on its way to a file."""

    def damage(self) -> list[str]:
        with self.connected() as connection:
            checked = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check")]
        return [] if checked == ["ok"] else checked

    def remove(self) -> None:
        """It goes with its directory."""


class SqliteStores:
    """A file in the directory of each round."""

    name = "sqlite"

    def in_directory(self, directory: Path) -> SqliteStore:
        return SqliteStore(directory / "engine.db")

    def whereabouts(self, directory: Path) -> str:
        return f"the file engine.db in {directory}"

    def close(self) -> None:
        """Nothing is open."""


def rows_of(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    """What a query selects, written as every database takes it."""
    return [tuple(row) for row in connection.exec_driver_sql(query)]


def revision_of(store: TortureStore) -> int | None:
    """The version that a store says it has; None when it has no schema yet."""
    if not store.begun():
        return None
    with store.connected() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        ((version,),) = rows_of(connection, f"SELECT version_num FROM {VERSION_TABLE}")
    return int(version.partition("_")[0])
