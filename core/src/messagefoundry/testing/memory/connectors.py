"""Connectors over a `MemoryNetwork`: the smallest that keep every clause of their contracts.

The partner answers each message with one of its own: "yes" takes it, "no" never will, "later" cannot now. It answers
a batch with such a word for each member, in their order; "-" says nothing of one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

import trio

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import (
    Delivered,
    MemberOutcome,
    OutboundBatch,
    OutboundContext,
    OutboundItem,
    Rejected,
    Unanswered,
)
from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry.contracts.specs import ConnectorSpec
from messagefoundry.contracts.transport import transport
from messagefoundry.message import build_batch
from messagefoundry.testing.memory.network import MemoryNetwork

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from messagefoundry.contracts.inbound import InboundContext
    from messagefoundry.testing.memory.network import MemoryConnection

YES, NO, LATER, NOTHING = b"yes", b"no", b"later", b"-"


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
        self._tasks: trio.Nursery

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Listen until cancelled. Raises OSError when the place is taken."""
        listener = self._settings.network.listen(self._settings.place)
        try:
            async with trio.open_nursery() as nursery:
                self._tasks = nursery
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
        if receipt.later is not None:
            self._tasks.start_soon(self._answer_again, connection, receipt.later, peer)
        return not receipt.close

    async def _answer_again(
        self, connection: MemoryConnection, later: Callable[[], Awaitable[bytes | None]], peer: str
    ) -> None:
        """Give the second answer to one message when it comes. An answer is sent whole, so none is mixed with it."""
        reply = await later()
        try:
            if reply is not None:
                connection.send(reply)
        except (OSError, trio.ClosedResourceError):
            self._context.note("peer lost", f"{peer} left before its second answer")


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
        return self._outcome(await self._read(connection), sent_at)

    def _outcome(self, answer: bytes, sent_at: int) -> Delivered | Rejected:
        if answer == YES:
            return Delivered(answer, self._settings.place, sent_at, _now())
        if answer not in (NO, LATER):
            raise Unreachable("the partner's answer is neither yes, no nor later", outcome_unknown=True)
        reason = f"the partner answered {answer.decode()}"
        return Rejected(reason, answer == NO, answer, self._settings.place, sent_at, _now())

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        """Deliver a batch as one message of the network. What goes wrong closes the connection, as in `send`."""
        await trio.lowlevel.checkpoint()
        try:
            return await self._exchange_batch(batch)
        except BaseException:
            self._close()
            raise

    async def _exchange_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        connection = self._connected()
        payloads = [item.payload for item in batch.members]
        sent_at = _now()
        self._write(connection, build_batch(payloads, control_id=batch.control_id, created=batch.created))
        words = (await self._read(connection)).split()
        if len(words) != len(payloads):
            raise Unreachable("the partner's answer has not one word for each member", outcome_unknown=True)
        return [self._member(word, sent_at) for word in words]

    def _member(self, word: bytes, sent_at: int) -> MemberOutcome:
        if word == NOTHING:
            return Unanswered("the partner's answer says nothing of it", self._settings.place, sent_at)
        return self._outcome(word, sent_at)

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
    batches=True,
)
"""What a plugin would register for them."""
