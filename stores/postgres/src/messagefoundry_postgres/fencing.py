"""What keeps an engine that was taken over from writing, and tells what became of a commit.

Every batch begins with one statement: it locks the epoch's row, fails unless the epoch is still this engine's, and adds
a mark of its own. A new engine raises the epoch, for which it waits until the batch that has the lock is over. The mark
is in the database exactly when its batch is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry_postgres.place import quoted

if TYPE_CHECKING:
    import psycopg

    from messagefoundry_postgres.place import Place

FENCED = "2201E"
"""SQLSTATE of a logarithm of zero: of the fence's, there is no other."""

BEGIN_BATCH = """WITH held AS (SELECT 1 FROM engine WHERE id = 1 AND epoch = $1 FOR SHARE),
    marked AS (INSERT INTO engine_commit (epoch, number) SELECT $1, $2 FROM held RETURNING 1)
    SELECT ln(count(*)) FROM marked"""

BEHIND = "SELECT 1 / count(*) FROM engine_commit WHERE epoch = $1 AND number = $2"
"""Fails unless the batch before this one was committed: of a batch that is sent while that one is on its way."""

FORGET_MARKS = "DELETE FROM engine_commit WHERE epoch = $1 AND number BETWEEN $2 AND $3"
FORGET_EVERY = 256
"""Batches from one removal of old marks to the next."""

MARKED = "SELECT count(*) FROM engine_commit WHERE epoch = $1 AND number = $2"

END_SESSION = """SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
    WHERE pid = $1 AND backend_start::text = $2"""
"""False while the session is still there. Another session that got the same pid has another start."""

OWN_TABLES = (
    """CREATE TABLE IF NOT EXISTS engine_lease (id integer PRIMARY KEY, token text NOT NULL, host text NOT NULL,
    pid integer NOT NULL, machine text NOT NULL, birth text NOT NULL, started text NOT NULL,
    session_pid integer NOT NULL, session_start text NOT NULL, until timestamptz NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS engine_commit (epoch bigint NOT NULL, number bigint NOT NULL,
    PRIMARY KEY (epoch, number))""",
)
"""Tables that hold nothing of the store's content: they belong to the server, as a lock file does to a disk."""

_RAISE = """INSERT INTO engine (id, running, since, epoch) VALUES (1, false, 0, 1)
    ON CONFLICT (id) DO UPDATE SET epoch = engine.epoch + 1 RETURNING epoch"""


def shut_out(connection: psycopg.Connection[Any], place: Place) -> None:
    """Wait until no other session changes the schema, and keep them from it until this transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"messagefoundry {place.db_schema}",))


def make_schema(connection: psycopg.Connection[Any], place: Place) -> None:
    """Make the schema and the tables of one's own, unless they are there."""
    with connection.transaction():
        shut_out(connection, place)
        there = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (quoted(place.db_schema),)).fetchone()
        if there is not None and not there[0]:
            connection.execute(f"CREATE SCHEMA {quoted(place.db_schema)}")
        for text in OWN_TABLES:
            connection.execute(text)


def raise_epoch(connection: psycopg.Connection[Any], place: Place) -> int:
    """A new epoch. From its commit on, no engine before this one can commit anything.

    A batch of another engine is waited for as long as the server lets its session stand still.
    """
    with connection.transaction():
        patience = int(place.patience_seconds * 2000)
        connection.execute(f"SET LOCAL lock_timeout = {patience}")
        connection.execute(f"SET LOCAL statement_timeout = {patience}")
        row = connection.execute(_RAISE).fetchone()
        assert row is not None
        connection.execute("DELETE FROM engine_commit WHERE epoch < %s", row)
        return int(row[0])
