"""What the store needs of the driver."""

from __future__ import annotations

OLDEST_LIBPQ = 140000
"""The first libpq with pipeline mode."""


def driver_missing() -> str | None:
    """None when psycopg and a libpq with pipeline mode are there, else what is wrong."""
    try:
        import psycopg
    except ImportError:
        return "psycopg is not installed, or finds no libpq"
    if psycopg.pq.version() < OLDEST_LIBPQ:
        return f"libpq {psycopg.pq.version() // 10000} is too old: 14 is needed"
    return None
