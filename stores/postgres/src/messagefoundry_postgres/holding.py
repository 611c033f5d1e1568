"""One engine for one store: a row with a deadline, renewed by a thread of its own for as long as the process lives."""

from __future__ import annotations

import logging
import math
import os
import secrets
import socket
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import EngineRunning
from messagefoundry.contracts.stores import boottime
from messagefoundry_postgres.failures import ConnectionLost, ServerError
from messagefoundry_postgres.processes import birth_of, is_gone, this_machine
from messagefoundry_postgres.session import Session, open_session

if TYPE_CHECKING:
    from messagefoundry_postgres.place import Place

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 0.2
RECONNECT_SECONDS = 1.0
RELEASE_SECONDS = 5.0
"""How long giving the lease back is waited for: it ends by itself when the server cannot be reached."""

_LOCK = "LOCK TABLE engine_lease IN EXCLUSIVE MODE"

_HOLDER = """SELECT host, pid, machine, birth, started, until > clock_timestamp(),
    EXISTS (SELECT 1 FROM pg_stat_activity AS its
        WHERE its.pid = session_pid AND its.backend_start::text = session_start)
    FROM engine_lease WHERE id = 1"""

_TAKE = """INSERT INTO engine_lease
    (id, token, host, pid, machine, birth, started, session_pid, session_start, until)
    VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + $9 * interval '1 millisecond')
    ON CONFLICT (id) DO UPDATE SET token = excluded.token, host = excluded.host, pid = excluded.pid,
    machine = excluded.machine, birth = excluded.birth, started = excluded.started,
    session_pid = excluded.session_pid, session_start = excluded.session_start, until = excluded.until"""

_RENEW = """UPDATE engine_lease SET session_pid = $1, session_start = $2,
    until = clock_timestamp() + $3 * interval '1 millisecond' WHERE id = 1 AND token = $4"""

_RELEASE = "DELETE FROM engine_lease WHERE id = 1 AND token = $1"


class PostgresHold:
    """The lease, held; a `Lease`. Raises EngineRunning while another engine renews it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._token = secrets.token_hex(16)
        self._released = threading.Event()
        self._deadline = -math.inf
        session = open_session(place, {}, seconds=place.command_timeout)
        try:
            self._take(session)
        except BaseException:
            session.wire.close()
            raise
        self._thread = threading.Thread(target=self._keep, args=(session,), name="lease", daemon=True)
        self._thread.start()

    def deadline(self) -> float:
        """Until when a send may begin, on CLOCK_BOOTTIME."""
        return self._deadline

    def release(self) -> None:
        """Let another engine have the store."""
        self._released.set()
        self._thread.join(RELEASE_SECONDS)

    def _take(self, session: Session) -> None:
        """Wait for a holder that may be dead until its lease ends; one that is alive is not waited for."""
        ask = session.wire.ask
        asked = boottime()
        while not self._free(session):
            ask("ROLLBACK")
            time.sleep(LOOK_AGAIN_SECONDS)
            asked = boottime()
        started = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
        pid = os.getpid()
        process = (socket.gethostname(), pid, this_machine(), birth_of(pid), started)
        ask(_TAKE, self._token, *process, session.pid, session.start, self._lease_milliseconds)
        ask("COMMIT")
        self._deadline = asked + self._place.fence_seconds

    def _free(self, session: Session) -> bool:
        """Lock the lease in a transaction; whether it may be taken. Raises EngineRunning when its holder is alive."""
        session.wire.ask("BEGIN")
        session.wire.ask(_LOCK)
        holders = session.wire.ask(_HOLDER)
        if not holders or is_over(holders[0]):
            return True
        if holders[0][6]:
            raise EngineRunning(_who(self._place, holders[0]))
        return False

    def _keep(self, session: Session | None) -> None:
        """Renew until released, or until another engine has the lease."""
        pause = heartbeat = self._place.heartbeat_seconds
        while not self._released.wait(pause):
            try:
                session = session or open_session(self._place, {}, seconds=heartbeat, within=heartbeat)
                if not self._renew(session):
                    break
                if pause != heartbeat:
                    log.warning("the lease on the store is renewed again")
                pause = heartbeat
            except (ServerError, ConnectionLost) as error:
                if pause == heartbeat:  # said once, not for every attempt
                    log.warning("the lease on the store was not renewed: %s", error)
                if session is not None:
                    session.wire.close()
                session, pause = None, min(RECONNECT_SECONDS, heartbeat / 2)
        self._end(session)

    def _renew(self, session: Session) -> bool:
        asked = boottime()
        renewed = session.wire.ask(_RENEW, session.pid, session.start, self._lease_milliseconds, self._token)
        if renewed == [(0,)]:
            log.error("another engine has taken over the store %s", self._place)
            return False
        self._deadline = asked + self._place.fence_seconds
        return True

    def _end(self, session: Session | None) -> None:
        self._deadline = -math.inf
        try:
            session = session or open_session(self._place, {}, seconds=RECONNECT_SECONDS, within=RECONNECT_SECONDS)
            session.wire.ask(_RELEASE, self._token)
            session.wire.close()
        except (ServerError, ConnectionLost) as error:
            log.warning("the lease on the store was not given back, and ends by itself: %s", error)

    @property
    def _lease_milliseconds(self) -> int:
        return int(self._place.lease_ttl_seconds * 1000)


def is_over(holder: tuple[Any, ...]) -> bool:
    """Whether a lease has ended, or its process has, as far as that can be seen from here."""
    _, pid, machine, birth, _, fresh, _ = holder
    return not fresh or is_gone(machine, pid, birth)


def _who(place: Place, holder: tuple[Any, ...]) -> str:
    host, pid, _, _, started, *_ = holder
    return f"another engine holds the store {place}: on host {host}, pid {pid}, started {started}"
