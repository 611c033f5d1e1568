"""The texts of the statements that every message needs, made once at open for one dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry_sql.finalizer import DISPOSITION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry_sql.database import Dialect

NOT_ROUTED_YET = "coalesce(routing, '') = '' AND refusal IS NULL"
"""For a message that is named. Said otherwise than in the index of unrouted messages: as long as PostgreSQL has no
statistics, it would rather go through all of those than look up the one."""

MOST_ROWS = 64
"""Rows of one INSERT. Every number of rows up to this is a text of its own, prepared once and then cached."""


class MultiRow:
    """An INSERT of any number of rows. Parameters are one flat list: the driver takes it as it is."""

    def __init__(self, dialect: Dialect, table: str, columns: str) -> None:
        self._width = len(columns.split())
        self._spell = dialect.spell
        self._row = "(" + ", ".join("?" for _ in range(self._width)) + ")"
        self._head = f"INSERT INTO {table} ({', '.join(columns.split())}) VALUES "
        self._texts: dict[int, str] = {}

    def chunks(self, parameters: list[Any]) -> Iterator[tuple[str, list[Any]]]:
        """Statements that add the rows of `parameters`, with the parameters of each."""
        most = MOST_ROWS * self._width
        if len(parameters) <= most:
            yield self._text(len(parameters) // self._width), parameters
            return
        for start in range(0, len(parameters), most):
            chunk = parameters[start : start + most]
            yield self._text(len(chunk) // self._width), chunk

    def _text(self, rows: int) -> str:
        text = self._texts.get(rows)
        if text is None:
            text = self._texts[rows] = self._spell(self._head + ", ".join([self._row] * rows))
        return text


class Statements:
    """All texts of the hot path. Whoever runs one spells it."""

    def __init__(self, dialect: Dialect) -> None:
        among = dialect.among
        self.add_messages = MultiRow(
            dialect,
            "message",
            "id ingress_id inbound received_at content_type encoding control_id message_type peer size parent_id depth",
        )
        self.add_bodies = MultiRow(dialect, "body", "id sealed")
        self.add_work = MultiRow(
            dialect,
            "work",
            "id message_id inbound stage lane handler state content_type error simulate changed_at size",
        )
        self.add_events = MultiRow(dialect, "event", "id message_id at kind connection detail reply")
        self.add_arrivals = MultiRow(dialect, "arrival", "id identity digest")
        self.add_meta = MultiRow(dialect, "message_meta", "message_id name value")
        self.add_states = MultiRow(dialect, "state", "id namespace digest sealed changed_at")
        self.hand_off = f"UPDATE message SET routing = ?, attempts = 0 WHERE {among('id')} AND {NOT_ROUTED_YET}"
        self.deliver = (
            "UPDATE work SET state = 'delivered', attempts = ?, changed_at = ?, error = NULL"
            f" WHERE {among('id')} AND state = 'waiting'"
        )
        self.finalize = f"UPDATE message SET disposition = {DISPOSITION} WHERE {among('id')}"
        self.arrived = (
            "SELECT arrival.id, arrival.identity, arrival.digest FROM arrival JOIN message ON message.id = arrival.id"
            f" WHERE {among('arrival.identity')} AND message.disposition <> 'ERROR'"
        )
        self.bodies = f"SELECT id, sealed FROM body WHERE {among('id')}"
