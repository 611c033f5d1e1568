"""What the store needs of the SQLite library."""

from __future__ import annotations

import sqlite3

OLDEST = (3, 35, 0)
"""The first SQLite with all that the statements use."""


def sqlite_missing() -> str | None:
    """None when Python's SQLite is recent enough and safe to use from several threads, else what is wrong."""
    if sqlite3.sqlite_version_info < OLDEST:
        return f"SQLite {sqlite3.sqlite_version} is too old: 3.35 is needed"
    if sqlite3.threadsafety < 1:
        return f"SQLite {sqlite3.sqlite_version} was built without thread safety"
    return None
