"""A connector and its partner in the middle of an exchange, as the clauses for outbound connectors use them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import Delivered, OutboundConnector, OutboundContext, OutboundItem, Rejected
from messagefoundry.testing.desk import Answer, Desk
from messagefoundry.testing.recorders import OutboundRecorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

QUIET_SECONDS = 0.05
"""How long nothing has to move before the kit takes it that everything under way has arrived."""


class OutboundSubject(ABC):
    """What the kit needs of a connector and of the partner that it speaks to."""

    content_type: ClassVar[str] = "hl7v2"

    @abstractmethod
    def connector(self, context: OutboundContext) -> OutboundConnector:
        """A new connector, set to the partner below and to wait for an answer about half a second, not longer."""

    @abstractmethod
    def partner(self, desk: Desk) -> AbstractAsyncContextManager[object]:
        """The partner, there until the block ends and then away; entered any number of times, at the same place.

        It serves any number of connections at once. It wraps each in `with desk.connection():`, hands each message,
        unframed, to `await desk.take(...)`, and does what that returns. The sender may have left by then.
        """

    @abstractmethod
    def payload(self, text: str) -> bytes:
        """A message that holds `text` (letters and digits, any length) where its content stands."""

    async def taken(self, desk: Desk) -> list[bytes]:
        """The messages that the partner has, in the order in which it got them."""
        return list(desk.taken)


@dataclass
class Exchange:
    """An open connector and its partner."""

    subject: OutboundSubject
    desk: Desk
    context: OutboundRecorder
    connector: OutboundConnector
    sent: list[bytes] = field(default_factory=list)

    def item(self, text: str, *, work_id: int = 0, attempt: int = 1) -> OutboundItem:
        """The next item; a `work_id` of its own unless one is given."""
        payload = self.subject.payload(text)
        self.sent.append(payload)
        key = work_id or 1000 + len(self.sent)
        return OutboundItem(key, key + 5000, payload, attempt, self.subject.content_type)

    async def send(self, text: str, *, work_id: int = 0, attempt: int = 1) -> Delivered | Rejected:
        """Send one item."""
        return await self.connector.send(self.item(text, work_id=work_id, attempt=attempt))

    async def delivers(self, text: str) -> Delivered:
        """Send one item, which has to be delivered."""
        outcome = await self.send(text)
        assert isinstance(outcome, Delivered), f"not delivered: {outcome!r}"
        return outcome

    async def fails(self, text: str) -> Unreachable:
        """Send one item, which has to raise Unreachable."""
        with pytest.raises(Unreachable) as caught:
            await self.send(text)
        return caught.value


@asynccontextmanager
async def opened(subject: OutboundSubject, desk: Desk) -> AsyncIterator[Exchange]:
    """A connector inside its block."""
    context = OutboundRecorder()
    async with subject.connector(context) as connector:
        yield Exchange(subject, desk, context, connector)


@asynccontextmanager
async def exchanging(subject: OutboundSubject) -> AsyncIterator[Exchange]:
    """A partner that is there, and a connector inside its block."""
    desk = Desk()
    async with subject.partner(desk), opened(subject, desk) as there:
        yield there


@asynccontextmanager
async def sending(there: Exchange, text: str) -> AsyncIterator[list[object]]:
    """One item under way; what `send` returns, or the Unreachable that it raises, is in the list at the end."""
    async with under_way(partial(there.send, text)) as outcomes:
        yield outcomes


@asynccontextmanager
async def under_way(send: Callable[[], Awaitable[object]]) -> AsyncIterator[list[object]]:
    """A delivery under way; what it returns, or the Unreachable that it raises, is in the list at the end."""
    outcomes: list[object] = []

    async def deliver() -> None:
        try:
            outcomes.append(await send())
        except Unreachable as error:
            outcomes.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(deliver)
        yield outcomes


async def rejected(subject: OutboundSubject, answer: Answer, *, permanent: bool) -> None:
    """See that an answer makes a rejection."""
    async with exchanging(subject) as there:
        there.desk.plan(answer)
        outcome = await there.send("A1")
        assert isinstance(outcome, Rejected), f"not rejected: {outcome!r}"
        assert outcome.permanent is permanent
        assert outcome.reason.strip()


async def cancelled_send(there: Exchange, text: str) -> None:
    """Send an item, and cancel when the partner has read it. Fails unless `send` ends by the cancellation, soon."""
    await cut_off(there.desk, partial(there.send, text))


async def cut_off(desk: Desk, send: Callable[[], Awaitable[object]]) -> None:
    """Cancel a delivery when the partner has read of it. Fails unless it ends by the cancellation, soon."""
    scope, ended = trio.CancelScope(), list[object]()

    async def deliver() -> None:
        with scope:
            ended.append(await send())

    seen = len(desk.seen)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deliver)
        await desk.has_seen(seen + 1)
        await quiet()
        scope.cancel()
    assert ended == []
    assert scope.cancelled_caught


async def closed(desk: Desk) -> None:
    """Wait until every connection that the partner told of is closed."""
    assert desk.opened, "the partner told of no connection: wrap each in `with desk.connection():`"
    await desk.until(lambda: desk.open == 0)


async def quiet() -> None:
    """Wait until everything under way has arrived."""
    await wait_all_tasks_blocked(QUIET_SECONDS)


def chain(error: BaseException) -> str:
    """An error and everything that a traceback would show with it, as text."""
    return "\n".join(f"{each!s} {each!r}" for each in _shown(error))


def _shown(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000
