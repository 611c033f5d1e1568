"""SQLAlchemy on top of psycopg: for reading, and for changing the schema."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Connection, NullPool, QueuePool, create_engine

from messagefoundry_postgres.connecting import READING, connect
from messagefoundry_postgres.failures import ConnectionLost, ServerError, failure
from messagefoundry_postgres.fencing import shut_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

    from messagefoundry.contracts.errors import MessageFoundryError
    from messagefoundry_postgres.place import Place


def engine_of(place: Place, settings: Mapping[str, str] = READING) -> Engine:
    """SQLAlchemy's engine for a place, each connection a session of its own that closes with it."""
    return create_engine("postgresql+psycopg://", creator=lambda: connect(place, settings), poolclass=NullPool)


@contextmanager
def schema_change(place: Place) -> Iterator[Connection]:
    """One transaction that shuts other schema changes out; an exception rolls it back."""
    with engine_of(place, {"statement_timeout": "0"}).connect() as connection, connection.begin():
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        raw.autocommit = False
        shut_out(raw, place)
        yield connection


class PostgresSource:
    """A store to read from, with at most `pool_size` sessions. Each is looked after before it is used again."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._engine = create_engine(
            "postgresql+psycopg://",
            creator=self._session,
            isolation_level="AUTOCOMMIT",
            poolclass=QueuePool,
            pool_size=place.pool_size,
            max_overflow=0,
            pool_pre_ping=True,
        )
        self._lasting: Connection | None = None

    def _session(self) -> psycopg.Connection[Any]:
        try:
            return connect(self._place, READING)
        except ConnectionLost as error:
            raise meaning(error, self._place) from None

    @property
    def connection(self) -> Connection:
        """A connection in autocommit, the same each time."""
        if self._lasting is None:
            self._lasting = self._engine.connect()
        return self._lasting

    def connected(self) -> Connection:
        """A connection for a single look-up, for any thread."""
        return self._engine.connect()

    def failure(self, error: Exception) -> MessageFoundryError:
        """What an error of psycopg means."""
        return meaning(error, self._place)

    def integrity(self) -> list[str]:
        """What the server has noticed: pages whose checksum was wrong. Finding more is pg_amcheck's work."""
        query = "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()"
        with self.connected() as connection:
            failures = connection.exec_driver_sql(query).scalar_one()
        return [f"{failures} pages had a wrong checksum"] if failures else []

    def close(self) -> None:
        """Close."""
        if self._lasting is not None:
            self._lasting.close()
        self._engine.dispose()


def meaning(error: Exception, place: Place) -> MessageFoundryError:
    """What an error of psycopg means. No text of the server's is passed on: it may quote values."""
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return failure(ServerError(error.sqlstate), str(place))
    if isinstance(error, psycopg.Error):
        return failure(ConnectionLost(type(error).__name__), str(place))
    return failure(error, str(place))
