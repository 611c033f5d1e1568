"""One connection in libpq's pipeline mode: statements are queued, sent together, and their results fetched together.

libpq is used directly: of psycopg's cursor, each statement costs a dozen times as much. Parameters carry no type, so
that one text is one prepared statement, whatever the sizes of numbers and wherever a NULL stands.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus

from messagefoundry_postgres.failures import ConnectionLost, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.pq.abc import PGresult

TEXT, BINARY = 0, 1
NUL_REFUSED = "22021"
ENDING = (b"FATAL", b"PANIC")


class Wire:
    """The connection. `seconds` is how long an exchange may take before the connection is given up."""

    def __init__(self, connection: psycopg.Connection[Any], seconds: float) -> None:
        self._connection = connection
        self._pg = connection.pgconn
        self._seconds = seconds
        self._prepared: dict[str, bytes] = {}
        self._names = 0
        self._awaited: deque[str | None] = deque()
        self._results: list[PGresult] = []
        self._refused: ServerError | None = None
        self._unsent = False
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)
        self._pg.enter_pipeline_mode()

    def alive(self) -> bool:
        """Whether the connection is fit for use, as far as can be known without a round trip."""
        self._poll.modify(self._pg.socket, select.POLLIN)
        try:
            # What a server says before it ends a session, and the end itself, are two reads.
            while self._pg.status == ConnStatus.OK and self._poll.poll(0):
                self._pg.consume_input()
        except psycopg.Error:
            return False
        return self._pg.status == ConnStatus.OK

    def send(self, statement: str, parameters: Sequence[Any]) -> None:
        """Queue a statement, prepared the first time. Raises ServerError for a value that can never be sent."""
        values, formats = encoded(parameters)
        try:
            name = self._prepared.get(statement) or self._prepare(statement)
            self._pg.send_query_prepared(name, values, formats, BINARY)
        except psycopg.Error as error:
            raise ConnectionLost(_reason(error)) from None
        self._awaited.append(None)

    def _prepare(self, statement: str) -> bytes:
        self._names += 1
        name = b"s%d" % self._names
        self._pg.send_prepare(name, statement.encode())
        self._prepared[statement] = name
        self._awaited.append(statement)
        return name

    def exchange(self) -> list[PGresult]:
        """Send what is queued; the results of the statements, in order. Nothing else may be on its way.

        Raises ServerError for the first statement that failed, after which the server passed over the others, and
        ConnectionLost when there is no telling what the server did.
        """
        self.dispatch()
        results = self.collect()
        assert results is not None
        return results

    def dispatch(self) -> None:
        """Send what is queued, and do not wait for the results: `collect` gives them. Raises ConnectionLost."""
        try:
            self._pg.pipeline_sync()
            self._unsent = bool(self._pg.flush())
        except psycopg.Error as error:
            raise ConnectionLost(_reason(error)) from None

    def collect(self, within: float | None = None) -> list[PGresult] | None:
        """The results of the oldest dispatch; None when they have not all come `within` so many seconds.

        Raises as `exchange` does.
        """
        seconds = self._seconds if within is None else within
        deadline = time.monotonic() + seconds
        try:
            while (result := self._next(deadline)) is not None:
                if result.status == ExecStatus.PIPELINE_SYNC:
                    return self._whole()
                self._take(result)
        except psycopg.Error as error:
            raise ConnectionLost(_reason(error)) from None
        if within is None:
            raise ConnectionLost("it gave no answer in time")
        return None

    def _take(self, result: PGresult) -> None:
        """A result of the oldest dispatch."""
        prepared = self._awaited.popleft()
        self._refused = self._refused or refusal(result)
        if prepared is None:
            self._results.append(result)
        elif result.status != ExecStatus.COMMAND_OK:
            self._prepared.pop(prepared, None)

    def _whole(self) -> list[PGresult]:
        """All of them, or the error of the first that failed."""
        results, self._results = self._results, []
        refused, self._refused = self._refused, None
        if refused is not None:
            raise refused
        return results

    def _next(self, deadline: float) -> PGresult | None:
        """The next result, while what is not sent yet goes out; None when the deadline has passed."""
        while True:
            while not self._pg.is_busy():
                result = self._pg.get_result()
                if result is not None:
                    return result
                if self._pg.status != ConnStatus.OK:
                    raise ConnectionLost("it ended")
                if time.monotonic() >= deadline:
                    return None
            self._poll.modify(self._pg.socket, select.POLLIN | (select.POLLOUT if self._unsent else 0))
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            for _, ready in self._poll.poll(left * 1000):
                if ready & ~select.POLLOUT:
                    self._pg.consume_input()
                if self._unsent:
                    self._unsent = bool(self._pg.flush())

    def ask(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement gives, or of a change the number of changed rows as one row of one column."""
        self.send(statement, parameters)
        result = self.exchange()[-1]
        return rows(result) if result.nfields else [(result.command_tuples or 0,)]

    def interrupt(self) -> None:
        """End an exchange that another thread waits in: it raises ConnectionLost."""
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self._pg.socket)) as same:
            same.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close. Never raises."""
        self._connection.close()


def refusal(result: PGresult) -> ServerError | None:
    """What a result says went wrong. Raises ConnectionLost when the server ends the session with it."""
    if result.status != ExecStatus.FATAL_ERROR:
        return None
    state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
    if not state or result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) in ENDING:
        raise ConnectionLost(f"the server ended the session ({state})" if state else "it ended")
    return ServerError(state)


def encoded(parameters: Sequence[Any]) -> tuple[list[bytes | None], list[int]]:
    """Values and formats as libpq takes them."""
    values: list[bytes | None] = []
    formats: list[int] = []
    for value in parameters:
        kind = type(value)
        formats.append(BINARY if kind is bytes else TEXT)
        if value is None or kind is bytes:
            values.append(value)
        elif kind is int:
            values.append(b"%d" % value)
        elif kind is bool:
            values.append(b"t" if value else b"f")
        else:
            text = value.encode()
            if b"\0" in text:
                raise ServerError(NUL_REFUSED)
            values.append(text)
    return values, formats


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


_DECODERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda value: value == b"\1",  # boolean
    17: bytes,  # bytea
    20: _number,  # bigint
    21: _number,  # smallint
    23: _number,  # integer
    25: bytes.decode,  # text
    705: bytes.decode,  # unknown
    1043: bytes.decode,  # varchar
}
"""By the type's OID; the statements of a store give no other types."""


def rows(result: PGresult) -> list[tuple[Any, ...]]:
    """The rows of a result, decoded."""
    columns = [(number, _DECODERS[result.ftype(number)]) for number in range(result.nfields)]
    get = result.get_value
    return [
        tuple(None if (value := get(row, column)) is None else decode(value) for column, decode in columns)
        for row in range(result.ntuples)
    ]


def _reason(error: psycopg.Error) -> str:
    return "; ".join(str(error).split("\n")).strip()
