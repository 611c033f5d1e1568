"""All tables of a store, one after the other, as the one schema declares them: a new table needs nothing here."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Integer, Table, func, select, tuple_
from sqlalchemy.exc import DBAPIError

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry_sql import opening
from messagefoundry_sql.revisions import THIS, Release, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Column, Connection

    from messagefoundry_sql.reads import Source

T = TypeVar("T")

FIRST_PAGE_ROWS = 64
MOST_PAGE_ROWS = 1000
PAGE_BYTES = 8 << 20
"""About what a page of rows may take: after larger ones, the next has fewer rows."""


class SqlTables:
    """The `StoreTables` of an open database; `begin` is as in `opening.prepare`, and gives a transaction that writes.

    Nothing else may write to the store meanwhile.
    """

    def __init__(
        self, source: Source, begin: Callable[[], AbstractContextManager[Connection]], release: Release = THIS
    ) -> None:
        self._source = source
        self._begin = begin
        self._release = release
        self._tables = {table.name: table for table in release.metadata.sorted_tables}

    @property
    def names(self) -> tuple[str, ...]:
        """The tables."""
        return tuple(self._tables)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        query = select(func.count()).select_from(self._tables[table])
        return int(self._asked(lambda connection: connection.execute(query).scalar_one()))

    def last(self, table: str) -> int | None:
        """The highest key of a table; None when it has no row, or keys that are no single number."""
        key = _number(self._tables[table])
        if key is None:
            return None
        highest: int | None = self._asked(lambda connection: connection.execute(select(func.max(key))).scalar_one())
        return highest

    def rows(self, table: str, after: int | None = None) -> Iterator[tuple[Any, ...]]:
        """The rows of a table by its key, a page at a time: no transaction stays open between two."""
        described, limit = self._tables[table], FIRST_PAGE_ROWS
        last: tuple[Any, ...] = () if after is None else (after,)
        while page := self._page(described, last, limit):
            yield from page
            if len(page) < limit:
                return
            last = tuple(page[-1][place] for place in _key_places(described))
            limit = min(MOST_PAGE_ROWS, max(1, 2 * limit * PAGE_BYTES // (PAGE_BYTES + 2 * _size(page))))

    def add(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows in one transaction."""
        described = self._tables[table]
        names = described.columns.keys()
        values = [dict(zip(names, row, strict=True)) for row in rows]
        if values:
            with self._failing(), self._begin() as connection:
                connection.execute(described.insert(), values)

    def clear(self, table: str) -> None:
        """Remove every row of a table."""
        with self._failing(), self._begin() as connection:
            connection.execute(self._tables[table].delete())

    def finish(self) -> None:
        """Say which version of the schema this is: from now on an engine may open it."""
        with self._failing(), self._begin() as connection:
            opening.finish(connection, self._release)

    def close(self) -> None:
        """Close."""
        self._source.close()

    def _page(self, table: Table, last: tuple[Any, ...], limit: int) -> list[tuple[Any, ...]]:
        keys = list(table.primary_key.columns)
        query = select(table).order_by(*keys).limit(limit)
        if last:
            query = query.where(keys[0] > last[0] if len(keys) == 1 else tuple_(*keys) > last)
        return self._asked(lambda connection: [tuple(row) for row in connection.execute(query)])

    def _asked(self, ask: Callable[[Connection], T]) -> T:
        with self._failing():
            return ask(self._source.connection)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            # SQLAlchemy's own text quotes the statement and its parameters.
            cause = error.orig if isinstance(error.orig, Exception) else error
            raise self._source.failure(cause) from None


def begin_copy(connection: Connection, name: str, release: Release = THIS) -> None:
    """Make the tables of an unfinished copy, or go on with one. Raises ConfigurationError for a store in use."""
    if opening.is_unfinished(connection):
        return
    if opening.version_in(connection, name) is not None:
        problem = Problem(f"the store {name} is not empty", "copy into a database that has no store yet")
        raise ConfigurationError([problem])
    opening.create(connection, release, unfinished=True)


def check_copied(name: str, version: Version, release: Release = THIS) -> None:
    """Raise ConfigurationError unless this release knows every table and column of a store that is to be copied."""
    opening.check_readable(name, version, release)
    if version.number > release.version.number:
        problem = Problem(
            f"the store {name} has schema version {version.number}, of which this release knows only version "
            f"{release.version.number}: it would copy a part",
            "copy with the newest release that has run on it",
        )
        raise ConfigurationError([problem])


def _number(table: Table) -> Column[Any] | None:
    """The key of a table, if it is one number."""
    keys = list(table.primary_key.columns)
    return keys[0] if len(keys) == 1 and isinstance(keys[0].type, Integer) else None


def _key_places(table: Table) -> list[int]:
    """Where in a row its key stands."""
    columns = list(table.columns)
    return [columns.index(key) for key in table.primary_key.columns]


def _size(rows: Iterable[tuple[Any, ...]]) -> int:
    return sum(len(value) for row in rows for value in row if isinstance(value, bytes | str))
