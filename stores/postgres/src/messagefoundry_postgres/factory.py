"""The entry of the PostgreSQL store."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry_postgres.connecting import WRITING, check_server, connect
from messagefoundry_postgres.failures import ConnectionLost, failure
from messagefoundry_postgres.fencing import make_schema, raise_epoch
from messagefoundry_postgres.holding import PostgresHold
from messagefoundry_postgres.place import Place, place_of
from messagefoundry_postgres.store import PostgresStore
from messagefoundry_postgres.viewing import PostgresSource, engine_of, meaning, schema_change
from messagefoundry_postgres.writing import PostgresDatabase
from messagefoundry_sql import SqlReader, prepare
from messagefoundry_sql.copying import SqlTables, begin_copy, check_copied
from messagefoundry_sql.opening import check_readable, migrate, version_in
from messagefoundry_sql.surveying import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.stores import Backup, StoreLocation, StoreState
    from messagefoundry_sql.revisions import Version

_SYNCHRONOUS = {"full": "the log is flushed before every ACK", "normal": "the log is flushed a moment after an ACK"}


class PostgresStores:
    """Opens PostgreSQL stores; see `StoreFactory`."""

    def hold(self, location: StoreLocation) -> PostgresHold:
        """Become the one engine of this store."""
        place = place_of(location)
        with _opening(place):
            self._make(place)
            return PostgresHold(place)

    def open(self, location: StoreLocation, cipher: Cipher) -> PostgresStore:
        """Create or upgrade the schema, shut every earlier engine out, and open for writing."""
        place = place_of(location)
        with _opening(place):
            self._make(place)
            with engine_of(place).connect() as connection:
                version = _version_in(connection, place)
            prepare(str(place), version, lambda: schema_change(place))
            with connect(place, WRITING) as connection_of_ours:
                epoch = raise_epoch(connection_of_ours, place)
            return PostgresStore(PostgresDatabase(place, epoch), cipher)

    def reader(self, location: StoreLocation, cipher: Cipher) -> SqlReader:
        """Open for reading."""
        place = place_of(location)
        with _opening(place):
            source = PostgresSource(place)
            try:
                with source.connected() as connection:
                    check_readable(str(place), _version(connection, place))
                return SqlReader(source, cipher)
            except BaseException:
                source.close()
                raise

    def describe(self, location: StoreLocation) -> str:
        """The store in a few words."""
        place = place_of(location)
        durability = f"synchronous={place.synchronous}: {_SYNCHRONOUS[place.synchronous]}"
        return f"PostgreSQL {place} ({_privacy(place)}, {durability})"

    def control_path(self, location: StoreLocation) -> str:
        """The path of the engine's control socket: on this machine, where [store] path says."""
        return f"{location.path}.sock"

    def backup(self, location: StoreLocation, destination: Path, progress: Callable[[int, int], None]) -> Backup:
        """Refused: the server has its own tools."""
        place = place_of(location)
        problem = Problem(
            f"the store {place} is backed up by PostgreSQL's own tools",
            f"call pg_dump --schema={place.db_schema} {place.database}, or archive the server's log",
        )
        raise ConfigurationError([problem])

    def state(self, location: StoreLocation) -> StoreState:
        """The state of the store."""
        place = place_of(location)
        with _opening(place), engine_of(place).connect() as connection:
            return survey(connection, str(place), _version(connection, place), size=_size(connection))

    def migrate(self, location: StoreLocation, *, contract: bool) -> None:
        """Run the pending migrations."""
        place = place_of(location)
        with _opening(place):
            with engine_of(place).connect() as connection:
                _version(connection, place)
            with schema_change(place) as connection:
                migrate(connection, str(place), contract=contract)

    def tables(self, location: StoreLocation, *, fill: bool = False) -> SqlTables:
        """The tables, to read or to fill."""
        place = place_of(location)
        with _opening(place):
            if fill:
                self._make(place)
                with schema_change(place) as connection:
                    begin_copy(connection, str(place))
            else:
                with engine_of(place).connect() as connection:
                    check_copied(str(place), _version(connection, place))
            return SqlTables(PostgresSource(place), lambda: schema_change(place))

    def _make(self, place: Place) -> None:
        with connect(place, WRITING) as connection:
            check_server(connection, place)
            make_schema(connection, place)


POSTGRES = PostgresStores()


def _version_in(connection: Connection, place: Place) -> Version | None:
    """The version of the schema, None in an empty one. Raises ConfigurationError for another program's tables."""
    version = version_in(connection, str(place))
    if version is None and inspect(connection).has_table("message"):
        problem = Problem(f"{place} has tables of another program", "name another schema in [store] db_schema")
        raise ConfigurationError([problem])
    return version


def _version(connection: Connection, place: Place) -> Version:
    version = _version_in(connection, place)
    if version is None:
        problem = Problem(f"there is no store in {place} yet", "start the engine once, or check [store]")
        raise ConfigurationError([problem])
    return version


def _size(connection: Connection) -> int:
    query = """SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"""
    return int(connection.exec_driver_sql(query).scalar_one())


def _privacy(place: Place) -> str:
    if place.local:
        return "local socket"
    if not place.encrypt:
        return "NOT ENCRYPTED"
    return "TLS, the server's certificate not verified" if place.trust_server_certificate else "TLS"


@contextmanager
def _opening(place: Place) -> Iterator[None]:
    try:
        yield
    except ConnectionLost as error:
        raise failure(error, str(place)) from None
    except psycopg.errors.InsufficientPrivilege:
        raise _forbidden(place) from None
    except psycopg.Error as error:
        raise meaning(error, place) from None
    except DBAPIError as error:
        # SQLAlchemy's own text quotes the statement and its parameters.
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise _forbidden(place) from None
        raise meaning(error.orig if isinstance(error.orig, Exception) else error, place) from None


def _forbidden(place: Place) -> ConfigurationError:
    text = f"{place.username} may not create or use tables in {place}"
    mend = f"GRANT USAGE, CREATE ON SCHEMA {place.db_schema} TO {place.username}"
    return ConfigurationError([Problem(text, mend)])
