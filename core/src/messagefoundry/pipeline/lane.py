"""A lane: the ordered line of work of one outbound Connection, and its delivery.

A FIFO lane sends one item at a time, in order, and holds its head until that is settled; an unordered lane gives an
item in back-off to the store and goes on. Sending runs at most `unsettled` items ahead of durable settlement.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

import trio

from messagefoundry.contracts.errors import MessageFoundryError, StopLane, Unreachable, fault_site
from messagefoundry.contracts.outbound import Delivered, OutboundConnector, OutboundItem, Rejected
from messagefoundry.contracts.units import (
    Outgoing,
    RefillLane,
    SettleDead,
    SettleDelivered,
    SettleRetry,
    WaitingItem,
)
from messagefoundry.pipeline.committer import Committer, now
from messagefoundry.pipeline.retry import decide
from messagefoundry.pipeline.transform import describe_failure
from messagefoundry.pipeline.window import Memory, Request, Window
from messagefoundry.wiring.values import InternalErrorPolicy, OrderingMode

if TYPE_CHECKING:
    from messagefoundry.wiring.graph import Outbound

log = logging.getLogger(__name__)

UNSETTLED = 32

compact_json = json.JSONEncoder(separators=(",", ":")).encode

Doing = Literal["idle", "sending", "waiting to retry", "waiting for the store"]
Note = Callable[[str, str], None]
Settled = Callable[[SettleDelivered | SettleDead], None]


class LaneStopped(MessageFoundryError):
    """The lane stopped itself: its item is kept, and a human must look."""


@dataclass(slots=True)
class Attempt:
    """How one attempt ended, ready to be settled. `error` "" means delivered; its first line is safe to show.

    `facts` is what the trail keeps of the answer: times, peer, MSA-1, MSA-2.
    """

    error: str = ""
    permanent: bool = False
    unknown: bool = False
    reply: bytes | None = None
    facts: dict[str, object] = field(default_factory=dict)
    stop: StopLane | None = None
    broken: bool = False

    @property
    def detail(self) -> str:
        """The facts and what went wrong, as compact JSON for the trail; "" when there is nothing to say."""
        facts = dict(self.facts)
        if self.unknown:
            facts["outcome"] = "unknown"
        if self.error:
            facts["error"] = self.error.partition("\n")[0]
        return compact_json(facts) if facts else ""


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
        note: Note = lambda kind, detail: None,
        *,
        unsettled: int = UNSETTLED,
    ) -> None:
        self.outbound = outbound
        self.status = LaneStatus(since=now())
        self.window: Window[WaitingItem] = Window(memory, self._refill)
        self._committer = committer
        self._open_connector = open_connector
        self._settled = settled
        self._note = note
        self._failing = False
        self._ahead = trio.Semaphore(unsettled)
        self._unsettled = unsettled
        self._wake = trio.Event()
        self._pending = 0
        self._quiet = trio.Event()
        self._fifo = outbound.ordering is OrderingMode.FIFO
        self._in_memory: set[int] = set()
        self._head: WaitingItem | None = None
        self._nudged = trio.Event()
        self._dropped = False
        self._sending = trio.CancelScope()
        self._next_due = 0

    @property
    def quiet(self) -> bool:
        """Whether nothing is on its way: all that is left waits in the store, for its partner or for a human."""
        at_rest = self.status.doing in ("idle", "waiting to retry")
        return at_rest and not self._pending and (self._head is not None or not len(self.window))

    @property
    def name(self) -> str:
        """The lane's name, which is its outbound Connection's."""
        return self.outbound.name

    # -- work comes in -------------------------------------------------------------------------------------------

    def offer(self, message_id: int, outgoing: Outgoing) -> None:
        """Work for this lane was committed (a continuation of the committer)."""
        item = WaitingItem(outgoing.id, message_id, outgoing.payload, outgoing.content_type, 0, 0, outgoing.simulate)
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
            self._sending.cancel()

    def retry_now(self) -> None:
        """Try the head again at once, if it waits to be tried again."""
        self._nudged.set()

    def _refill(self, request: Request) -> None:
        unit = RefillLane(
            self.name,
            request.after,
            request.limit,
            request.max_bytes,
            now(),
            unordered=not self._fifo,
            exclude=() if self._fifo else self._known(),
        )

        def read() -> None:
            entries = [(item.id, item, len(item.payload)) for item in unit.items]
            self.window.refilled(request, entries, unit.complete, unit.last)
            self._next_due = unit.next_due
            for work_id, message_id in zip(unit.unreadable, unit.unreadable_messages, strict=True):
                self._bury(work_id, message_id)
            self._wake.set()

        def failed(error: MessageFoundryError) -> None:
            self.window.refill_failed(request)
            self._wake.set()

        self._committer.submit(unit, read, failed)

    def _bury(self, work_id: int, message_id: int) -> None:
        """Dead-letter an item whose payload cannot be read from the store; the others go on."""
        self._note("payload unreadable", f"message {message_id}")
        error = "the stored payload is missing or cannot be opened"
        unit = SettleDead(work_id, message_id, self.name, 0, compact_json({"error": error}), None, now(), error)
        self._committer.submit(unit, lambda: self._settled(unit))

    def _known(self) -> tuple[int, ...]:
        """Items in memory that a read by due time could find again."""
        return (*self._in_memory, *(item.id for item in self.window.waiting()))

    # -- delivery ------------------------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver until cancelled. Raises LaneStopped when the lane must not go on without a human.

        Begins from the store, after the settlements of an earlier run are durable.
        """
        await self._settlements_done()
        self._begin()
        task_status.started()
        try:
            while True:
                async with self._open_connector() as connector:
                    await self._deliver(connector)
        finally:
            self.window.discard(lambda item: True)
            self.window.spilled = True

    def _begin(self) -> None:
        self._head = None
        self._in_memory.clear()
        self._next_due = 0
        self._ahead = trio.Semaphore(self._unsettled)
        self.window.forget()

    async def _settlements_done(self) -> None:
        while self._pending:
            self._quiet = trio.Event()
            await self._quiet.wait()

    async def _deliver(self, connector: OutboundConnector) -> None:
        """Send item after item; returns when the connector broke and a new one is wanted."""
        while True:
            item = await self._next()
            self._head, self._dropped = item, False
            await self._allowance()
            if self._committer.outage is not None:
                self._show("waiting for the store")
                await self._committer.available()
            broken = await self._deliver_one(connector, item)
            if broken:
                return

    async def _allowance(self) -> None:
        """Wait until one more item may go ahead of its settlement; without a turn of the loop when it may at once."""
        try:
            self._ahead.acquire_nowait()
        except trio.WouldBlock:
            await self._ahead.acquire()

    async def _next(self) -> WaitingItem:
        while True:
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

    async def _wait_for_due(self) -> None:
        """Wait for new work or for an item in back-off, which is in the store alone and is read when it is due."""
        with trio.move_on_after(max(0.0, (self._next_due - now()) / 1_000_000)) as scope:
            await self._wake.wait()
        if scope.cancelled_caught:
            self._next_due = 0
            self.window.spilled = True

    async def _deliver_one(self, connector: OutboundConnector, item: WaitingItem) -> bool:
        """Attempt one item until it is settled or given back to the store. True when the connector broke.

        Holds one place of the `unsettled` allowance on entry, which the settlement gives back.
        """
        number = item.attempts
        try:
            while True:
                if self._dropped:
                    self._let_go(item)
                    return False
                number += 1
                attempt = await self._attempt(connector, item, number)
                if self._sending.cancelled_caught:
                    self._note("taken away while being sent", f"message {item.message_id}: outcome unknown")
                    continue
                if bool(attempt.error) is not self._failing:
                    self._tell(attempt)
                if not attempt.error:
                    self._settle_delivered(item, number, attempt)
                elif attempt.stop or (attempt.broken and self._stops_on_internal_error):
                    await self._keep(item, number, attempt)
                elif attempt.permanent or attempt.broken or decide(self.outbound.retry, number).exhausted:
                    self._settle_dead(item, number, attempt)
                elif await self._retry(item, number, attempt):
                    continue
                return attempt.broken
        finally:
            self._head = None

    def _tell(self, attempt: Attempt) -> None:
        """The lane begins to fail, or delivers again: said once, not for every attempt."""
        self._failing = bool(attempt.error)
        if self._failing:
            self._note("delivery fails", attempt.error.partition("\n")[0])
        else:
            self._note("delivers again", "")

    @property
    def _stops_on_internal_error(self) -> bool:
        return self.outbound.internal_error is InternalErrorPolicy.STOP

    async def _attempt(self, connector: OutboundConnector, item: WaitingItem, number: int) -> Attempt:
        self._show("sending")
        if item.simulate:
            return Attempt(facts={"simulated": True})
        outgoing = OutboundItem(item.id, item.message_id, item.payload, number, item.content_type)
        try:
            with trio.CancelScope() as self._sending:
                outcome = await self._send(connector, outgoing, item)
            if self._sending.cancelled_caught:
                return Attempt("taken away while being sent", unknown=True)
        except Unreachable as error:
            return Attempt(str(error) or "unreachable", unknown=error.outcome_unknown)
        except StopLane as error:
            return Attempt(str(error), stop=error)
        except Exception as error:  # noqa: BLE001 - the connector's own fault, which the policy decides about
            log.error("%s: the connector broke: %s", self.name, fault_site(error))
            return Attempt(describe_failure(error, f"connector of {self.name}"), broken=True)
        facts = facts_of(outcome)
        if isinstance(outcome, Delivered):
            return Attempt(reply=outcome.reply, facts=facts)
        return Attempt(outcome.reason or "rejected", outcome.permanent, reply=outcome.reply, facts=facts)

    async def _send(
        self, connector: OutboundConnector, outgoing: OutboundItem, item: WaitingItem
    ) -> Delivered | Rejected:
        try:
            return await connector.send(outgoing)
        except trio.Cancelled:
            if not self._dropped:
                self._interrupted(item, outgoing.attempt)
            raise

    # -- settlement ----------------------------------------------------------------------------------------------

    def _settle_delivered(self, item: WaitingItem, number: int, attempt: Attempt) -> None:
        unit = SettleDelivered(item.id, item.message_id, self.name, number, attempt.detail, attempt.reply, now())
        self._settle(item, unit)

    def _settle_dead(self, item: WaitingItem, number: int, attempt: Attempt) -> None:
        unit = SettleDead(
            item.id, item.message_id, self.name, number, attempt.detail, attempt.reply, now(), attempt.error
        )
        self._settle(item, unit)

    def _settle(self, item: WaitingItem, unit: SettleDelivered | SettleDead) -> None:
        """Queue a settlement; until it is durable the item keeps its place in the allowance and in memory."""
        self._pending += 1

        def settled() -> None:
            self._done_with(item)
            self._settled(unit)

        self._committer.submit(unit, settled, partial(self._not_settled, item))

    def _not_settled(self, item: WaitingItem, error: MessageFoundryError) -> None:
        self._note("settled otherwise", f"message {item.message_id} was sent while somebody decided about it: {error}")
        self._done_with(item)

    def _done_with(self, item: WaitingItem) -> None:
        self._pending -= 1
        self._let_go(item)
        if not self._pending:
            self._quiet.set()

    def _let_go(self, item: WaitingItem) -> None:
        self._ahead.release()
        self._in_memory.discard(item.id)
        self.window.release(len(item.payload))

    async def _keep(self, item: WaitingItem, number: int, attempt: Attempt) -> None:
        """Stop the lane with its item kept: the attempt is on the trail, and the item waits for the lane's start."""
        await self._commit(self._retry_unit(item, number, attempt, now()))
        raise LaneStopped(attempt.error.partition("\n")[0]) from attempt.stop

    async def _retry(self, item: WaitingItem, number: int, attempt: Attempt) -> bool:
        """Make the failed attempt durable and wait. True when the item is to be attempted again here."""
        wait = decide(self.outbound.retry, number).wait_seconds or 0.0
        due = now() + int(wait * 1_000_000)
        durable = await self._commit(self._retry_unit(item, number, attempt, due))
        if durable and self._fifo:
            self._show("waiting to retry", next_try=due)
            self._nudged = trio.Event()
            if self._dropped:
                self._nudged.set()
            with trio.move_on_after(wait):
                await self._nudged.wait()
            if not self._dropped:
                return True
        elif durable:
            self._next_due = min(self._next_due or due, due)
        self._let_go(item)
        return False

    async def _commit(self, unit: SettleRetry) -> bool:
        """Wait until a failed attempt is durable. False when the item no longer waits: somebody else decided."""
        self._show("waiting for the store")
        try:
            await self._committer.commit(unit)
        except MessageFoundryError as error:
            log.warning("%s: work %d was settled otherwise in the meantime (%s)", self.name, unit.work_id, error)
            return False
        return True

    def _retry_unit(self, item: WaitingItem, number: int, attempt: Attempt, due: int) -> SettleRetry:
        return SettleRetry(
            item.id, item.message_id, self.name, number, attempt.detail, attempt.reply, now(), attempt.error, due
        )

    def _interrupted(self, item: WaitingItem, number: int) -> None:
        """A send was cancelled: whether the partner has it is unknown, and the trail says so."""
        attempt = Attempt("interrupted while sending", unknown=True)
        self._pending += 1

        def done(_: MessageFoundryError | None = None) -> None:
            self._done_with(item)

        self._committer.submit(self._retry_unit(item, number, attempt, now()), done, done)

    def _show(self, doing: Doing, *, next_try: int = 0) -> None:
        if doing != self.status.doing or next_try:
            self.status = LaneStatus(doing, now(), next_try)


def facts_of(outcome: Delivered | Rejected) -> dict[str, object]:
    """What the trail keeps of an attempt that was answered, without empty members."""
    members = {
        "sent_at": outcome.sent_at,
        "acknowledged_at": outcome.acknowledged_at,
        "peer": outcome.peer,
        "msa_1": outcome.msa_1,
        "msa_2": outcome.msa_2,
        "note": getattr(outcome, "note", ""),
    }
    return {key: value for key, value in members.items() if value}
