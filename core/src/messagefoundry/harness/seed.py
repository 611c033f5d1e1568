"""A store with a long history: what the engine itself stored, many times over, further and further in the past.

    python -m messagefoundry.harness.seed --messages 1000000 messagefoundry.db

Every message of the file, with its body, its work and its trail, is copied under earlier ids and times, so that the
rows are what the engine writes, whatever its schema becomes. The file must not be open elsewhere, and everything in it
must be PROCESSED. Tables and columns are found by name; one that is missing is refused.
"""

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

SHIFTED: dict[str, tuple[str, ...]] = {
    "message": ("id", "ingress_id", "received_at"),
    "body": ("id",),
    "work": ("id", "message_id", "changed_at"),
    "event": ("id", "message_id", "at"),
}
"""Ids are made of the time, so ids and times move back together."""


class SeedError(Exception):
    """A file cannot be multiplied; the text says why."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """What is copied: how many messages, and how far apart two copies are in microseconds."""

    messages: int
    span: int


def seed(database: Path, messages: int) -> int:
    """Multiply what an SQLite store holds to at least so many messages; return how many there are. Raises SeedError."""
    if not database.is_file():
        raise SeedError(f"there is no store at {database}")
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "cache_size = -65536", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        sample = _take_sample(connection)
        copies = -(-messages // sample.messages)
        _write(connection, sample, copies)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    return copies * sample.messages


def _take_sample(connection: sqlite3.Connection) -> _Sample:
    """Move all rows into temporary tables: then every copy, the latest too, is added at the end of its table."""
    for table, shifted in SHIFTED.items():
        present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if lacking := [column for column in shifted if column not in present]:
            raise SeedError(f"the table {table} has no column {', '.join(lacking)}")
    _refuse_unfinished(connection)
    lows_and_highs = [connection.execute(f"SELECT min(id), max(id) FROM {table}").fetchone() for table in SHIFTED]
    (messages,) = connection.execute("SELECT count(*) FROM message").fetchone()
    if not messages:
        raise SeedError("the store holds no message to copy")
    for table in SHIFTED:
        connection.execute(f"CREATE TEMPORARY TABLE sample_{table} AS SELECT * FROM main.{table} ORDER BY id")
        connection.execute(f"DELETE FROM main.{table}")
    lows, highs = zip(*((low, high) for low, high in lows_and_highs if low is not None), strict=True)
    return _Sample(messages, max(highs) - min(lows) + 1)


def _refuse_unfinished(connection: sqlite3.Connection) -> None:
    (unfinished,) = connection.execute("SELECT count(*) FROM message WHERE disposition <> 'PROCESSED'").fetchone()
    if unfinished:
        raise SeedError(f"{unfinished} messages of the store are not PROCESSED")


def _write(connection: sqlite3.Connection, sample: _Sample, copies: int) -> None:
    """Add the copies, oldest first, one transaction each; the last is the sample itself."""
    statements = [_copying(connection, table, shifted) for table, shifted in SHIFTED.items()]
    for copy in range(copies - 1, -1, -1):
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement, {"shift": copy * sample.span})
        connection.execute("COMMIT")


def _copying(connection: sqlite3.Connection, table: str, shifted: Sequence[str]) -> str:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = [f'"{column}" - :shift' if column in shifted else f'"{column}"' for column in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT INTO main.{table} ({names}) SELECT {', '.join(values)} FROM sample_{table}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="seed", description="Multiply the messages of an SQLite store.")
    parser.add_argument("database", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    options = parser.parse_args(argv)
    try:
        print(seed(options.database, options.messages))
    except (SeedError, sqlite3.Error) as error:
        print(f"cannot seed {options.database}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
