"""Whose file it is, and which version of the schema it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry_sql.revisions import VERSION_TABLE, Version, parse

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = 0x4D464F59
"""In the header of every file of ours: "MFOY"."""


def version_of(connection: sqlite3.Connection, path: str) -> Version | None:
    """The version of the schema, None in an empty file.

    Raises ConfigurationError for another program's database and for an unfinished copy.
    """
    stands = marked_version(connection, path)
    return None if stands is None else parse(stands, path)


def marked_version(connection: sqlite3.Connection, path: str) -> str | None:
    """What stands in the version's place, None in an empty file. Raises ConfigurationError for another program's."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return None
    ((application_id,),) = connection.execute("PRAGMA application_id").fetchall()
    if application_id != APPLICATION_ID:
        problem = Problem(f"{path} is an SQLite database of another program", "name another file in [store] path")
        raise ConfigurationError([problem])
    return str(connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()[0])
