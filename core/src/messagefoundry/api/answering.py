"""Answering HTTP requests at a listener: hypercorn speaks the protocol, the connections and their ends are ours.

hypercorn's own accept loop knows no peers, waits for ever for a client that does not read, and ends with any connection
that breaks; an engine has to stop whatever its clients do.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import trio
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app

from messagefoundry.api.app import GRACE_SECONDS, SEND_SECONDS, of_app
from messagefoundry.contracts.errors import fault_site

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from quart_trio import QuartTrio

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 100
READ_SECONDS = 120
"""How long a client may be silent amid a request; no answer takes that long."""


class Connections:
    """The connections of one server. `trusts` says of a new one whether it is answered at all."""

    def __init__(self, app: QuartTrio, trusts: Callable[[trio.SocketStream], bool]) -> None:
        self._app = wrap_app(app, 0, "asgi")
        self._closing = of_app(app).closing
        self._trusts = trusts
        self._config = configured()
        self._context = WorkerContext(None)
        self._accepting = trio.CancelScope()

    async def serve(self, listener: socket.socket, *, task_status: trio.TaskStatus[None]) -> None:
        """Answer at `listener` until cancelled; what is being answered then gets a little time. Closes `listener`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._stop_accepting_when_cancelled)
            with trio.CancelScope(shield=True) as lasting:
                async with trio.open_nursery() as self._nursery:
                    with self._accepting:
                        await self._accept(listener, task_status)
                    self._closing.set()
                    await self._context.terminated.set()
                    lasting.deadline = trio.current_time() + GRACE_SECONDS
            nursery.cancel_scope.cancel()

    async def _accept(self, listener: socket.socket, task_status: trio.TaskStatus[None]) -> None:
        with listener:
            listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(listener))]
            task_status.started()
            await trio.serve_listeners(self._answer, listeners, handler_nursery=self._nursery)

    async def _stop_accepting_when_cancelled(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._accepting.cancel()

    async def _answer(self, stream: trio.SocketStream) -> None:
        """Answer the requests of one connection; its faults are its own."""
        try:
            if len(self._nursery.child_tasks) <= MOST_CONNECTIONS and self._trusts(stream):
                wire = cast("trio.SSLStream[trio.SocketStream]", Wire(stream))
                await TCPServer(self._app, self._config, self._context, ConnectionState({}), wire)
        except Exception as error:  # noqa: BLE001 - a connection that breaks, however it does, ends no other
            log.warning("an HTTP connection ended: %s", fault_site(error))
        finally:
            stream.socket.close()


class Wire:
    """A connection as hypercorn uses it, which never waits long for a client that does not read."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self.socket = stream.socket
        self.receive_some = stream.receive_some
        self.send_eof = stream.send_eof
        self.aclose = stream.aclose

    async def send_all(self, data: bytes) -> None:
        """Send. Raises BrokenResourceError when the client does not take it in time."""
        with trio.move_on_after(SEND_SECONDS) as scope:
            await self._stream.send_all(data)
        if scope.cancelled_caught:
            self.socket.close()
            raise trio.BrokenResourceError


def configured() -> Config:
    """How hypercorn answers: no access log, no name and version of the server, its own log at the log."""
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.read_timeout = READ_SECONDS
    return config
