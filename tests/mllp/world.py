"""The other sides of a connector: the engine's context, partners that follow a script, and messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts import OutboundItem, Receipt
from messagefoundry.message import Refusal, peek
from messagefoundry_mllp.listener import Listener

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from messagefoundry_mllp.settings import StreamSettings

HOST = "127.0.0.1"


def adt(control_id: str = "1", *, size: int = 0) -> bytes:
    return b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|%b|P|2.5.1\rPID|1||%b\r" % (control_id.encode(), b"x" * size)


def ack(control_id: str = "1", code: str = "AA") -> bytes:
    return b"MSH|^~\\&|C|D|A|B|20260101||ACK|9|P|2.5.1\rMSA|%b|%b\r" % (code.encode(), control_id.encode())


def framed(content: bytes) -> bytes:
    return b"\x0b%b\x1c\r" % content


def item(payload: bytes | None = None, *, work_id: int = 1, attempt: int = 1) -> OutboundItem:
    return OutboundItem(work_id, work_id, adt() if payload is None else payload, attempt)


def accept(raw: bytes) -> Receipt:
    return Receipt(True, 1, ack(peek(raw).control_id.decode()), "AA")


@dataclass
class Engine:
    """What the engine does for a connector, remembering what it was told; `answer` decides each receipt."""

    answer: Callable[[bytes], Receipt] = accept
    name: str = "TEST"
    bind_host: str = HOST
    first_opening: bool = True
    source_ip_allowlist: tuple[IPv4Network | IPv6Network, ...] = ()
    received: list[bytes] = field(default_factory=list)
    refused: list[tuple[bytes, Refusal]] = field(default_factory=list)
    notes: list[tuple[str, str, bool]] = field(default_factory=list)
    gate: trio.Event | None = None
    _changed: trio.Event = field(default_factory=trio.Event)

    async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
        self.received.append(raw)
        self._wake()
        if self.gate is not None:
            await self.gate.wait()
        await trio.lowlevel.checkpoint()
        return self.answer(raw)

    async def bookmark(self) -> str:
        raise AssertionError("a listener has nothing to go on from")

    async def refuse(self, raw: bytes, refusal: Refusal, *, peer: str = "") -> Receipt:
        await trio.lowlevel.checkpoint()
        self.refused.append((raw, refusal))
        return Receipt(False, 1, ack(peek(raw).control_id.decode(), "AE"), "AE")

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        self.notes.append((kind, detail, alert))
        self._wake()

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.notes]

    async def until(self, condition: Callable[[], bool]) -> None:
        with trio.fail_after(5):
            while not condition():
                await self._changed.wait()

    async def noted(self, kind: str) -> tuple[str, bool]:
        await self.until(lambda: kind in self.kinds())
        return next((detail, alert) for known, detail, alert in self.notes if known == kind)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@asynccontextmanager
async def listening(settings: StreamSettings, engine: Engine, *, within: float = 20) -> AsyncIterator[Listener]:
    listener = Listener(settings, engine)
    with trio.fail_after(within):
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(_run, listener))
            yield listener
            nursery.cancel_scope.cancel()


async def _run(listener: Listener, *, task_status: trio.TaskStatus[None]) -> None:
    await listener.run(task_status=task_status)


async def connect(listener: Listener) -> trio.SocketStream:
    return await trio.open_tcp_stream(HOST, listener.port)


async def read_exactly(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    data = b""
    with trio.fail_after(5):
        while len(data) < count:
            more = await stream.receive_some(count - len(data))
            if not more:
                break
            data += more
    return data


async def read_all(stream: trio.abc.ReceiveStream) -> bytes:
    data = b""
    with trio.fail_after(5):
        async for chunk in stream:
            data += chunk
    return data


async def read_frame(stream: trio.abc.ReceiveStream) -> bytes:
    """One MLLP content; the stream holds nothing beyond its frame."""
    data = b""
    with trio.fail_after(5):
        while not data.endswith(b"\x1c\r"):
            more = await stream.receive_some()
            assert more, "closed inside a frame"
            data += more
    return data[1:-2]


async def exchange(stream: trio.SocketStream, content: bytes) -> bytes:
    await stream.send_all(framed(content))
    return await read_frame(stream)


Script = Callable[[trio.abc.Stream], Awaitable[None]]


@dataclass
class Partner:
    """A server that runs a script with each connection, in turn; the last script serves all further ones."""

    port: int
    connections: int = 0


@asynccontextmanager
async def partner(*scripts: Script, within: float = 20) -> AsyncIterator[Partner]:
    listeners = await trio.open_tcp_listeners(0, host=HOST)
    server = Partner(listeners[0].socket.getsockname()[1])

    async def serve(stream: trio.SocketStream) -> None:
        script = scripts[min(server.connections, len(scripts) - 1)]
        server.connections += 1
        async with stream:
            await script(stream)

    with trio.fail_after(within):
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, serve, listeners)
            yield server
            nursery.cancel_scope.cancel()


async def answer_all(stream: trio.abc.Stream) -> None:
    """Acknowledge every message, one at a time, until the sender leaves."""
    data = b""
    async for chunk in stream:
        data += chunk
        if data.endswith(b"\x1c\r"):
            await stream.send_all(framed(ack(peek(data[1:-2]).control_id.decode())))
            data = b""
