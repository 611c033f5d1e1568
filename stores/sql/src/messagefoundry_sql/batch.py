"""One transaction in the making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import StaleUnit

if TYPE_CHECKING:
    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry_sql.database import Cursor, Dialect
    from messagefoundry_sql.statements import MultiRow, Statements


class Batch:
    """What the units of one transaction share: a cursor, the rows they add, and the messages they touch.

    Units append flat parameters to `messages`, `bodies`, `work`, `events` and `arrivals` (the columns are named in
    `Statements`); `flush` adds them with one statement a table. `bookmarks`, `states` and `meta` have the last of each
    key, in place of what the store has of it: by inbound, with the id of the message that it came with; by digest; and
    by message and name. `touched` collects the messages whose disposition may have changed.
    """

    __slots__ = (
        "_cursor",
        "arrivals",
        "bodies",
        "bookmarks",
        "cipher",
        "dialect",
        "events",
        "messages",
        "meta",
        "sql",
        "states",
        "touched",
        "work",
    )

    def __init__(self, cursor: Cursor, dialect: Dialect, sql: Statements, cipher: Cipher) -> None:
        self._cursor = cursor
        self.dialect = dialect
        self.sql = sql
        self.cipher = cipher
        self.messages: list[Any] = []
        self.bodies: list[Any] = []
        self.work: list[Any] = []
        self.events: list[Any] = []
        self.arrivals: list[Any] = []
        self.meta: dict[tuple[int, str], str] = {}
        self.states: dict[bytes, tuple[Any, ...]] = {}
        self.bookmarks: dict[str, tuple[int, str]] = {}
        self.touched: set[int] = set()

    def run(self, statement: str, *parameters: Any) -> None:
        """Run a statement written with `?`."""
        self._cursor.execute(self.dialect.spell(statement), parameters)

    def changed(self, statement: str, *parameters: Any) -> int:
        """Run a statement; how many rows it changed. On a server database, asking costs a round trip."""
        self.run(statement, *parameters)
        return self._cursor.rowcount

    def rows(self, query: str, *parameters: Any) -> list[Any]:
        """The rows of a query written with `?`."""
        self._cursor.execute(self.dialect.spell(query), parameters)
        return self._cursor.fetchall()

    def expect(self, count: int, statement: str, *parameters: Any) -> None:
        """Run a statement that has to change `count` rows: if not, the batch fails with StaleUnit, now or later.

        Where the dialect has a guard, the database itself counts.
        """
        if self.dialect.guard:
            self._cursor.execute(self.dialect.guarded(statement), (*parameters, count))
            return
        changed = self.changed(statement, *parameters)
        if changed != count:
            raise StaleUnit(f"{count - changed} of {count} rows are no longer in the state that was expected")

    def seal_text(self, text: str, kind: str, identity: int) -> bytes:
        """`text` sealed as UTF-8. A lone surrogate, which an exception's text may hold, is escaped."""
        return self.cipher.seal(text.encode(errors="backslashreplace"), kind, identity)

    def flush(self) -> None:
        """Add the collected rows."""
        sql = self.sql
        self._add(sql.add_messages, self.messages)
        self._add(sql.add_bodies, self.bodies)
        self._add(sql.add_work, self.work)
        self._add(sql.add_events, self.events)
        self._add(sql.add_arrivals, self.arrivals)
        while self.bookmarks:
            inbound, (_, value) = self.bookmarks.popitem()
            self._put_bookmark(inbound, value)
        if self.states:
            self._put_states()
        if self.meta:
            self._put_meta()

    def finalize(self) -> None:
        """Bring the dispositions of the touched messages up to date; everything else must be flushed."""
        if self.touched:
            self.run(self.sql.finalize, self.dialect.listed(list(self.touched)))

    def _put_bookmark(self, inbound: str, value: str) -> None:
        if not self.changed("UPDATE bookmark SET value = ? WHERE inbound = ?", value, inbound):
            self.run("INSERT INTO bookmark (inbound, value) VALUES (?, ?)", inbound, value)

    def _put_states(self) -> None:
        rows: list[Any] = []
        for digest, (key, namespace, sealed, at) in self.states.items():
            self.run("DELETE FROM state WHERE digest = ?", digest)
            rows += (key, namespace, digest, sealed, at)
        self.states.clear()
        self._add(self.sql.add_states, rows)

    def _put_meta(self) -> None:
        rows: list[Any] = []
        for (message_id, name), value in self.meta.items():
            self.run("DELETE FROM message_meta WHERE message_id = ? AND name = ?", message_id, name)
            rows += (message_id, name, value)
        self.meta.clear()
        self._add(self.sql.add_meta, rows)

    def _add(self, statement: MultiRow, parameters: list[Any]) -> None:
        if parameters:
            for text, chunk in statement.chunks(parameters):
                self._cursor.execute(text, chunk)
            parameters.clear()
