"""The other side of the contracts: partners and senders that do what a test tells them, inside the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import trio

from messagefoundry.contracts.errors import MessageFoundryError
from messagefoundry.contracts.outbound import (
    Delivered,
    MemberOutcome,
    OutboundBatch,
    OutboundContext,
    OutboundItem,
    Rejected,
)
from messagefoundry.contracts.settings import ConnectorSettings
from messagefoundry.contracts.specs import ConnectorSpec

if TYPE_CHECKING:
    from types import TracebackType

    from messagefoundry.contracts.inbound import InboundContext, Receipt

BatchAnswer = MemberOutcome | list[MemberOutcome] | BaseException | Callable[[OutboundBatch], Any]
Answer = Delivered | Rejected | BaseException | Callable[[OutboundItem], Any] | None


class Partner:
    """Takes items. Each send takes the next scripted answer; without one it is delivered.

    An answer may be an outcome, an exception to raise, or an async function of the item that gives an outcome.
    """

    def __init__(self, answers: Sequence[Answer] = ()) -> None:
        self.answers = list(answers)
        self.batch_answers: list[BatchAnswer] = []
        self.attempts: list[OutboundItem] = []
        self.batches: list[OutboundBatch] = []
        self.delivered: list[bytes] = []
        self._changed = trio.Event()

    async def take(self, item: OutboundItem) -> Delivered | Rejected:
        """One attempt."""
        self.attempts.append(item)
        self._tell()
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            answer = await answer(item)
        outcome = Delivered(reply=b"MSA|AA|" + item.payload[:8], msa_1="AA") if answer is None else answer
        if isinstance(outcome, Delivered):
            self.delivered.append(item.payload)
        self._tell()
        return outcome

    async def take_batch(self, batch: OutboundBatch) -> Sequence[MemberOutcome]:
        """One attempt of a batch; `batch_answers` are scripted as `answers`, an outcome stands for every member."""
        self.batches.append(batch)
        self._tell()
        answer = self.batch_answers.pop(0) if self.batch_answers else Delivered(reply=b"MSA|AA", msa_1="AA")
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            answer = await answer(batch)
        outcomes = answer if isinstance(answer, list) else [answer] * len(batch.members)
        for item, outcome in zip(batch.members, outcomes, strict=False):
            if isinstance(outcome, Delivered):
                self.delivered.append(item.payload)
        self._tell()
        return outcomes

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def until(self, condition: Callable[[Partner], bool]) -> None:
        """Wait until `condition(self)` holds after some attempt."""
        while not condition(self):
            await self._changed.wait()

    async def has(self, count: int) -> None:
        """Wait until so many items were delivered."""
        await self.until(lambda self: len(self.delivered) >= count)


class Slow:
    """A partner's answer that is given when the test says so."""

    def __init__(self) -> None:
        self.asked = trio.Event()
        self.may_answer = trio.Event()

    async def __call__(self, item: OutboundItem) -> Delivered | Rejected:
        """One attempt."""
        self.asked.set()
        await self.may_answer.wait()
        return Delivered(msa_1="AA")


class Sender:
    """The peer of an inbound: `send` hands in a message once the Connection runs."""

    def __init__(self) -> None:
        self.context: InboundContext | None = None
        self.ready = trio.Event()
        self.starts = 0

    async def send(self, raw: bytes) -> Receipt:
        """Send one message and wait for the receipt."""
        await self.ready.wait()
        assert self.context is not None
        return await self.context.receive(raw, peer="test")


class ToySettings(ConnectorSettings):
    """Settings that carry the test's own partner or sender."""

    partner: Any = None
    sender: Any = None
    encoding: str = "utf-8"
    reply_from: str | None = None
    reingress_to: str | None = None
    reply_timeout: float = 30

    def endpoint(self, around: object) -> str:
        """A toy is nowhere."""
        return "toy"


class ToyInbound:
    """Lends its context to the test's sender."""

    def __init__(self, settings: ToySettings, context: InboundContext) -> None:
        self._sender: Sender = settings.sender
        self._context = context

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Be there until cancelled."""
        self._sender.context = self._context
        self._sender.starts += 1
        task_status.started()
        self._sender.ready.set()
        try:
            await trio.sleep_forever()
        finally:
            self._sender.ready = trio.Event()


class ToyOutbound:
    """Gives everything to the test's partner."""

    def __init__(self, settings: ToySettings, context: OutboundContext) -> None:
        self._partner: Partner = settings.partner

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        """One attempt."""
        return await self._partner.take(item)

    async def send_batch(self, batch: OutboundBatch) -> Sequence[MemberOutcome]:
        """One attempt of a batch."""
        return await self._partner.take_batch(batch)

    async def test(self) -> str:
        """Always there."""
        return "the toy answers"


class Broken(MessageFoundryError):
    """The connector's own fault."""


SPEC = ConnectorSpec(
    "Toy",
    "tests.engine.toy:ToySettings",
    "tests.engine.toy:ToySettings",
    inbound="tests.engine.toy:ToyInbound",
    outbound="tests.engine.toy:ToyOutbound",
    batches=True,
)
