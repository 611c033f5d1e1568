"""An inbound connector at work and a peer that sends to it, as the clauses for inbound connectors use them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from messagefoundry.testing.exchanges import quiet
from messagefoundry.testing.recorders import YES, InboundRecorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from messagefoundry.contracts.inbound import InboundConnector, InboundContext


class InboundPeer(ABC):
    """A sender: one connection to the connector, or whoever puts messages where it looks."""

    @abstractmethod
    async def send(self, payload: bytes) -> None:
        """Hand over one message, and do not wait for its answer."""

    @abstractmethod
    async def answer(self) -> bytes | None:
        """The next answer, unframed; None when the connector closes without one.

        Where a message is not answered with bytes, what became of it: YES when it was taken, NO when it was set
        aside, AGAIN when it was left for later; look for it not more often than every 0.1 s.
        """

    @abstractmethod
    async def send_part(self, payload: bytes) -> None:
        """Hand over the first half of a message; the rest never comes."""


class InboundSubject(ABC):
    """What the kit needs of a connector and of the peers that send to it."""

    answers_again: bool = False
    """Whether the connector gives the second answers of `Receipt.later`; it may leave them alone."""

    @abstractmethod
    def connector(self, context: InboundContext) -> InboundConnector:
        """A new connector; all of them use one place. A poller is set to look about every 0.1 s."""

    @abstractmethod
    def peer(self) -> AbstractAsyncContextManager[InboundPeer]:
        """A peer of the connector that runs, which leaves when the block ends. Any number at once."""

    @abstractmethod
    def payload(self, text: str) -> bytes:
        """A message that holds `text` (letters and digits, any length) where its content stands."""

    @abstractmethod
    def occupied(self) -> AbstractAsyncContextManager[object]:
        """While the block runs, the connector's place cannot be used: its port is taken, its folder a file."""


@dataclass
class Running:
    """A connector that runs until `stop`."""

    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    ended: trio.Event = field(default_factory=trio.Event)

    def stop(self) -> None:
        """Cancel it."""
        self.scope.cancel()

    async def run(self, connector: InboundConnector, *, task_status: trio.TaskStatus[None]) -> None:
        """Run it to its end."""
        with self.scope:
            await connector.run(task_status=task_status)
        self.ended.set()


@asynccontextmanager
async def running(subject: InboundSubject, context: InboundRecorder) -> AsyncIterator[Running]:
    """A connector that is ready; it is stopped when the block ends."""
    one = Running()
    async with trio.open_nursery() as nursery:
        await nursery.start(one.run, subject.connector(context))
        try:
            yield one
        finally:
            # Released in any case: a connector may shield a message in hand from its own cancellation.
            one.stop()
            context.release()


@asynccontextmanager
async def listening(peer: InboundPeer) -> AsyncIterator[list[bytes | None]]:
    """The answers that a peer gets, as they come; None at the end when the connector closes."""
    answers: list[bytes | None] = []

    async def listen() -> None:
        while None not in answers:
            answers.append(await peer.answer())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        yield answers
        await quiet()
        nursery.cancel_scope.cancel()


async def serves(subject: InboundSubject, context: InboundRecorder) -> None:
    """See that a peer that comes now is served."""
    async with subject.peer() as peer:
        await peer.send(subject.payload("Z1"))
        assert await peer.answer() == YES
    assert subject.payload("Z1") in context.committed


async def stopped(run: Running) -> None:
    """Stop a connector and wait for its end."""
    run.stop()
    await run.ended.wait()
    await trio.lowlevel.checkpoint()
