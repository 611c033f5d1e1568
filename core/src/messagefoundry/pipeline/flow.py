"""A flow: what one inbound has received and not routed yet, in order."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.contracts.units import Failed, HandOff, Receive, RefillFlow, WaitingMessage
from messagefoundry.pipeline.committer import now
from messagefoundry.pipeline.window import Memory, Request, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from messagefoundry.contracts.errors import MessageFoundryError
    from messagefoundry.pipeline.committer import Committer
    from messagefoundry.pipeline.lookups import FlowLookups
    from messagefoundry.wiring.graph import Graph, Inbound

log = logging.getLogger(__name__)

STUCK_SECONDS = 3.0


@dataclass(slots=True, eq=False)
class Flow:
    """The window over the RECEIVED messages of one inbound. `wake` tells whoever routes that there is work.

    `graph` is what its messages run under: the engine's, or the last one that had this inbound while it drains.
    `careful_until` is the last id of before an unclean stop: messages up to it run one at a time, each attempt counted
    durably. `detached` flows have overrun a shared turn and are routed by a thread of their own.
    """

    inbound: Inbound
    graph: Graph
    committer: Committer
    memory: Memory
    lookups: FlowLookups
    wake: Callable[[], None]
    careful_until: int = 0
    detached: bool = False
    paused: bool = False
    """Its messages would ask for a reference set that was never read: none is run until it is."""
    gone: set[int] = field(default_factory=set)
    """Messages that an operator has dead-lettered, perhaps while they were run: what they write is not to be seen."""
    repeats: int = 0
    """Messages that came again, since the engine started or the inbound was added."""
    turn_began: float = math.inf
    """When the turn that a detached flow is in began, on the monotonic clock; infinity between turns."""

    window: Window[WaitingMessage] = field(init=False)

    def __post_init__(self) -> None:
        self.window = Window(self.memory, self._refill)

    @property
    def shares(self) -> bool:
        """Whether its messages may be run in shared turns now."""
        return not (self.detached or self.paused)

    @property
    def stuck(self) -> bool:
        """Whether one turn has lasted so long that a stop does not wait for it."""
        return time.monotonic() - self.turn_began >= STUCK_SECONDS

    @property
    def drained(self) -> bool:
        """Whether nothing is left to route, here or in the store."""
        return not self.window.spilled and not len(self.window) and not self.window.held

    def received(self, unit: Receive) -> None:
        """A message of this inbound was committed (a continuation of the committer)."""
        message = WaitingMessage(
            unit.id,
            unit.id,
            unit.raw,
            unit.content_type,
            unit.encoding,
            unit.received_at,
            attempts=0,
            parent_id=unit.parent_id,
            depth=unit.depth,
        )
        if self.window.offer(unit.id, message, len(unit.raw)):
            self.wake()

    def reread(self) -> None:
        """The store has work that was not offered: a replay, for one."""
        self.gone.clear()
        self.window.spilled = True
        self.window.want()

    def drop(self, message_id: int) -> None:
        """A message was dead-lettered while it waited, or while it is run."""
        if self.window.held:
            self.gone.add(message_id)
        self.window.discard(lambda message: message.message_id == message_id)

    def _bury(self, row_id: int, message_id: int) -> None:
        """Dead-letter a message that cannot be read from the store; the others go on."""
        log.error("%s: message %d cannot be read from the store and is a dead letter", self.inbound.name, message_id)
        routed_id = row_id if row_id != message_id else None
        failed = Failed("routed" if routed_id else "ingress", "", "the stored message is missing or cannot be opened")
        unit = HandOff(message_id, self.inbound.name, "UNROUTED", [], [failed], "", now(), routed_id)
        self.committer.submit(unit, lambda: None)

    def _refill(self, request: Request) -> None:
        unit = RefillFlow(self.inbound.name, request.after, request.limit, request.max_bytes)

        def read() -> None:
            entries = [(message.order, message, len(message.raw)) for message in unit.messages]
            self.window.refilled(request, entries, unit.complete, unit.last)
            for row_id, message_id in zip(unit.unreadable, unit.unreadable_messages, strict=True):
                self._bury(row_id, message_id)
            self.wake()

        def failed(error: MessageFoundryError) -> None:
            self.window.refill_failed(request)

        self.committer.submit(unit, read, failed)
