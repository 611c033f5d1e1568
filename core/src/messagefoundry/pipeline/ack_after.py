"""`ack_after="delivered"`: the acknowledgment waits until every Send of its message has an outcome."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import trio

from messagefoundry.contracts.errors import StoreUnavailable
from messagefoundry.contracts.inbound import Receipt
from messagefoundry.contracts.stores import MessageQuery
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
    from messagefoundry.contracts.stores import StoreReader
    from messagefoundry.contracts.units import Receive
    from messagefoundry.pipeline.deliveries import Deliveries, Delivery
    from messagefoundry.pipeline.intake import Note
    from messagefoundry.wiring.graph import Inbound

FIRST_LOOK_SECONDS = 0.02
MOST_LOOK_SECONDS = 0.5
MOST_CHILDREN = 1000

Outcome = tuple[bool, Refusal | None]
"""Whether it is known what became of a message, and why its sender is refused."""

UNKNOWN: Outcome = (False, None)


class Look(Protocol):
    """Looks something up in the store, in a worker thread."""

    def __call__(self, look_up: Callable[[StoreReader], str]) -> Awaitable[str]:
        """Run `look_up` with a reader."""


class AfterDelivery:
    """How one inbound waits. `read` looks things up in the store; `passes` tells which inbounds are PassThroughs."""

    def __init__(
        self, inbound: Inbound, deliveries: Deliveries, read: Look, passes: Callable[[str], bool], note: Note
    ) -> None:
        self._name = inbound.name
        self._note = note
        self._codec = inbound.codec
        self._deliveries = deliveries
        self._read = read
        self._passes = passes
        self._seconds = inbound.ack_deadline_seconds or 0.0
        self._on_deadline = str(inbound.ack_on_deadline)

    def expect(self, message_id: int) -> None:
        """Begin to wait for a message, in the step that commits it."""
        self._deliveries.expect(message_id, self._name)

    async def answer(self, raw: bytes, summary: Summary, mode: AcknowledgmentMode, unit: Receive) -> Receipt:
        """Answer a message that is committed: when its outcome is known, or at once and then once more.

        The latter in enhanced mode, when the sender asks for it (MSH-15, MSH-16).
        """
        header = summary.header
        delivery = self._deliveries.of(unit.id)
        if mode is AcknowledgmentMode.ENHANCED and (header.accept_acknowledgment or header.application_acknowledgment):
            code, reply = self._acknowledged(raw, summary, None, mode, unit.id)
            return Receipt(True, first_id(unit), reply, code, later=partial(self._once_more, header, unit, delivery))
        refusal = await self._outcome(unit, delivery)
        code, reply = self._acknowledged(raw, summary, refusal, mode, unit.id)
        return Receipt(True, first_id(unit), reply, code, reason="" if refusal is None else refusal.kind.sentence)

    def _acknowledged(
        self, raw: bytes, summary: Summary, refusal: Refusal | None, mode: AcknowledgmentMode, message_id: int
    ) -> tuple[str, bytes | None]:
        stamp, own = hl7_now(), control_id(message_id)
        return self._codec.acknowledge(raw, summary, refusal, mode, control_id=own, timestamp=stamp)

    async def _once_more(self, header: Header, unit: Receive, delivery: Delivery | None) -> bytes | None:
        """The application acknowledgment, if the sender wants one."""
        verdict = await self._outcome(unit, delivery) or ACCEPTED
        return acknowledge_delivery(header, verdict, control_id=control_id(now()), timestamp=hl7_now())

    async def _outcome(self, unit: Receive, delivery: Delivery | None) -> Refusal | None:
        """Why the sender is refused; None when it is not. At the deadline, and when the engine stops, as was chosen."""
        first = first_id(unit)
        with trio.move_on_after(self._seconds):
            known, refusal = await (self._of_new(delivery) if first == unit.id else self._of_earlier(first))
            if known:
                return refusal
        self._note(self._name, "answered before the outcome", f"message {first}: {self._on_deadline}")
        return CHOSEN[self._on_deadline]

    async def _of_new(self, delivery: Delivery | None) -> Outcome:
        try:
            if delivery is not None and await delivery.wait():
                return True, delivery.refusal
        finally:
            if delivery is not None:
                self._deliveries.forget(delivery)
        return UNKNOWN

    async def _of_earlier(self, message_id: int) -> Outcome:
        """Of a message that came before this one, a repeat: it may be on its way still, or over long ago."""
        pause = FIRST_LOOK_SECONDS
        while not self._deliveries.given_up:
            disposition = await self._came_to(message_id)
            if disposition in OVER:
                return True, OVER[disposition]
            await trio.sleep(pause)
            pause = min(pause * 2, MOST_LOOK_SECONDS)
        return UNKNOWN

    async def _came_to(self, message_id: int) -> str:
        try:
            return await self._read(lambda reader: came_to(reader, message_id, self._passes))
        except StoreUnavailable:
            return ""


def came_to(reader: StoreReader, message_id: int, passes: Callable[[str], bool]) -> str:
    """The disposition of a message, or of what it became by way of inbounds that `passes` names; "" while it is open.

    One ERROR is enough.
    """
    row = reader.message(message_id)
    if row is None or row.disposition not in OVER:
        return ""
    if row.disposition == "ERROR":
        return "ERROR"
    children = reader.messages(MessageQuery(parent=message_id, limit=MOST_CHILDREN))
    found = [came_to(reader, child.id, passes) for child in children if passes(child.inbound)]
    return "ERROR" if "ERROR" in found else "" if "" in found else row.disposition


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
