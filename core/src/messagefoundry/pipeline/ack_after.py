"""`ack_after="delivered"`: the acknowledgment waits until every Send of its message has an outcome."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import trio

from messagefoundry.contracts.errors import StoreUnavailable
from messagefoundry.contracts.inbound import Receipt
from messagefoundry.message import (
    ACCEPTED,
    AcknowledgmentMode,
    Header,
    Refusal,
    RefusalKind,
    acknowledge_delivery,
)
from messagefoundry.pipeline.answering import control_id, hl7_now
from messagefoundry.pipeline.committer import now
from messagefoundry.pipeline.dedupe import first_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from messagefoundry.contracts.codecs import Summary
    from messagefoundry.contracts.stores import MessageRow, StoreReader
    from messagefoundry.contracts.units import Receive
    from messagefoundry.pipeline.deliveries import Deliveries
    from messagefoundry.wiring.graph import Inbound

FIRST_LOOK_SECONDS = 0.02
MOST_LOOK_SECONDS = 0.5


class Look(Protocol):
    """Looks something up in the store, in a worker thread."""

    def __call__(self, look_up: Callable[[StoreReader], MessageRow | None]) -> Awaitable[MessageRow | None]:
        """Run `look_up` with a reader."""


class AfterDelivery:
    """How one inbound waits. `read` looks things up in the store."""

    def __init__(self, inbound: Inbound, deliveries: Deliveries, read: Look) -> None:
        self._codec = inbound.codec
        self._deliveries = deliveries
        self._read = read
        self._seconds = inbound.ack_deadline_seconds or 0.0
        self._chosen = CHOSEN[inbound.ack_on_deadline]

    def expect(self, message_id: int) -> None:
        """Begin to wait for a message, in the step that commits it."""
        self._deliveries.expect(message_id)

    async def answer(self, raw: bytes, summary: Summary, mode: AcknowledgmentMode, unit: Receive) -> Receipt:
        """Answer a message that is committed: when its outcome is known, or at once and then once more.

        The latter in enhanced mode, when the sender asks for it (MSH-15, MSH-16).
        """
        header = summary.header
        if mode is AcknowledgmentMode.ENHANCED and (header.accept_acknowledgment or header.application_acknowledgment):
            code, reply = self._acknowledged(raw, summary, None, mode, unit.id)
            return Receipt(True, first_id(unit), reply, code, later=partial(self._once_more, header, unit))
        refusal = await self._outcome(unit)
        code, reply = self._acknowledged(raw, summary, refusal, mode, unit.id)
        return Receipt(True, first_id(unit), reply, code, reason="" if refusal is None else refusal.kind.sentence)

    def _acknowledged(
        self, raw: bytes, summary: Summary, refusal: Refusal | None, mode: AcknowledgmentMode, message_id: int
    ) -> tuple[str, bytes | None]:
        stamp, own = hl7_now(), control_id(message_id)
        return self._codec.acknowledge(raw, summary, refusal, mode, control_id=own, timestamp=stamp)

    async def _once_more(self, header: Header, unit: Receive) -> bytes | None:
        """The application acknowledgment, if the sender wants one."""
        verdict = await self._outcome(unit) or ACCEPTED
        return acknowledge_delivery(header, verdict, control_id=control_id(now()), timestamp=hl7_now())

    async def _outcome(self, unit: Receive) -> Refusal | None:
        """Why the sender is refused; None when it is not. At the deadline, and when the engine stops, as was chosen."""
        first = first_id(unit)
        with trio.move_on_after(self._seconds):
            return await (self._of_new(unit.id) if first == unit.id else self._of_earlier(first))
        return self._chosen

    async def _of_new(self, message_id: int) -> Refusal | None:
        delivery = self._deliveries.of(message_id)
        try:
            if delivery is not None and await delivery.wait():
                return delivery.refusal
        finally:
            if delivery is not None:
                self._deliveries.forget(delivery)
        return self._chosen

    async def _of_earlier(self, message_id: int) -> Refusal | None:
        """Of a message that came before this one, a repeat: it may be on its way still, or over long ago."""
        pause = FIRST_LOOK_SECONDS
        while not self._deliveries.given_up:
            disposition = await self._disposition(message_id)
            if disposition in OVER:
                return OVER[disposition]
            await trio.sleep(pause)
            pause = min(pause * 2, MOST_LOOK_SECONDS)
        return self._chosen

    async def _disposition(self, message_id: int) -> str:
        try:
            row = await self._read(lambda reader: reader.message(message_id))
        except StoreUnavailable:
            return ""
        return "" if row is None else row.disposition


CHOSEN: dict[str, Refusal | None] = {
    "AA": None,
    "AE": Refusal(RefusalKind.NOT_DELIVERED_YET),
    "AR": Refusal(RefusalKind.REJECTED_FOR_TIME),
}
OVER: dict[str, Refusal | None] = {
    "PROCESSED": None,
    "FILTERED": None,
    "UNROUTED": None,
    "ERROR": Refusal(RefusalKind.DELIVERY_FAILED),
}
