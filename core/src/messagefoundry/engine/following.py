"""What follows a commit: how a committed step of a message reaches the next part of the engine, in commit order."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from messagefoundry.contracts.units import HandOff, Receive, SettleDead, SettleDelivered, SweepRemoved
from messagefoundry.pipeline.committer import now
from messagefoundry.pipeline.taking import internal_message

if TYPE_CHECKING:
    from messagefoundry.contracts.units import WaitingItem
    from messagefoundry.engine.engine import Engine
    from messagefoundry.pipeline.settling import Reingress
    from messagefoundry.wiring.graph import Outbound

log = logging.getLogger(__name__)


class Following:
    """The steps of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def handed_off(self, unit: HandOff) -> None:
        """Router and Handlers have run: lanes and other inbounds get what they decided."""
        engine = self._engine
        for failed in unit.failed:
            log.warning("%s: message %d died: %s", unit.inbound, unit.message_id, failed.error.partition("\n")[0])
        for outgoing in unit.outgoing:
            lane = engine.lanes.get(outgoing.lane)
            if lane is not None:
                lane.offer(unit.message_id, outgoing)
            elif outgoing.lane not in engine.graph.outbounds:
                self._sweep()
        for passed in unit.passed:
            self._received(passed)
        engine.replies.handed_off(unit)
        engine.deliveries.handed_off(unit)

    def settled(self, unit: SettleDelivered | SettleDead) -> None:
        """A lane has an outcome: who waits for it hears it, and a reply that became a message goes on."""
        engine = self._engine
        engine.replies.settled(unit)
        engine.deliveries.settled(unit)
        if isinstance(unit, SettleDelivered) and unit.reingressed is not None:
            self._received(unit.reingressed)
        if isinstance(unit, SettleDead):
            why = unit.error.partition("\n")[0]
            log.warning(
                "%s: message %d is a dead letter, attempt %d: %s", unit.lane, unit.message_id, unit.attempt, why
            )

    def reingress(self, outbound: Outbound) -> Reingress | None:
        """What makes a partner's reply a message for a Loopback inbound, if this outbound's replies become some."""
        target = outbound.settings.reply_target()

        def reingressed(item: WaitingItem, reply: bytes) -> Receive:
            graph = self._engine.graph
            return internal_message(
                graph,
                graph.inbounds[str(target)],
                reply,
                outbound.settings.text_encoding(),
                parent_id=item.message_id,
                depth=item.depth + 1,
                peer=outbound.name,
            )

        return None if target is None else reingressed

    def _received(self, unit: Receive) -> None:
        """A message was committed that comes from the engine itself; one whose inbound is not deployed waits."""
        flow = self._engine.flows.get(unit.inbound)
        if flow is not None:
            flow.received(unit)
        elif unit.inbound not in self._engine.graph.inbounds:
            self._sweep()

    def _sweep(self) -> None:
        """Something was committed for what a reload has removed meanwhile."""
        unit = SweepRemoved(*self._engine.places(), at=now())
        self._engine.committer.submit(unit, partial(self._engine.deliveries.swept, unit))
