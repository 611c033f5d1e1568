"""The session that writes: found dead it is opened anew, and what it was lost in committing is looked up.

A batch can be sent while those before it are on their way. The server takes them in turn, and one fails when the one
before it has.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from messagefoundry_postgres.connecting import WRITING
from messagefoundry_postgres.dialect import DIALECT, STALE
from messagefoundry_postgres.failures import DISK_FULL, LOCKED, TOO_LATE, ConnectionLost, ServerError, failure
from messagefoundry_postgres.fencing import (
    BEGIN_BATCH,
    BEHIND,
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

NEVER_MARKED = -1
"""The number of a batch that is not committed: what is sent after it fails."""

MARKS_KEPT = 8
"""So many of the newest marks are never forgotten: more than there are batches on their way."""

_HARMLESS = {STALE, FENCED, DISK_FULL, TOO_LATE, *LOCKED}
_OF_VALUES = ("22", "23", "54")


@dataclass(slots=True)
class Sent:
    """A batch on its way. `error` is why it cannot be committed; `committed` is what was found out about it."""

    number: int
    error: BaseException | None = None
    committed: bool | None = None


class PostgresDatabase:
    """The connection that writes, in one epoch. Statements gather; what asks for an answer, and COMMIT, sends them."""

    dialect: ClassVar[Dialect] = DIALECT
    errors: ClassVar[tuple[type[Exception], ...]] = (ServerError, ConnectionLost)

    def __init__(self, place: Place, epoch: int) -> None:
        self._place = place
        self._epoch = epoch
        self._number = 0
        self._sent: deque[Sent] = deque()
        self._begun = False
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
        """The connection; between batches, opened anew if there is none. Raises ConnectionLost."""
        session = self._session
        if session is None:
            if self._begun or self._closing.is_set():
                raise ConnectionLost("it was closed in the middle of a batch")
            session = self._session = self._connect()
        return session.wire

    @property
    def sending(self) -> bool:
        """Whether a batch that was sent has not been collected yet."""
        return bool(self._sent)

    def begin(self) -> None:
        """Begin a batch: its first statement is the fence."""
        if not self._sent and self._session is not None and not self._session.wire.alive():
            self._drop()
        self._begun = False
        wire = self.wire
        self._begun = True  # from here on, every statement goes where this one goes, or nowhere
        self._number += 1
        wire.send("BEGIN", ())
        wire.send(BEGIN_BATCH, (self._epoch, self._number))
        if self._sent:
            wire.send(BEHIND, (self._epoch, self._sent[-1].number))
        if self._number % FORGET_EVERY == 0:
            # Those that may yet have to be looked for are kept.
            wire.send(FORGET_MARKS, (self._epoch, self._number - 2 * FORGET_EVERY, self._number - MARKS_KEPT))

    def commit(self) -> None:
        """Send what has gathered, and COMMIT with it: the server stops at the first statement that fails."""
        self.wire.send("COMMIT", ())
        try:
            self.exchange()
        except ConnectionLost as error:
            lost = Sent(self._number)
            self._find_out(error, [lost])
            if not lost.committed:
                raise ConnectionLost(f"{error}; nothing of the batch was committed") from None
            log.warning("the commit had succeeded")
        self._begun = False

    # -- batches that are sent ahead -----------------------------------------------------------------------------

    def send(self, error: BaseException | None) -> None:
        """Send what has gathered, and go on. With `error` the batch is spoilt: `collect` will raise it."""
        sent = Sent(NEVER_MARKED if error else self._number, error)
        self._sent.append(sent)
        session, self._begun = self._session, False
        if session is None:
            sent.committed = False
            sent.error = error or ConnectionLost("it was closed in the middle of a batch")
            return
        try:
            session.wire.send("COMMIT" if error is None else "ROLLBACK", ())
            session.wire.dispatch()
        except ConnectionLost:
            pass  # `collect` meets it too, and finds out what became of this batch and of those before it

    def collect(self, within: float | None) -> bool:
        """Wait until the oldest batch that was sent is durable; False when it is not `within` so many seconds.

        When it raises, the batches sent after that one are not committed either, and nothing is on its way any more.
        """
        oldest = self._sent[0]
        try:
            if oldest.committed is None and not self._answered(within):
                return False
            if oldest.error is not None:
                raise oldest.error
        except BaseException:
            self._give_up()
            raise
        self._sent.popleft()
        return True

    def _answered(self, within: float | None) -> bool:
        """Take the server's answer to the oldest; False when it has not come yet."""
        oldest, session = self._sent[0], self._session
        if session is None:
            raise ConnectionLost("it was closed, and what became of a batch is not known")
        try:
            with self._exchanging:
                if session.wire.collect(within) is None:
                    return False
            oldest.committed = oldest.error is None
        except ConnectionLost as error:
            self._find_out(error, [sent for sent in self._sent if sent.error is None])
            for sent in self._sent:
                if not sent.committed:
                    sent.committed = False
                    sent.error = sent.error or ConnectionLost(f"{error}; nothing of the batch was committed")
        except ServerError as error:
            self._drop_if_unusual(error)
            oldest.error = oldest.error or error
        return True

    def _give_up(self) -> None:
        """Forget the batches that are on their way: none is committed, as the one before it is not."""
        self._sent.popleft()
        while self._sent:
            sent, session = self._sent.popleft(), self._session
            if session is not None and sent.committed is None:
                try:
                    with self._exchanging:
                        session.wire.collect()
                except ServerError:
                    pass  # as it must
                except ConnectionLost:
                    self._drop()

    def exchange(self) -> list[PGresult]:
        """One round trip. A session that failed in an unusual way is not used again."""
        assert not self._sent, "an answer is asked for while a batch is on its way"
        try:
            with self._exchanging:
                return self.wire.exchange()
        except ServerError as error:
            self._drop_if_unusual(error)
            raise

    def _drop_if_unusual(self, error: ServerError) -> None:
        if error.sqlstate not in _HARMLESS and error.sqlstate[:2] not in _OF_VALUES:
            self._drop()

    def rollback(self) -> None:
        """End the transaction without its changes."""
        session, self._begun = self._session, False
        if session is None:
            return
        try:
            session.wire.send("ROLLBACK", ())
            try:
                session.wire.exchange()
            except ServerError:
                # What had gathered failed, and ROLLBACK was passed over with it.
                session.wire.send("ROLLBACK", ())
                session.wire.exchange()
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

    def _find_out(self, error: ConnectionLost, batches: Sequence[Sent]) -> None:
        """Find out which batches the lost session has committed. Raises `error` when the store is closed meanwhile."""
        lost = self._session
        if lost is None:
            raise error  # closed meanwhile: nobody can say
        self._drop()
        log.warning("the connection to the store was lost during a commit (%s): looking up what became of it", error)
        attempt = 0
        while not self._look_up(lost, batches):
            if self._closing.wait(PAUSES[min(attempt, len(PAUSES) - 1)]):
                raise error
            attempt += 1

    def _look_up(self, lost: Session, batches: Sequence[Sent]) -> bool:
        """Whether it can be known which batches of a lost session were committed; if so, they say it."""
        patience = self._place.patience_seconds
        try:
            session = open_session(self._place, {}, seconds=patience, within=patience)
        except (ConnectionLost, ServerError):
            return False
        try:
            # Only when the lost session is gone can nothing of it still be on its way.
            if session.wire.ask(END_SESSION, lost.pid, lost.start) not in ([], [(True,)]):
                return False
            for sent in batches:
                sent.committed = session.wire.ask(MARKED, self._epoch, sent.number) == [(1,)]
        except (ConnectionLost, ServerError):
            return False
        finally:
            session.wire.close()
        return True


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
