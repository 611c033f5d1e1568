"""Subjects of the kits that are in memory: the fakes of `messagefoundry.testing`, and variants of them."""

from __future__ import annotations

import pickle
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.errors import StoreUnavailable
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.testing import (
    Answer,
    Desk,
    InboundPeer,
    InboundSubject,
    MemoryInbound,
    MemoryNetwork,
    MemoryOutbound,
    MemorySettings,
    MemoryStores,
    OutboundSubject,
    StoreSubject,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from messagefoundry.contracts.inbound import InboundConnector, InboundContext
    from messagefoundry.contracts.outbound import OutboundConnector, OutboundContext
    from messagefoundry.testing.memory.network import MemoryConnection, MemoryListener

REPLIES = {Answer.YES: b"yes", Answer.NO: b"no", Answer.LATER: b"later"}


class MemoryPartner(OutboundSubject):
    """A partner at a place of a network of its own."""

    def __init__(self, make: type[MemoryOutbound] = MemoryOutbound, timeout_seconds: float = 0.3) -> None:
        self.network = MemoryNetwork()
        self._make = make
        self._timeout_seconds = timeout_seconds

    def connector(self, context: OutboundContext) -> OutboundConnector:
        return self._make(self.settings(), context)

    def settings(self) -> MemorySettings:
        return MemorySettings(network=self.network, place="lab", timeout_seconds=self._timeout_seconds)

    @asynccontextmanager
    async def partner(self, desk: Desk) -> AsyncIterator[None]:
        listener = self.network.listen("lab")
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._serve, listener, desk)
                yield
                nursery.cancel_scope.cancel()
        finally:
            listener.close()

    async def _serve(self, listener: MemoryListener, desk: Desk) -> None:
        async with trio.open_nursery() as nursery:
            async for connection in listener:
                nursery.start_soon(self._converse, connection, desk)

    async def _converse(self, connection: MemoryConnection, desk: Desk) -> None:
        try:
            with desk.connection():
                while (message := await connection.receive()) is not None:
                    answer = await desk.take(message)
                    if answer is Answer.LEAVE:
                        break
                    connection.send(REPLIES[answer])
        except OSError:
            pass  # the sender has left
        finally:
            connection.close()

    def payload(self, text: str) -> bytes:
        return text.encode()


class MemorySender(InboundPeer):
    def __init__(self, connection: MemoryConnection) -> None:
        self._connection = connection

    async def send(self, payload: bytes) -> None:
        self._connection.send(payload)

    async def answer(self) -> bytes | None:
        return await self._connection.receive()

    async def send_part(self, payload: bytes) -> None:
        raise NotImplementedError


class MemoryPlace(InboundSubject):
    def __init__(self, make: type[MemoryInbound] = MemoryInbound, *, answers_again: bool = True) -> None:
        self.network = MemoryNetwork()
        self.answers_again = answers_again
        self._make = make

    def connector(self, context: InboundContext) -> InboundConnector:
        return self._make(MemorySettings(network=self.network, place="here"), context)

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[InboundPeer]:
        connection = self.network.connect("here")
        try:
            yield MemorySender(connection)
        finally:
            connection.close()

    def payload(self, text: str) -> bytes:
        return text.encode()

    @asynccontextmanager
    async def occupied(self) -> AsyncIterator[None]:
        listener = self.network.listen("here")
        yield
        listener.close()


class InMemory(StoreSubject):
    location = StoreLocation(backend="memory", path="kit")
    reference = "messagefoundry.testing.memory.store:MEMORY"

    def __init__(self, stores: MemoryStores | None = None) -> None:
        self.stores = self.factory = stores or MemoryStores()

    def outage(self) -> AbstractContextManager[None]:
        return self._outage()

    @contextmanager
    def _outage(self) -> Iterator[None]:
        disk = self.stores.disk(self.location)
        disk.outage = StoreUnavailable("away")
        yield
        disk.outage = None

    def at_rest(self) -> bytes:
        return pickle.dumps(self.stores.disk(self.location).tables)
