"""A connector and a partner that takes batches, as the clauses for batches use them."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, cast

import pytest

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import OutboundBatch
from messagefoundry.testing.desk import Answer
from messagefoundry.testing.exchanges import Exchange, OutboundSubject, cut_off, quiet, under_way

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from messagefoundry.contracts.outbound import BatchConnector, MemberOutcome, OutboundContext

CREATED = b"20260102030405+0000"
_NUMBERS = count(1)


class BatchSubject(OutboundSubject):
    """What the kit needs of a connector that sends batches, and of the partner that it speaks to.

    The partner takes a batch apart, hands each member to `await desk.take(...)`, one after the other, and then answers
    for all: each member as the desk said, and one whose answer is OMIT not at all. One LEAVE closes the connection
    without an answer.
    """

    @abstractmethod
    def connector(self, context: OutboundContext) -> BatchConnector:
        """As of an OutboundSubject."""

    @abstractmethod
    def payload(self, text: str) -> bytes:
        """A message that may stand in a batch: it begins with a readable MSH and ends with CR.

        It holds `text` (letters and digits, any length) where its content stands. The same text gives the same message,
        another text one with another control id.
        """


def batch_of(there: Exchange, *texts: str) -> OutboundBatch:
    """A batch of new items. Its control id is its own, although another may have the same members."""
    return OutboundBatch(b"%d" % next(_NUMBERS), CREATED, tuple(there.item(text) for text in texts))


async def send_batch(there: Exchange, *texts: str) -> Sequence[MemberOutcome]:
    """Send a batch of new items."""
    return await deliver(there, batch_of(there, *texts))


async def deliver(there: Exchange, batch: OutboundBatch) -> Sequence[MemberOutcome]:
    """Send a batch."""
    return await cast("BatchConnector", there.connector).send_batch(batch)


async def batch_fails(there: Exchange, *texts: str) -> Unreachable:
    """Send a batch of new items, which has to raise Unreachable."""
    with pytest.raises(Unreachable) as caught:
        await send_batch(there, *texts)
    return caught.value


def sending_batch(there: Exchange, *texts: str) -> AbstractAsyncContextManager[list[object]]:
    """A batch under way; its outcomes, as one value, or the Unreachable that it raises, is in the list at the end."""
    return under_way(partial(send_batch, there, *texts))


async def cancelled_batch(there: Exchange, *texts: str) -> None:
    """Send a batch, and cancel when the partner has read it. Fails unless `send_batch` ends so, soon."""
    await cut_off(there.desk, partial(send_batch, there, *texts))


@asynccontextmanager
async def answered_late(there: Exchange, *, members: int) -> AsyncIterator[None]:
    """A batch that is given up inside, and answered YES after that; what is sent next is never answered."""
    late = there.desk.plan_late()
    there.desk.plan(*[Answer.YES] * (members - 1))
    yield
    late.release()
    await quiet()
    there.desk.plan(Answer.LEAVE)


def kinds(outcomes: Sequence[MemberOutcome]) -> list[str]:
    """The types of outcomes, by name."""
    return [type(outcome).__name__ for outcome in outcomes]
