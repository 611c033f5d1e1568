"""The database of these tests: on the server that MEFOR_TEST_POSTGRES names, or on one of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.postgres.server import DATABASE, PASSWORD, USER

if TYPE_CHECKING:
    from tests.postgres.server import Server

NAMED = "MEFOR_TEST_POSTGRES"
"""A connection string of libpq, such as `host=db01 dbname=test user=mefor password=... sslmode=require`."""

Options = dict[str, object]


def named_options() -> Options | None:
    """The database on the server that is named, as `[store]` has it; None when none is."""
    named = os.environ.get(NAMED)
    if named is None:
        return None
    found = conninfo_to_dict(named)
    lacking = [name for name in ("host", "dbname", "user") if not found.get(name)]
    assert not lacking, f"{NAMED} does not say {', '.join(lacking)}"
    return {
        "server": found["host"],
        "port": int(found.get("port") or 5432),
        "database": found["dbname"],
        "username": found["user"],
        "password": found.get("password") or "",
        "encrypt": found.get("sslmode", "disable") != "disable",
        "trust_server_certificate": True,
    }


def options_of(server: Server) -> Options:
    """The database on a server of the tests' own, through its socket, for a role that is no superuser."""
    return {
        "server": str(server.folder),
        "port": server.port,
        "database": DATABASE,
        "username": USER,
        "password": PASSWORD,
    }


def administrator(options: Options) -> psycopg.Connection[tuple[object, ...]]:
    """A session of the engine's own role, beside the engine."""
    return psycopg.connect(
        host=str(options["server"]),
        port=str(options["port"]),
        dbname=str(options["database"]),
        user=str(options["username"]),
        password=str(options["password"]),
        autocommit=True,
    )


def drop_schema(options: Options, schema: str) -> None:
    """Leave nothing of a schema."""
    with administrator(options) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
