"""A server for the whole run, and a schema of its own for each test."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.stores import StoreLocation
from tests.postgres.proxy import Proxy
from tests.postgres.server import Server, running
from tests.postgres.target import NAMED, Options, drop_schema, named_options, options_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def _own_server() -> Iterator[Server]:
    yield from running()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    """A server of the tests' own, which may be stopped and set otherwise, with its superuser."""
    if named_options() is not None:
        pytest.skip(f"needs a server that it may stop and set as it likes, and {NAMED} names another")
    own: Server = request.getfixturevalue("_own_server")
    return own


@pytest.fixture(scope="session")
def options(request: pytest.FixtureRequest) -> Options:
    """Where the tests' database is: on the server that MEFOR_TEST_POSTGRES names, else on one of their own."""
    return named_options() or options_of(request.getfixturevalue("_own_server"))


@pytest.fixture(scope="session")
def address(options: Options, request: pytest.FixtureRequest) -> tuple[str, int]:
    """Host and port of that server, for what stands between it and an engine."""
    if named_options() is None:
        own: Server = request.getfixturevalue("_own_server")
        return "127.0.0.1", own.port
    if str(options["server"]).startswith("/"):
        pytest.skip(f"stands between the engine and a server on TCP, and {NAMED} names a Unix socket")
    return str(options["server"]), int(str(options["port"]))


@contextmanager
def fresh_location(options: Options, folder: Path) -> Iterator[StoreLocation]:
    """A place where no store is yet, for the length of a block. Its sessions carry the name of its schema."""
    schema = f"test_{secrets.token_hex(8)}"
    own = {"db_schema": schema, "application_name": schema, "lease_ttl_seconds": 3}
    try:
        yield StoreLocation("postgres", str(folder / "store"), options={**options, **own})
    finally:
        drop_schema(options, schema)


@pytest.fixture
def location(options: Options, tmp_path: Path) -> Iterator[StoreLocation]:
    """A place where no store is yet."""
    with fresh_location(options, tmp_path) as location:
        yield location


@pytest.fixture
def proxy(address: tuple[str, int]) -> Iterator[Proxy]:
    """What stands between an engine and the server."""
    with Proxy(*address) as proxy:
        yield proxy


@pytest.fixture
def far(location: StoreLocation, proxy: Proxy) -> StoreLocation:
    """The same place, reached through the proxy."""
    encrypt = bool(location.options.get("encrypt", False))
    through = {"server": "127.0.0.1", "port": proxy.port, "encrypt": encrypt}
    return replace(location, options={**location.options, **through})
