"""Connectors over a `MemoryNetwork`: the smallest that keep every clause of their contracts.

The partner answers each message with one of its own: "yes" takes it, "no" never will, "later" cannot now.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

import trio

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import Delivered, OutboundContext, OutboundItem, Rejected
from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry.contracts.specs import ConnectorSpec
from messagefoundry.contracts.transport import transport
from messagefoundry.testing.memory.network import MemoryNetwork

if TYPE_CHECKING:
    from types import TracebackType

    from messagefoundry.contracts.inbound import InboundContext
    from messagefoundry.testing.memory.network import MemoryConnection

YES, NO, LATER = b"yes", b"no", b"later"


class MemorySettings(ConnectorSettings):
    """`Memory(network=..., place="lab")`: where to listen, or the partner to send to. Times are in seconds."""

    network: MemoryNetwork
    place: str
    encoding: str = "utf-8"
    timeout_seconds: float = 30

    def endpoint(self, around: Surroundings) -> str:
        """The place."""
        return f"memory:{self.place}"


Memory = transport("Memory", MemorySettings)


class MemoryInbound:
    """Receives from any number of peers at once, from each strictly in order."""

    def __init__(self, settings: MemorySettings, context: InboundContext) -> None:
        self._settings = settings
        self._context = context
        self._peers = 0

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Listen until cancelled. Raises OSError when the place is taken."""
        listener = self._settings.network.listen(self._settings.place)
        try:
            async with trio.open_nursery() as nursery:
                task_status.started()
                async for connection in listener:
                    self._peers += 1
                    nursery.start_soon(self._converse, connection, f"peer {self._peers}")
        finally:
            listener.close()

    async def _converse(self, connection: MemoryConnection, peer: str) -> None:
        try:
            while (raw := await connection.receive()) is not None:
                if not await self._answer(connection, raw, peer):
                    break
        except OSError:
            self._context.note("peer lost", f"{peer} left before its answer")
        finally:
            connection.close()

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        """Have one message committed and answer it; False when the connection is to be closed."""
        receipt = await self._context.receive(raw, peer=peer)
        if receipt.reply is not None:
            connection.send(receipt.reply)
        return not receipt.close


class MemoryOutbound:
    """Sends one message at a time over one connection, which it keeps as long as every message is answered."""

    def __init__(self, settings: MemorySettings, context: OutboundContext) -> None:
        self._settings = settings
        self._connection: MemoryConnection | None = None

    async def __aenter__(self) -> Self:
        """Get ready; the partner is contacted with the first message."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._close()

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        """Deliver one message. After Unreachable, and when cancelled, the connection is closed."""
        await trio.lowlevel.checkpoint()
        try:
            return await self._exchange(item)
        except BaseException:
            self._close()
            raise

    async def _exchange(self, item: OutboundItem) -> Delivered | Rejected:
        connection = self._connected()
        sent_at = _now()
        self._write(connection, item.payload)
        answer = await self._read(connection)
        if answer == YES:
            return Delivered(answer, self._settings.place, sent_at, _now())
        if answer not in (NO, LATER):
            raise Unreachable("the partner's answer is neither yes, no nor later", outcome_unknown=True)
        reason = f"the partner answered {answer.decode()}"
        return Rejected(reason, answer == NO, answer, self._settings.place, sent_at, _now())

    def _write(self, connection: MemoryConnection, payload: bytes) -> None:
        try:
            connection.send(payload)
        except OSError as error:
            raise Unreachable(f"{self._settings.place}: {error.strerror}") from error

    async def _read(self, connection: MemoryConnection) -> bytes:
        with trio.move_on_after(self._settings.timeout_seconds):
            answer = await connection.receive()
            if answer is not None:
                return answer
            raise Unreachable(f"{self._settings.place} closed before its answer", outcome_unknown=True)
        raise Unreachable(f"no answer within {self._settings.timeout_seconds:g} s", outcome_unknown=True)

    async def test(self) -> str:
        """Connect, and send nothing."""
        await trio.lowlevel.checkpoint()
        self._connect().close()
        return f"{self._settings.place} accepts connections"

    def _connected(self) -> MemoryConnection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> MemoryConnection:
        try:
            return self._settings.network.connect(self._settings.place)
        except OSError as error:
            raise Unreachable(f"{self._settings.place}: {error.strerror}") from error

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _now() -> int:
    return time.time_ns() // 1000


_HERE = "messagefoundry.testing.memory.connectors"

MEMORY_CONNECTOR = ConnectorSpec(
    "Memory",
    factory=f"{_HERE}:Memory",
    settings=f"{_HERE}:MemorySettings",
    inbound=f"{_HERE}:MemoryInbound",
    outbound=f"{_HERE}:MemoryOutbound",
)
"""What a plugin would register for them."""
