"""The engine's two servers: reading pages on loopback, all pages on an owner-only socket beside the store.

Each is supervised like a Connection: its end does not stop messages, and it is started again with back-off.
"""

from __future__ import annotations

import errno
import logging
import socket
from typing import TYPE_CHECKING

import trio

from messagefoundry.api.answering import Connections
from messagefoundry.api.app import create_app, is_loopback
from messagefoundry.api.control_socket import is_owner, listening, remove
from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.pipeline.supervision import Supervised, os_error_text

if TYPE_CHECKING:
    from messagefoundry.engine.engine import Engine

log = logging.getLogger(__name__)


async def serve(engine: Engine, *, task_status: trio.TaskStatus[None]) -> None:
    """Serve until cancelled; ready when each server listens or has failed to once."""
    servers = [supervised("HTTP pages", Pages(engine), engine)] if engine.plan.api_port is not None else []
    if hasattr(socket, "AF_UNIX"):
        servers.append(supervised("control socket", ControlSocket(engine), engine))
    else:
        log.warning("this system has no Unix sockets: commands cannot change anything while the engine runs")
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as starting:
            for server in servers:
                starting.start_soon(nursery.start, server.run)
        task_status.started()


def supervised(name: str, server: Pages | ControlSocket, engine: Engine) -> Supervised:
    """A server that is started again when it ends; what happens to it is told like a Connection's."""

    def told(kind: str, detail: str, alert: bool) -> None:
        engine.note(name, kind, detail, alert=alert)

    return Supervised(name, lambda: server, told)


class Pages:
    """The reading pages on `[api] host` and `port`. `engine.api_address` is where, "" while they are not served."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Serve until cancelled. Raises OSError when the port is busy, ConfigurationError for a host off loopback."""
        engine, plan = self._engine, self._engine.plan
        if not is_loopback(plan.api_host):
            text = "the HTTP pages are served on loopback only: this release has no accounts to protect them"
            raise ConfigurationError([Problem(text, 'set host = "127.0.0.1"', name="[api] host")])
        family = socket.AF_INET6 if ":" in plan.api_host else socket.AF_INET
        host = f"[{plan.api_host}]" if ":" in plan.api_host else plan.api_host
        try:
            listener = socket.create_server((plan.api_host, plan.api_port or 0), family=family)
        except OSError as error:
            raise OSError(error.errno, f"cannot serve HTTP pages on {host}:{plan.api_port}: {_why(error)}") from error
        engine.api_address = f"http://{host}:{listener.getsockname()[1]}"
        try:
            app = create_app(engine, plan.installed, control=False)
            await Connections(app, lambda stream: True).serve(listener, task_status=task_status)
        finally:
            engine.api_address = ""


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use (serve --port N, or [api] port)"
    return os_error_text(error)


class ControlSocket:
    """All pages on the socket beside the store. `engine.control_path` is where, "" while they are not served."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Serve until cancelled, and remove the socket. Raises OSError or ConfigurationError when it cannot be made."""
        engine, plan = self._engine, self._engine.plan
        path = plan.factory.control_path(plan.location)
        listener = listening(path)
        engine.control_path = path
        try:
            app = create_app(engine, plan.installed, control=True)
            await Connections(app, lambda stream: is_owner(stream.socket)).serve(listener, task_status=task_status)
        finally:
            engine.control_path = ""
            remove(path)
