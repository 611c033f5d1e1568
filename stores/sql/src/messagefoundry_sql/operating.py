"""Connections and the engine itself: events, operators' stops, the mark of a running engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry_sql import trail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.units import HoldConnection, MarkRunning, NoteConnection
    from messagefoundry_sql.batch import Batch

_NOTE = "INSERT INTO connection_event (id, connection, at, kind, detail) VALUES (?, ?, ?, ?, ?)"
_HOLD = "UPDATE connection_hold SET held = ?, actor = ?, at = ? WHERE connection = ?"
_FIRST_HOLD = "INSERT INTO connection_hold (held, actor, at, connection) VALUES (?, ?, ?, ?)"


def note(batch: Batch, units: Sequence[NoteConnection]) -> None:
    """What happened to Connections."""
    for unit in units:
        batch.run(_NOTE, unit.id, unit.connection, unit.at, unit.kind, unit.detail)


def hold(batch: Batch, unit: HoldConnection) -> None:
    """An operator's stop or start, with its event."""
    state = (unit.held, unit.actor, unit.at, unit.connection)
    if not batch.changed(_HOLD, *state):
        batch.run(_FIRST_HOLD, *state)
    word = trail.HELD if unit.held else trail.RELEASED
    batch.run(_NOTE, unit.id, unit.connection, unit.at, word, trail.by(unit.actor))


def mark_running(batch: Batch, unit: MarkRunning) -> None:
    """The mark that a clean stop takes away."""
    rows = batch.rows("SELECT running FROM engine WHERE id = 1")
    unit.was_running = bool(rows and rows[0][0])
    if rows:
        batch.run("UPDATE engine SET running = ?, since = ? WHERE id = 1", unit.running, unit.at)
    else:
        batch.run("INSERT INTO engine (id, running, since, epoch) VALUES (1, ?, ?, 0)", unit.running, unit.at)
