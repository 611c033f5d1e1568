"""A server for the whole run, and a schema of its own for each test."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from messagefoundry.contracts.stores import StoreLocation
from tests.postgres.server import DATABASE, PASSWORD, USER, Server, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    yield from running()


@pytest.fixture(scope="session")
def options(request: pytest.FixtureRequest) -> dict[str, object]:
    """Where the tests' database is: the server that MEFOR_TEST_POSTGRES names, else one of their own."""
    named = os.environ.get("MEFOR_TEST_POSTGRES")
    if named is None:
        return options_of(request.getfixturevalue("server"))
    found = conninfo_to_dict(named)
    return {
        "server": found["host"],
        "port": int(found.get("port") or 5432),
        "database": found["dbname"],
        "username": found["user"],
        "password": found.get("password") or "",
        "encrypt": found.get("sslmode", "disable") != "disable",
        "trust_server_certificate": True,
    }


def options_of(server: Server) -> dict[str, object]:
    return {
        "server": str(server.folder),
        "port": server.port,
        "database": DATABASE,
        "username": USER,
        "password": PASSWORD,
    }


@pytest.fixture
def location(options: dict[str, object], tmp_path: Path) -> Iterator[StoreLocation]:
    """A place where no store is yet."""
    schema = f"test_{os.getpid()}_{next(_numbers)}"
    yield StoreLocation(
        "postgres",
        str(tmp_path / "store"),
        options={**options, "db_schema": schema, "lease_ttl_seconds": 3},
    )
    with administrator(options) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def administrator(options: dict[str, object]) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=str(options["server"]),
        port=str(options["port"]),
        dbname=str(options["database"]),
        user=str(options["username"]),
        password=str(options["password"]),
        autocommit=True,
    )
