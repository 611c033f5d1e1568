"""The stores of a torture over PostgreSQL: each round has a schema of its own."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry_postgres.factory import POSTGRES
from messagefoundry_postgres.place import place_of
from messagefoundry_postgres.viewing import engine_of
from tests.acceptance.waiting import until
from tests.postgres.engine import environment_of
from tests.postgres.server import Server
from tests.postgres.target import NAMED, administrator, drop_schema, named_options, options_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

LEASE_SECONDS = 3


@dataclass(frozen=True)
class PostgresStore:
    """A schema. The sessions of its engines carry the name that `location` gives them, and nobody else's do."""

    location: StoreLocation

    @property
    def environment(self) -> dict[str, str]:
        return environment_of(self.location)

    def begun(self) -> bool:
        return self._count("pg_namespace WHERE nspname = %s", "db_schema") > 0

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with engine_of(place_of(self.location)).connect() as connection:
            yield connection

    def await_rest(self) -> None:
        """The server notices that an engine is dead when it has done what that asked for last, or at once."""
        until(self._is_left, "the server has ended the sessions of the dead engine")

    def _is_left(self) -> bool:
        return not self._count("pg_stat_activity WHERE application_name = %s", "application_name")

    def damage(self) -> list[str]:
        with closing(POSTGRES.reader(self.location, Plaintext())) as reader:
            return reader.integrity()

    def remove(self) -> None:
        drop_schema(dict(self.location.options), str(self.location.options["db_schema"]))

    def _count(self, rows: str, option: str) -> int:
        with administrator(dict(self.location.options)) as connection:
            found = connection.execute(f"SELECT count(*) FROM {rows}", [self.location.options[option]]).fetchone()
        assert found is not None
        return int(str(found[0]))


class PostgresStores:
    """Schemas on the server that MEFOR_TEST_POSTGRES names, else on one of the tests' own.

    That one goes with the last round, unless a schema was kept: then its folder stays.
    """

    name = "postgres"

    def __init__(self) -> None:
        named = named_options()
        self._server = Server() if named is None else None
        self._options = named if self._server is None else options_of(self._server)
        self._kept: set[str] = set()

    def in_directory(self, directory: Path) -> PostgresStore:
        assert self._options is not None
        own = {"db_schema": directory.name, "application_name": directory.name, "lease_ttl_seconds": LEASE_SECONDS}
        return PostgresStore(StoreLocation("postgres", str(directory / "engine"), options={**self._options, **own}))

    def whereabouts(self, directory: Path) -> str:
        self._kept.add(directory.name)
        folder = None if self._server is None else f"the server's folder {self._server.data}"
        return f"the schema {directory.name} in {folder or f'the database of {NAMED}'}"

    def close(self) -> None:
        if self._server is None:
            return
        if self._kept:
            self._server.stop()
        else:
            self._server.remove()
