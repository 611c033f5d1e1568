"""The writing side: batches of units become transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.contracts import units as kinds
from messagefoundry_sql.batch import Batch
from messagefoundry_sql.dead_lettering import dead_letter
from messagefoundry_sql.handing_off import hand_off
from messagefoundry_sql.keeping import keep_reference
from messagefoundry_sql.operating import hold, mark_running, note
from messagefoundry_sql.receiving import (
    forget_once,
    mark_attempt,
    receive,
    receive_batch,
    receive_once,
    refuse,
)
from messagefoundry_sql.refilling import read_bookmark, refill_flow, refill_lane
from messagefoundry_sql.replaying import replay, replay_dead
from messagefoundry_sql.resending import resend
from messagefoundry_sql.settling import answer_late, deliver, die, retry
from messagefoundry_sql.statements import Statements
from messagefoundry_sql.sweeping import sweep_removed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import Unit
    from messagefoundry_sql.database import Database

_TOGETHER: dict[type[Unit], Callable[[Batch, Any], None]] = {
    kinds.Receive: receive,
    kinds.ReceiveOnce: receive_once,
    kinds.HandOff: hand_off,
    kinds.SettleDelivered: deliver,
    kinds.SettleRetry: retry,
    kinds.SettleDead: die,
    kinds.NoteLateAnswer: answer_late,
    kinds.NoteConnection: note,
}
"""Kinds that are applied together: their order within a run does not matter, for no two touch one row. Those that are
received once come first in a run: they look at messages, and nothing has gathered yet that would have to be there."""

_SINGLY: dict[type[Unit], Callable[[Batch, Any], None]] = {
    kinds.Refuse: refuse,
    kinds.ReceiveBatch: receive_batch,
    kinds.ForgetOnce: forget_once,
    kinds.KeepReference: keep_reference,
    kinds.MarkAttempt: mark_attempt,
    kinds.ReadBookmark: read_bookmark,
    kinds.RefillLane: refill_lane,
    kinds.RefillFlow: refill_flow,
    kinds.Replay: replay,
    kinds.ReplayDead: replay_dead,
    kinds.Resend: resend,
    kinds.DeadLetter: dead_letter,
    kinds.SweepRemoved: sweep_removed,
    kinds.HoldConnection: hold,
    kinds.MarkRunning: mark_running,
}
"""Kinds that read, or that are rare: each sees what the units before it did. Of the others, only ReceiveOnce has filled
members, and asks."""

_ASKING = {*_SINGLY, kinds.ReceiveOnce}

_HIGHEST = """SELECT max(id) FROM (SELECT max(id) AS id FROM message UNION ALL SELECT max(id) FROM work
    UNION ALL SELECT max(id) FROM event UNION ALL SELECT max(id) FROM connection_event
    UNION ALL SELECT max(id) FROM state UNION ALL SELECT max(snapshot_id) FROM reference_set) AS highest"""


class SqlStore:
    """A `Store` on an open database."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._statements = Statements(database.dialect)
        self._cursor = database.cursor()

    def commit(self, units: Sequence[Unit]) -> None:
        """Apply all units, or none, and make them durable. See `Store.commit`."""
        database = self._database
        try:
            self._apply(units)
            self._cursor.execute("COMMIT")
        except database.errors as error:
            database.rollback()
            raise database.failure(error) from error
        except BaseException:
            database.rollback()
            raise

    def _apply(self, units: Sequence[Unit]) -> None:
        """Everything of a transaction but its end."""
        cursor = self._cursor
        batch = Batch(cursor, self._database.dialect, self._statements, self._cipher)
        cursor.execute(self._database.dialect.begin)
        for kind, group in _runs(units):
            if kind in _SINGLY:
                batch.flush()
                group[0].clear()
                _SINGLY[kind](batch, group[0])
            else:
                _TOGETHER[kind](batch, group)
        batch.flush()
        batch.finalize()

    def last_id(self) -> int:
        """The highest id in any table, 0 for none."""
        try:
            self._cursor.execute(_HIGHEST)
            return int(self._cursor.fetchall()[0][0] or 0)
        except self._database.errors as error:
            raise self._database.failure(error) from error

    def bytes_free(self) -> int | None:
        """Space left on the store's disk, or None when that cannot be known."""
        return self._database.bytes_free()

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def needs_answers(units: Sequence[Unit]) -> bool:
    """Whether applying these asks the database something on the way."""
    return any(type(unit) in _ASKING or (type(unit) is kinds.Receive and unit.bookmark) for unit in units)


def _runs(units: Sequence[Unit]) -> Iterator[tuple[type[Unit], list[Any]]]:
    """The units as they are applied: those of one kind together, but none moved past one that is applied singly."""
    groups: dict[type[Unit], list[Any]] = {}
    for unit in units:
        kind = type(unit)
        if kind in _TOGETHER:
            groups.setdefault(kind, []).append(unit)
        else:
            yield from _in_turn(groups)
            groups = {}
            yield kind, [unit]
    yield from _in_turn(groups)


def _in_turn(groups: dict[type[Unit], list[Any]]) -> Iterator[tuple[type[Unit], list[Any]]]:
    once = groups.pop(kinds.ReceiveOnce, None)
    if once:
        yield kinds.ReceiveOnce, once
    yield from groups.items()
