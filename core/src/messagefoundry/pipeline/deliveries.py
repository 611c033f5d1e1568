"""Deliveries that senders wait for: what becomes of every Send of a message, known when the last is settled.

In memory only: a sender does not outlive the process. A message that goes on to a PassThrough inbound is followed
there; the reply that a Loopback inbound receives is not waited for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.units import SettleDead
from messagefoundry.message import Refusal, RefusalKind

if TYPE_CHECKING:
    from messagefoundry.contracts.units import DeadLetter, HandOff, SettleDelivered

REJECTED = ("AR", "CR")


class Delivery:
    """What a message came to. `refusal` is None when all of it was delivered, filtered, or routed nowhere."""

    def __init__(self) -> None:
        self.message_ids: list[int] = []
        self.over = False
        self.refusal: Refusal | None = None
        self.open = 1
        self._ended = trio.Event()

    def end(self, refusal: Refusal | None = None) -> None:
        """The outcome is known."""
        self.over, self.refusal = True, refusal
        self._ended.set()

    def give_up(self) -> None:
        """Nobody will wait for the outcome."""
        self._ended.set()

    async def wait(self) -> bool:
        """Wait for the outcome; False when it was given up."""
        await self._ended.wait()
        return self.over


class Deliveries:
    """All deliveries of the engine that somebody waits for, by message."""

    def __init__(self) -> None:
        self._awaited: dict[int, Delivery] = {}
        self.given_up = False
        """Whether the engine stops, and nobody is to wait any more."""

    def expect(self, message_id: int) -> Delivery:
        """Begin to wait, in the step that commits the message and so before it is routed."""
        delivery = Delivery()
        self._follow(message_id, delivery)
        if self.given_up:
            delivery.give_up()
        return delivery

    def of(self, message_id: int) -> Delivery | None:
        """The delivery that is waited for, if there is one."""
        return self._awaited.get(message_id)

    def forget(self, delivery: Delivery) -> None:
        """Nobody waits any more."""
        for message_id in delivery.message_ids:
            self._awaited.pop(message_id, None)

    def give_up(self) -> None:
        """Let everybody who waits, and whoever begins to, go: the engine stops."""
        self.given_up = True
        for delivery in self._awaited.values():
            delivery.give_up()

    def handed_off(self, unit: HandOff) -> None:
        """Router and Handlers have run: each Send is waited for from now on."""
        delivery = self._awaited.get(unit.message_id)
        if delivery is None:
            return
        for passed in unit.passed:
            self._follow(passed.id, delivery)
        delivery.open += len(unit.outgoing) + len(unit.passed)
        if unit.failed:
            delivery.end(Refusal(RefusalKind.DELIVERY_FAILED))
        else:
            self._closed_one(delivery)

    def settled(self, unit: SettleDelivered | SettleDead) -> None:
        """A lane has settled an item."""
        delivery = self._awaited.get(unit.message_id)
        if delivery is None:
            return
        if isinstance(unit, SettleDead):
            kind = RefusalKind.DELIVERY_REJECTED if rejected(unit) else RefusalKind.DELIVERY_FAILED
            delivery.end(Refusal(kind))
        else:
            self._closed_one(delivery)

    def dead_lettered(self, unit: DeadLetter) -> None:
        """An operator has dead-lettered what waited of a message."""
        delivery = self._awaited.get(unit.message_id)
        if delivery is not None and unit.count:
            delivery.end(Refusal(RefusalKind.DELIVERY_FAILED))

    def _follow(self, message_id: int, delivery: Delivery) -> None:
        delivery.message_ids.append(message_id)
        self._awaited[message_id] = delivery

    def _closed_one(self, delivery: Delivery) -> None:
        delivery.open -= 1
        if not delivery.open and not delivery.over:
            delivery.end()


def rejected(unit: SettleDead) -> bool:
    """Whether the partner itself has rejected the item (MSA-1 AR or CR)."""
    return bool(unit.detail) and json.loads(unit.detail).get("msa_1") in REJECTED
