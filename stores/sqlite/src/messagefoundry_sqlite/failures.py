"""What SQLite's errors mean to the engine."""

from __future__ import annotations

import sqlite3

from messagefoundry.contracts.errors import (
    ConfigurationError,
    CorruptStore,
    MessageFoundryError,
    Problem,
    StoreFull,
    StoreUnavailable,
    UnstorableUnit,
)

_LITTLE = 1 << 20
"""Bytes. An input or output error with less than this free is taken for a full disk."""


_OWN = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE)
"""What a value alone can cause: trying the same again would fail for ever, and hold everything behind it up."""


def failure(error: Exception, path: str, bytes_free: int | None) -> MessageFoundryError:
    """The error to raise for `error`. No text of SQLite's is passed on but its symbolic name: it may quote values."""
    name = str(getattr(error, "sqlite_errorname", "") or type(error).__name__)
    code = int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(f"the disk of the store {path} is full")
    if code == sqlite3.SQLITE_IOERR:
        if bytes_free is not None and bytes_free < _LITTLE:
            return StoreFull(f"the disk of the store {path} is full ({name})")
        return StoreUnavailable(f"the disk of the store {path} does not read or write ({name})")
    if code == sqlite3.SQLITE_CORRUPT:
        return CorruptStore(f"the store {path} is damaged: stop the engine and restore a backup")
    if code == sqlite3.SQLITE_NOTADB:
        return CorruptStore(f"{path} is not an SQLite database: restore a backup, or name another file in [store] path")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailable(f"the store {path} is locked by another program")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreUnavailable(f"the store {path} cannot be written ({name}): check its and its folder's permissions")
    if code in _OWN:
        return UnstorableUnit(f"the store {path} cannot hold a value ({name})")
    return StoreUnavailable(f"the store {path} does not commit ({name})")


def unusable(error: Exception, path: str) -> ConfigurationError | None:
    """The mistake in the configuration that an error at open tells of, if it does."""
    code = int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
    if code not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return None
    text = f"the store {path} cannot be opened or written"
    return ConfigurationError(
        [Problem(text, "check the permissions of the file and of its folder, or change [store] path")]
    )
