"""A big store in little time: what an engine has written, many times over, further and further in the past.

As `messagefoundry.harness.seed` does it to an SQLite file; here the server does the work. It stands with the tests, for
the harness imports no driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from messagefoundry.harness.seed import SHIFTED
from tests.postgres.target import administrator

if TYPE_CHECKING:
    import psycopg

    from messagefoundry.contracts.stores import StoreLocation

MULTIPLIED: dict[str, tuple[str, ...]] = {
    **SHIFTED,
    "message": (*SHIFTED["message"], "parent_id"),
    "message_meta": ("message_id",),
    "arrival": ("id",),
    "connection_event": ("id", "at"),
}
"""What is made of the time in each table, the key first, and moves back with it."""

_MULTIPLY = """INSERT INTO {table} ({columns})
    SELECT {values} FROM generate_series(%(copies)s, 0, -1) AS copy (number)
    CROSS JOIN LATERAL (SELECT * FROM {sample} ORDER BY {key}) AS row"""


def multiply(location: StoreLocation, copies: int) -> int:
    """Add so many copies of every row, each in the past of the next; returns how many messages there are then.

    No engine may have the store open. Afterwards the tables are vacuumed and the planner knows them, as after a while.
    """
    with administrator(dict(location.options)) as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(str(location.options["db_schema"]))))
        connection.execute("SET synchronous_commit = off")
        span = _span(connection)
        for table, shifted in MULTIPLIED.items():
            _multiply(connection, table, shifted, {"copies": copies, "span": span})
            connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
        return _number(connection, "SELECT count(*) FROM message")


def _multiply(
    connection: psycopg.Connection[Any], table: str, shifted: tuple[str, ...], parameters: dict[str, int]
) -> None:
    """Move a table's rows aside and write them again, oldest copy first: then each is added at the table's end."""
    sample = f"sample_{table}"
    described = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table))).description
    assert described is not None
    columns = [column.name for column in described]
    shift = sql.SQL("row.{} - copy.number * %(span)s::bigint")
    values = [(shift if column in shifted else sql.SQL("row.{}")).format(sql.Identifier(column)) for column in columns]
    names = {"table": sql.Identifier(table), "sample": sql.Identifier(sample), "key": sql.Identifier(shifted[0])}
    with connection.transaction():
        connection.execute(
            sql.SQL("CREATE TEMPORARY TABLE {sample} ON COMMIT DROP AS SELECT * FROM {table}").format(**names)
        )
        connection.execute(sql.SQL("TRUNCATE {table}").format(**names))
        connection.execute(
            sql.SQL(_MULTIPLY).format(
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)), values=sql.SQL(", ").join(values), **names
            ),
            parameters,
        )


def _span(connection: psycopg.Connection[Any]) -> int:
    """How far apart two copies are: ids and times of no two of them meet."""
    extents = (f"SELECT min({key}) AS low, max({key}) AS high FROM {table}" for table, (key, *_) in MULTIPLIED.items())
    return _number(connection, f"SELECT max(high) - min(low) + 1 FROM ({' UNION ALL '.join(extents)}) AS extent")


def _number(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(sql.SQL(query)).fetchone()
    assert row is not None
    return int(row[0])
