"""A lane: the ordered line of work of one outbound Connection, and its delivery.

A FIFO lane sends one item at a time, in order, and holds its head until that is settled; an unordered lane gives an
item in back-off to the store and goes on. Sending runs at most `unsettled` items ahead of durable settlement.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import trio

from messagefoundry.contracts.errors import MessageFoundryError
from messagefoundry.contracts.outbound import OutboundConnector, OutboundItem
from messagefoundry.contracts.stores import boottime
from messagefoundry.contracts.units import (
    Outgoing,
    RefillLane,
    SettleDead,
    WaitingItem,
)
from messagefoundry.pipeline.attempts import Attempt, attempt, error_fact, simulated
from messagefoundry.pipeline.committer import Committer, now
from messagefoundry.pipeline.retry import decide
from messagefoundry.pipeline.settling import Reingress, Settled, Settling
from messagefoundry.pipeline.window import Memory, Request, Window
from messagefoundry.wiring.values import InternalErrorPolicy, OrderingMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from messagefoundry.contracts.stores import Lease
    from messagefoundry.wiring.graph import Outbound

log = logging.getLogger(__name__)

UNSETTLED = 32
LEASE_LOOK_SECONDS = 0.1
"""How soon a lane sees that the lease on a server database was renewed after all."""

Doing = Literal["idle", "gathering a batch", "sending", "waiting to retry", "waiting for the store"]


class Note(Protocol):
    """Puts an event of the lane on its trail and in the log, as a warning if it is one."""

    def __call__(self, kind: str, detail: str, *, warning: bool = False) -> None:
        """Note one event."""


def unnoted(kind: str, detail: str, *, warning: bool = False) -> None:
    """Note nothing."""


class LaneStopped(MessageFoundryError):
    """The lane stopped itself: its item is kept, and a human must look."""


@dataclass(slots=True)
class LaneStatus:
    """What a lane is doing now, for `status`; everything else about it is in the store."""

    doing: Doing = "idle"
    since: int = 0
    next_try: int = 0


class Lane:
    """The work of one outbound Connection. `open_connector` makes a new connector; `settled` hears of outcomes."""

    def __init__(
        self,
        outbound: Outbound,
        committer: Committer,
        memory: Memory,
        open_connector: Callable[[], OutboundConnector],
        settled: Settled = lambda unit: None,
        note: Note = unnoted,
        reingress: Reingress | None = None,
        *,
        unsettled: int = UNSETTLED,
        lease: Lease | None = None,
    ) -> None:
        self.outbound = outbound
        self.status = LaneStatus(since=now())
        self.window: Window[WaitingItem] = Window(memory, self._refill)
        self._committer = committer
        self._open_connector = open_connector
        self._settled = settled
        self._settling = Settling(outbound.name, committer, unsettled, self._done_with, settled, reingress)
        self._reingresses = reingress is not None
        self._lease = lease
        self._note = note
        self._trouble = ""
        self._wake = trio.Event()
        self._fifo = outbound.ordering is OrderingMode.FIFO
        self._in_memory: set[int] = set()
        self._head: WaitingItem | None = None
        self._nudged = trio.Event()
        self._dropped = False
        self._finishing = False
        self._in_send = False
        self._cut = trio.CancelScope()
        self._next_due = 0
        self._as_of = 0

    @property
    def quiet(self) -> bool:
        """Whether nothing is on its way: all that is left waits in the store, for its partner or for a human."""
        at_rest = self.status.doing in ("idle", "waiting to retry")
        return at_rest and not self._settling.pending and (self._head is not None or not len(self.window))

    @property
    def name(self) -> str:
        """The lane's name, which is its outbound Connection's."""
        return self.outbound.name

    # -- work comes in -------------------------------------------------------------------------------------------

    def offer(self, message_id: int, outgoing: Outgoing) -> None:
        """Work for this lane was committed (a continuation of the committer)."""
        item = WaitingItem(
            outgoing.id, message_id, outgoing.payload, outgoing.content_type, 0, 0, outgoing.simulate, outgoing.depth
        )
        if self.window.offer(outgoing.id, item, len(outgoing.payload)):
            self._wake.set()

    def reread(self) -> None:
        """The store has work that was not offered: a replay, for one."""
        self.window.spilled = True
        self._wake.set()

    def drop(self, work_ids: Sequence[int]) -> None:
        """Items were dead-lettered by an operator while they waited."""
        gone = set(work_ids)
        self.window.discard(lambda item: item.id in gone)
        if self._head is not None and self._head.id in gone:
            self._dropped = True
            self._nudged.set()
            if self._in_send:
                self._cut.cancel()

    def retry_now(self) -> None:
        """Try the head again at once, if it waits to be tried again."""
        self._nudged.set()

    def finish(self) -> None:
        """End after the attempt in hand: `run` returns."""
        self._finishing = True
        self._nudged.set()
        self._wake.set()

    def _refill(self, request: Request) -> None:
        unit = RefillLane(
            self.name,
            request.after,
            request.limit,
            request.max_bytes,
            max(now(), self._as_of),
            unordered=not self._fifo,
            exclude=() if self._fifo else self._known(),
            depths=self._reingresses,
        )
        self._as_of = 0

        def read() -> None:
            entries = [(item.id, item, len(item.payload)) for item in unit.items]
            self.window.refilled(request, entries, unit.complete, unit.last)
            known = (self._next_due, self._possible(unit.next_due))
            self._next_due = min(filter(None, known), default=0)  # one that the read was told to leave out may be due
            for work_id, message_id in zip(unit.unreadable, unit.unreadable_messages, strict=True):
                self._bury(work_id, message_id)
            self._wake.set()

        def failed(error: MessageFoundryError) -> None:
            self.window.refill_failed(request)
            self._wake.set()

        self._committer.submit(unit, read, failed)

    def _possible(self, due: int) -> int:
        """When to look for an item that is due then: at once if no back-off is that long, for the clock was set back.

        The next read then takes that time for the present one.
        """
        clock = now()
        if self._fifo or due <= clock + int(self.outbound.retry.max_backoff_seconds * 1_000_000):
            return due
        self._as_of = due
        return clock

    def _bury(self, work_id: int, message_id: int) -> None:
        """Dead-letter an item whose payload cannot be read from the store; the others go on."""
        self._note("payload unreadable", f"message {message_id}", warning=True)
        error = "the stored payload is missing or cannot be opened"
        unit = SettleDead(work_id, message_id, self.name, 0, f"{{{error_fact(error)}}}", None, now(), error)
        self._committer.submit(unit, lambda: self._settled(unit))

    def _known(self) -> tuple[int, ...]:
        """Items in memory that a read by due time could find again."""
        return (*self._in_memory, *(item.id for item in self.window.waiting()))

    # -- delivery ------------------------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver until cancelled or told to finish. Raises LaneStopped when the lane must not go on without a human.

        Begins from the store, after the settlements of an earlier run are durable.
        """
        self._finishing = False
        await self._settling.begin()
        self._begin()
        task_status.started()
        try:
            while not self._finishing:
                async with self._open_connector() as connector:
                    await self._deliver(connector)
        finally:
            self.window.discard(lambda item: True)
            self.window.spilled = True

    def _begin(self) -> None:
        self._head = None
        self._in_memory.clear()
        self._next_due = 0
        self.window.forget()

    async def _deliver(self, connector: OutboundConnector) -> None:
        """Send item after item; returns when the connector broke and a new one is wanted, or when told to finish.

        One cancel scope serves them all, until a send is cut off: a scope for each send would cost every message.
        """
        broken = False
        while not broken and not self._finishing:
            with trio.CancelScope() as self._cut:
                broken = await self._deliver_each(connector)

    async def _deliver_each(self, connector: OutboundConnector) -> bool:
        """Send item after item until the connector broke, which is True, or the scope of the sends is used up."""
        while (item := await self._next()) is not None:
            self._head, self._dropped = item, False
            try:
                await self._settling.allowance()
                if self._committer.outage is not None:
                    self._show("waiting for the store")
                    await self._committer.available()
                if await self._deliver_one(connector, item):
                    return True
            finally:
                self._head = None
            if self._cut.cancel_called:
                return False
        return False

    async def _next(self) -> WaitingItem | None:
        """Wait for the next item; None when told to finish."""
        while not self._finishing:
            if self._next_due and self._next_due <= now():
                self._next_due = 0
                self.window.spilled = True
                self.window.want(urgent=True)
            item = self.window.take()
            if item is not None:
                if not self._fifo:
                    self._in_memory.add(item.id)
                return item
            self._show("idle")
            self._wake = trio.Event()
            if self._fifo or not self._next_due:
                await self._wake.wait()
            else:
                await self._wait_for_due()
        return None

    async def _wait_for_due(self) -> None:
        """Wait for new work or for an item in back-off, which is in the store alone and is read when it is due."""
        left = (self._next_due - now()) / 1_000_000
        with trio.move_on_after(max(0.0, min(left, self.outbound.retry.max_backoff_seconds))) as scope:
            await self._wake.wait()
        if scope.cancelled_caught:
            self._next_due = 0
            self.window.spilled = True

    async def _deliver_one(self, connector: OutboundConnector, item: WaitingItem) -> bool:
        """Attempt one item until it is settled or given back to the store. True when the connector broke.

        Holds one place of the `unsettled` allowance on entry, which the settlement gives back.
        """
        number = item.attempts
        while await self._may_send():
            number += 1
            attempt = await self._attempt(connector, item, number)
            if attempt.summary != self._trouble:
                self._tell(attempt.summary)
            if not attempt.error:
                self._settling.delivered(item, number, attempt)
            elif self._dropped:
                self._settling.let_go(item)
            elif attempt.stop or (attempt.broken and self._stops_on_internal_error):
                await self._keep(item, number, attempt)
            elif attempt.permanent or attempt.broken or decide(self.outbound.retry, number).exhausted:
                self._settling.dead(item, number, attempt)
            elif await self._retry(item, number, attempt):
                continue
            return attempt.broken
        self._settling.let_go(item)
        return False

    async def _may_send(self) -> bool:
        """Whether the head is to be attempted; on a server database, wait until the lease allows it.

        When another engine has the store it never does again, and this engine ends.
        """
        lease = self._lease
        while lease is not None and not self._over and boottime() >= lease.deadline():
            self._show("waiting for the store")
            await trio.sleep(LEASE_LOOK_SECONDS)
        return not self._over

    @property
    def _over(self) -> bool:
        """Whether the head is not to be attempted again: somebody took it away, or the lane is to end."""
        return self._dropped or self._finishing

    def _tell(self, trouble: str) -> None:
        """The lane begins to fail, fails for another reason, or delivers again: said once, not for every attempt."""
        self._trouble = trouble
        if trouble:
            self._note("delivery fails", trouble, warning=True)
        else:
            self._note("delivers again", "")

    @property
    def _stops_on_internal_error(self) -> bool:
        return self.outbound.internal_error is InternalErrorPolicy.STOP

    async def _attempt(self, connector: OutboundConnector, item: WaitingItem, number: int) -> Attempt:
        self._show("sending")
        if item.simulate:
            return simulated()
        outgoing = OutboundItem(item.id, item.message_id, item.payload, number, item.content_type)
        self._in_send = True
        try:
            return await attempt(connector, outgoing, self.name)
        except BaseException:  # a cancellation, which may come in a group
            self._cut_off(item, number)
            raise
        finally:
            self._in_send = False

    def _cut_off(self, item: WaitingItem, number: int) -> None:
        """A send was cancelled: whether the partner has it is unknown, and the trail says so."""
        if self._dropped:
            self._note("taken away while being sent", f"message {item.message_id}: outcome unknown")
            self._settling.let_go(item)
        else:
            self._settling.interrupted(item, number)

    def _done_with(self, item: WaitingItem) -> None:
        self._in_memory.discard(item.id)
        self.window.release(len(item.payload))

    async def _keep(self, item: WaitingItem, number: int, attempt: Attempt) -> None:
        """Stop the lane with its item kept: the attempt is on the trail, and the item waits for the lane's start."""
        self._show("waiting for the store")
        await self._settling.failed(item, number, attempt, now())
        raise LaneStopped(attempt.summary) from attempt.stop

    async def _retry(self, item: WaitingItem, number: int, attempt: Attempt) -> bool:
        """Make the failed attempt durable and wait. True when the item may be attempted again here."""
        wait = decide(self.outbound.retry, number).wait_seconds or 0.0
        due = now() + int(wait * 1_000_000)
        self._show("waiting for the store")
        durable = await self._settling.failed(item, number, attempt, due)
        if durable and self._fifo:
            self._show("waiting to retry", next_try=due)
            self._nudged = trio.Event()
            if not self._over:
                with trio.move_on_after(wait):
                    await self._nudged.wait()
            if not self._over:
                return True
        elif durable:
            self._next_due = min(self._next_due or due, due)
        self._settling.let_go(item)
        return False

    def _show(self, doing: Doing, *, next_try: int = 0) -> None:
        if doing != self.status.doing or next_try:
            self.status = LaneStatus(doing, now(), next_try)
