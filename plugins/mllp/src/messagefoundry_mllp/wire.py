"""One TCP connection as a stream of bytes, with as few scheduling points as TCP allows.

A wire belongs to one task at a time. A failure is an OSError (ssl.SSLError is one), or trio.TooSlowError when the peer
takes nothing of what is written to it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Protocol

import trio

CHUNK_BYTES = 65_536
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class Wire(Protocol):
    """A connection to one peer."""

    @property
    def sent(self) -> int:
        """How many bytes the operating system has taken so far."""

    @property
    def heard(self) -> bool:
        """Whether the peer has sent anything yet."""

    async def read(self) -> bytes:
        """The next bytes; b"" when the peer sends no more."""

    async def write(self, data: bytes) -> None:
        """Hand all of `data` to the operating system. Cancelled half-way, the stream cannot be used any further."""

    def arrived(self) -> bytes | None:
        """What has come without waiting for it: None for nothing, b"" when the peer sends no more."""

    def interrupt(self) -> None:
        """Let a `read` that waits fail with trio.ClosedResourceError."""

    async def linger(self, seconds: float) -> None:
        """Send no more, and discard what still comes until the peer closes or `seconds` have passed.

        Without it, closing while bytes are unread resets the connection, and the peer may lose our last answer.
        """

    def close(self) -> None:
        """Close; never waits."""


class PlainWire:
    """TCP without TLS.

    `read` waits for readiness before it asks for bytes: between an answer and the next message there is almost
    never anything to read, so trying first would only cost a failing system call a message.
    """

    __slots__ = ("_patience", "_socket", "heard", "sent")

    def __init__(self, sock: socket.socket, patience: float) -> None:
        """Take over a connected socket. A write that makes no progress for `patience` seconds fails."""
        sock.setblocking(False)
        keep_alive(sock)
        self._socket = sock
        self._patience = patience
        self.sent = 0
        self.heard = False

    async def read(self) -> bytes:
        """The next bytes; b"" when the peer sends no more."""
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            try:
                data = self._socket.recv(CHUNK_BYTES)
            except BlockingIOError:
                continue
            if data:
                self.heard = True
            return data

    async def write(self, data: bytes) -> None:
        """Hand all of `data` to the operating system; a checkpoint only when its buffer is full."""
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        self.sent += sent
        if sent < len(data):
            await self._write_rest(memoryview(data)[sent:])

    async def _write_rest(self, rest: memoryview) -> None:
        while rest:
            with trio.fail_after(self._patience):
                await trio.lowlevel.wait_writable(self._socket)
            with suppress(BlockingIOError):
                sent = self._socket.send(rest)
                self.sent += sent
                rest = rest[sent:]

    def arrived(self) -> bytes | None:
        """What has come without waiting for it."""
        try:
            return self._socket.recv(CHUNK_BYTES)
        except BlockingIOError:
            return None

    def interrupt(self) -> None:
        """Let a `read` that waits fail with trio.ClosedResourceError."""
        trio.lowlevel.notify_closing(self._socket)

    async def linger(self, seconds: float) -> None:
        """Send no more, and discard what still comes."""
        with suppress(OSError), trio.move_on_after(seconds):
            self._socket.shutdown(socket.SHUT_WR)
            while await self.read():
                pass

    def send_now(self, data: bytes) -> None:
        """Send what fits without waiting; the rest is lost."""
        with suppress(OSError):
            self._socket.send(data)

    def close(self) -> None:
        """Close; never waits."""
        self._socket.close()


def keep_alive(sock: socket.socket) -> None:
    """Send small frames at once, and notice within about two minutes of idleness that a peer has vanished."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def address_text(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    """A socket address for people: "10.0.0.7:51234", "[fe80::1]:51234"."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
