"""The PostgreSQL store keeps every clause."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import pytest

from messagefoundry.testing import StoreConformance, StoreSubject
from messagefoundry_postgres import connecting
from messagefoundry_postgres.factory import POSTGRES
from tests.postgres.target import administrator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.contracts.stores import StoreLocation


class InSchema(StoreSubject):
    factory = POSTGRES
    reference = "messagefoundry_postgres.factory:POSTGRES"

    def __init__(self, location: StoreLocation) -> None:
        self.location = location

    @property
    def _schema(self) -> str:
        return str(self.location.options["db_schema"])

    def outage(self) -> AbstractContextManager[None]:
        return self._locked()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Another session keeps the tables locked."""
        with administrator(dict(self.location.options)) as other, other.transaction():
            other.execute(f"LOCK TABLE {self._schema}.event, {self._schema}.message IN EXCLUSIVE MODE")
            yield

    def at_rest(self) -> bytes:
        """Every row of every table; values of bytes as they are."""
        with administrator(dict(self.location.options)) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (self._schema,))
            return b"\n".join(
                value if isinstance(value, bytes) else str(value).encode()
                for (table,) in tables.fetchall()
                for row in connection.execute(f"SELECT * FROM {self._schema}.{table}").fetchall()
                for value in row
            )


class TestPostgres(StoreConformance):
    @pytest.fixture
    def subject(self, location: StoreLocation, monkeypatch: pytest.MonkeyPatch) -> InSchema:
        monkeypatch.setattr(connecting, "LOCK_SECONDS", 0.1)
        return InSchema(location)
