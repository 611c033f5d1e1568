"""The benchmark with a PostgreSQL server: durable, on a disk, near and far; an empty schema for every run.

    python -m tests.postgres.bench --pairs 5 --seconds 10 --bars

All arguments are those of `messagefoundry.harness.bench`. The server has the defaults of PostgreSQL: what the tests'
own servers do without is on.
"""

from __future__ import annotations

import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from messagefoundry.harness.bench import main
from messagefoundry.harness.stores import Backend, Database, Store
from messagefoundry.harness.subject import SubjectError
from tests.postgres.server import DATABASE, PASSWORD, USER, Server, owner

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "1min",
    "max_connections": "100",
}
"""What PostgreSQL would have by itself."""

SAID = ("fsync", "synchronous_commit", "shared_buffers")

_numbers = count(1)


@contextmanager
def postgres(directory: Path | None) -> Iterator[Database]:
    """A server for a session, its data beside the other side's files; raises SubjectError if they cannot be there."""
    place = directory or Path(tempfile.gettempdir())
    if owner() and not _open_to_all(place.resolve()):
        raise SubjectError(f"PostgreSQL does not run as root, and nobody else can enter {place}: choose another --dir")
    server = Server(place, **USUAL)
    try:
        yield Database(name="PostgreSQL", says=_says(server), store=partial(store, server))
    finally:
        server.remove()


def _open_to_all(directory: Path) -> bool:
    return all(each.stat().st_mode & stat.S_IXOTH for each in [directory, *directory.parents])


def _says(server: Server) -> str:
    """The version and the settings, as the server itself tells them."""
    with server.connect() as connection:
        version, *settings = (
            connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
            for name in ("server_version", *SAID)
        )
    return ", ".join(
        [f"PostgreSQL {version}", *(f"{name}={value}" for name, value in zip(SAID, settings, strict=True))]
    )


@contextmanager
def store(server: Server, added_ms: float) -> Iterator[Store]:
    """An empty place for one run. The engine makes its schema; what it has written is forced out at the end."""
    schema = f"bench_{next(_numbers)}"
    with _network(server, added_ms) if added_ms else nullcontext() as network:
        yield _named(server, schema, network)
    with server.connect() as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.execute("CHECKPOINT")


class Network(NamedTuple):
    """A proxy in a process of its own: what it needs of the processor then holds up nobody in this one."""

    port: int
    pid: int


@contextmanager
def _network(server: Server, added_ms: float) -> Iterator[Network]:
    command = [sys.executable, "-m", "tests.postgres.proxy", str(server.port), str(added_ms)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as process:
        assert process.stdout is not None
        yield Network(int(process.stdout.readline()), process.pid)


def _named(server: Server, schema: str, network: Network | None) -> Store:
    if network is None:
        return Store(variables=_variables(schema, str(server.folder), server.port), server=server.pid)
    variables = _variables(schema, "127.0.0.1", network.port)
    return Store(variables=variables, server=server.pid, network=network.pid)


def _variables(schema: str, host: str, port: int) -> dict[str, str]:
    named = {
        "backend": "postgres",
        "server": host,
        "port": str(port),
        "database": DATABASE,
        "username": USER,
        "password": PASSWORD,
        "db_schema": schema,
        "encrypt": "false",
    }
    return {f"MEFOR_STORE_{name.upper()}": value for name, value in named.items()}


if __name__ == "__main__":
    sys.exit(main(backend=Backend("postgres", postgres)))
