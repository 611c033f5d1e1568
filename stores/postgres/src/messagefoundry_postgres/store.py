"""The writing side over a wire: a batch can be sent while those before it are on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry_sql import SqlStore, needs_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import Unit
    from messagefoundry_postgres.writing import PostgresDatabase


class PostgresStore(SqlStore):
    """An `AheadStore`."""

    def __init__(self, database: PostgresDatabase, cipher: Cipher) -> None:
        super().__init__(database, cipher)
        self._wire = database

    def commit(self, units: Sequence[Unit]) -> None:
        """Apply all units, or none, and make them durable. See `Store.commit`."""
        if self._wire.sending:
            raise RuntimeError("a batch is committed while others are on their way")
        super().commit(units)

    def send(self, units: Sequence[Unit]) -> bool:
        """Send a batch, and do not wait. See `AheadStore.send`."""
        if needs_answers(units):
            return False
        spoilt: BaseException | None = None
        try:
            self._apply(units)
        except Exception as error:  # noqa: BLE001 - raised when its turn comes
            spoilt = error
        self._wire.send(spoilt)
        return True

    def collect(self, within: float | None = None) -> bool:
        """Wait until the oldest batch that was sent is durable. See `AheadStore.collect`."""
        database = self._wire
        try:
            return database.collect(within)
        except database.errors as error:
            database.rollback()
            raise database.failure(error) from error
        except BaseException:
            database.rollback()
            raise
