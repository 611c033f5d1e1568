"""The session that writes: found dead it is opened anew, and a commit that it was lost in is looked up."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from messagefoundry_postgres.connecting import WRITING
from messagefoundry_postgres.dialect import DIALECT, STALE
from messagefoundry_postgres.failures import DISK_FULL, LOCKED, TOO_LATE, ConnectionLost, ServerError, failure
from messagefoundry_postgres.fencing import (
    BEGIN_BATCH,
    END_SESSION,
    FENCED,
    FORGET_EVERY,
    FORGET_MARKS,
    MARKED,
)
from messagefoundry_postgres.session import Session, open_session
from messagefoundry_postgres.wire import rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg.pq.abc import PGresult

    from messagefoundry.contracts.errors import MessageFoundryError
    from messagefoundry_postgres.place import Place
    from messagefoundry_postgres.wire import Wire
    from messagefoundry_sql import Cursor, Dialect

log = logging.getLogger(__name__)

PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between attempts to find out what became of a commit."""

_SYNCHRONOUS = "SELECT current_setting('synchronous_commit')"

ANSWER_SECONDS = 5
"""Beyond `command_timeout`, after which the server itself ends a statement."""

_HARMLESS = {STALE, FENCED, DISK_FULL, TOO_LATE, *LOCKED}
_OF_VALUES = ("22", "23", "54")


class PostgresDatabase:
    """The connection that writes, in one epoch. Statements gather; what asks for an answer, and COMMIT, sends them."""

    dialect: ClassVar[Dialect] = DIALECT
    errors: ClassVar[tuple[type[Exception], ...]] = (ServerError, ConnectionLost)

    def __init__(self, place: Place, epoch: int) -> None:
        self._place = place
        self._epoch = epoch
        self._number = 0
        self._closing = threading.Event()
        self._exchanging = threading.Lock()
        self._session: Session | None = self._connect()

    def cursor(self) -> Cursor:
        """The one cursor."""
        return PipelinedCursor(self)

    def failure(self, error: Exception) -> MessageFoundryError:
        """What an error means."""
        return failure(error, str(self._place))

    @property
    def wire(self) -> Wire:
        """The connection, opened anew if there is none. Raises ConnectionLost."""
        if self._session is None:
            self._session = self._connect()
        return self._session.wire

    def begin(self) -> None:
        """Begin a batch: its first statement is the fence."""
        if self._session is not None and not self._session.wire.alive():
            self._drop()
        wire = self.wire
        self._number += 1
        wire.send("BEGIN", ())
        wire.send(BEGIN_BATCH, (self._epoch, self._number))
        if self._number % FORGET_EVERY == 0:
            wire.send(FORGET_MARKS, (self._epoch, self._number - 2 * FORGET_EVERY, self._number - 1))

    def commit(self) -> None:
        """Send what has gathered, and COMMIT with it: the server stops at the first statement that fails."""
        wire = self.wire
        wire.send("COMMIT", ())
        try:
            self.exchange()
        except ConnectionLost as error:
            self._find_out(error)

    def exchange(self) -> list[PGresult]:
        """One round trip. A session that failed in an unusual way is not used again."""
        try:
            with self._exchanging:
                return self.wire.exchange()
        except ServerError as error:
            if error.sqlstate not in _HARMLESS and error.sqlstate[:2] not in _OF_VALUES:
                self._drop()
            raise

    def rollback(self) -> None:
        """End the transaction without its changes."""
        if self._session is None:
            return
        try:
            self._session.wire.send("ROLLBACK", ())
            try:
                self._session.wire.exchange()
            except ServerError:
                # What had gathered failed, and ROLLBACK was passed over with it.
                self._session.wire.send("ROLLBACK", ())
                self._session.wire.exchange()
        except (ServerError, ConnectionLost):
            self._drop()

    def bytes_free(self) -> int | None:
        """The server does not tell."""
        return None

    def close(self) -> None:
        """Close, and let go of a commit in another thread that gets no answer, or whose outcome is looked for."""
        self._closing.set()
        session = self._session
        while not self._exchanging.acquire(timeout=0.1):
            if session is not None:
                session.wire.interrupt()
        self._exchanging.release()
        self._drop()

    def _connect(self) -> Session:
        session = open_session(
            self._place, _settings(self._place), seconds=self._place.command_timeout + ANSWER_SECONDS
        )
        if self._place.synchronous == "full" and session.wire.ask(_SYNCHRONOUS) == [("off",)]:
            # A server's own choice stays, unless it is not to wait for its disk at all.
            session.wire.ask("SET synchronous_commit = on")
        return session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.wire.close()

    def _find_out(self, error: ConnectionLost) -> None:
        """Return when the batch was committed after all. Raises ConnectionLost when nothing of it was."""
        assert self._session is not None
        lost = self._session
        self._drop()
        log.warning("the connection to the store was lost during a commit (%s): looking up what became of it", error)
        attempt = 0
        while (committed := self._look_up(lost)) is None:
            if self._closing.wait(PAUSES[min(attempt, len(PAUSES) - 1)]):
                raise error
            attempt += 1
        if not committed:
            raise ConnectionLost(f"{error}; nothing of the batch was committed") from None
        log.warning("the commit had succeeded")

    def _look_up(self, lost: Session) -> bool | None:
        """Whether the batch of a lost session was committed; None while nobody can know."""
        patience = self._place.patience_seconds
        try:
            session = open_session(self._place, {}, seconds=patience, within=patience)
        except (ConnectionLost, ServerError):
            return None
        try:
            # Only when the lost session is gone can nothing of it still be on its way.
            if session.wire.ask(END_SESSION, lost.pid, lost.start) not in ([], [(True,)]):
                return None
            return session.wire.ask(MARKED, self._epoch, self._number) == [(1,)]
        except (ConnectionLost, ServerError):
            return None
        finally:
            session.wire.close()


class PipelinedCursor:
    """A `Cursor` whose statements gather until an answer is asked for."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._answer: PGresult | None = None

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> None:
        """Queue a statement. BEGIN goes to work with the fence; COMMIT returns when the batch is durable."""
        self._answer = None
        if statement == DIALECT.begin:
            self._database.begin()
        elif statement == "COMMIT":
            self._database.commit()
        else:
            self._database.wire.send(statement, parameters)

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed: a round trip."""
        return self._last().command_tuples or 0

    def fetchall(self) -> list[Any]:
        """All rows of the last query: a round trip."""
        return rows(self._last())

    def _last(self) -> PGresult:
        if self._answer is None:
            self._answer = self._database.exchange()[-1]
        return self._answer


def _settings(place: Place) -> Mapping[str, str]:
    return WRITING if place.synchronous == "full" else {**WRITING, "synchronous_commit": "off"}
