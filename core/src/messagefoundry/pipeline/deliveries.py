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
    from messagefoundry.contracts.units import DeadLetter, HandOff, Replay, SettleDelivered, SweepRemoved

REJECTED = ("AR", "CR")


class Delivery:
    """What a message came to. `refusal` is None when all of it was delivered, filtered, or routed nowhere.

    `open` has the ids of what is left, messages that are not routed yet and work that is not settled, and the
    Connection that each waits for.
    """

    def __init__(self) -> None:
        self.message_ids: dict[int, str] = {}
        self.over = False
        self.refusal: Refusal | None = None
        self.open: dict[int, str] = {}
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
    """All deliveries of the engine that somebody waits for, by message, until their outcome is known."""

    def __init__(self) -> None:
        self._awaited: dict[int, Delivery] = {}
        self.given_up = False
        """Whether the engine stops, and nobody is to wait any more."""

    def expect(self, message_id: int, inbound: str) -> Delivery:
        """Begin to wait, in the step that commits the message and so before it is routed."""
        delivery = Delivery()
        self._follow(message_id, inbound, delivery)
        if self.given_up:
            delivery.give_up()
        return delivery

    def of(self, message_id: int) -> Delivery | None:
        """The delivery that is waited for, if there is one."""
        return self._awaited.get(message_id)

    def forget(self, delivery: Delivery) -> None:
        """Nobody waits any more, or need not."""
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
            self._follow(passed.id, passed.inbound, delivery)
        delivery.open.update((outgoing.id, outgoing.lane) for outgoing in unit.outgoing)
        if unit.failed:
            self._end(delivery, Refusal(RefusalKind.DELIVERY_FAILED))
        else:
            self._close(delivery, unit.message_id)

    def settled(self, unit: SettleDelivered | SettleDead) -> None:
        """A lane has settled an item; one that an operator has queued again beside the others is not waited for."""
        delivery = self._awaited.get(unit.message_id)
        if delivery is None or unit.work_id not in delivery.open:
            return
        if isinstance(unit, SettleDead):
            kind = RefusalKind.DELIVERY_REJECTED if rejected(unit) else RefusalKind.DELIVERY_FAILED
            self._end(delivery, Refusal(kind))
        else:
            self._close(delivery, unit.work_id)

    def dead_lettered(self, unit: DeadLetter) -> None:
        """An operator has dead-lettered what waited of a message."""
        delivery = self._awaited.get(unit.message_id)
        if delivery is not None and unit.count:
            self._end(delivery, Refusal(RefusalKind.DELIVERY_FAILED))

    def replayed(self, unit: Replay) -> None:
        """An operator has messages run again, and what waited of them made way."""
        for message_id in unit.message_ids:
            delivery = self._awaited.get(message_id)
            if delivery is not None:
                for work_id in unit.work_ids:
                    delivery.open.pop(work_id, None)
                delivery.open[message_id] = delivery.message_ids[message_id]

    def swept(self, unit: SweepRemoved) -> None:
        """What waited for Connections that are no longer configured was dead-lettered."""
        if not unit.count:
            return
        remaining = {*unit.inbounds, *unit.lanes}
        for delivery in set(self._awaited.values()):
            if not remaining.issuperset(delivery.open.values()):
                self._end(delivery, Refusal(RefusalKind.DELIVERY_FAILED))

    def _follow(self, message_id: int, inbound: str, delivery: Delivery) -> None:
        delivery.message_ids[message_id] = delivery.open[message_id] = inbound
        self._awaited[message_id] = delivery

    def _close(self, delivery: Delivery, key: int) -> None:
        delivery.open.pop(key, None)
        if not delivery.open:
            self._end(delivery)

    def _end(self, delivery: Delivery, refusal: Refusal | None = None) -> None:
        delivery.end(refusal)
        self.forget(delivery)


def rejected(unit: SettleDead) -> bool:
    """Whether the partner itself has rejected the item (MSA-1 AR or CR)."""
    return bool(unit.detail) and json.loads(unit.detail).get("msa_1") in REJECTED
