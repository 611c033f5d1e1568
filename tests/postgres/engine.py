"""An engine process over PostgreSQL, and its store read as the acceptance tests read any."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.stores import StoreLocation
from messagefoundry_postgres.factory import POSTGRES
from messagefoundry_sqlite.factory import SQLITE

if TYPE_CHECKING:
    from pathlib import Path


def environment_of(location: StoreLocation) -> dict[str, str]:
    """The variables that name a store to an engine."""
    named: dict[str, Any] = {"backend": "postgres", **location.options}
    return {f"MEFOR_STORE_{name.upper()}": str(value) for name, value in named.items()}


def copy_into_file(location: StoreLocation, database: Path) -> None:
    """Copy a whole store into an SQLite file, table by table."""
    target = StoreLocation(path=str(database))
    with closing(POSTGRES.tables(location)) as old, closing(SQLITE.tables(target, fill=True)) as new:
        for table in old.names:
            new.add(table, old.rows(table))
            assert new.count(table) == old.count(table)
        new.finish()
