"""A lane whose items leave in HL7 batches (v2.5.1 §2.10.3): gathered, sent as one, each settled by its own answer.

The members of a batch are the head of the line together: what is not settled by an answer is tried again as a batch,
before anything behind it. What cannot stand in a batch, or is simulated, goes alone and closes the batch before it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import trio

from messagefoundry.contracts.outbound import OutboundBatch, OutboundItem
from messagefoundry.message import fits_batch
from messagefoundry.pipeline.answering import hl7_now
from messagefoundry.pipeline.attempts import Attempt, attempt_batch, places
from messagefoundry.pipeline.committer import now
from messagefoundry.pipeline.lane import UNSETTLED, Lane, LaneStopped
from messagefoundry.pipeline.retry import decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from messagefoundry.contracts.outbound import BatchConnector, OutboundConnector
    from messagefoundry.contracts.units import Outgoing, WaitingItem
    from messagefoundry.wiring.graph import Outbound
    from messagefoundry.wiring.values import BatchConfig

MOST_BYTES = 4 * 1024 * 1024
"""A batch is closed before its messages exceed this together: it stays well within memory and a partner's frames."""

Attempted = tuple["WaitingItem", int, Attempt]
"""A member, the number of its attempt, and how that ended."""


class BatchLane(Lane):
    """The lane of an outbound with `batch`. A whole batch, or `unsettled` items, may be ahead of their settlement."""

    def __init__(self, outbound: Outbound, *parts: Any, unsettled: int = UNSETTLED, **more: Any) -> None:
        assert outbound.batch is not None
        super().__init__(outbound, *parts, unsettled=max(unsettled, outbound.batch.max_count), **more)
        self._config: BatchConfig = outbound.batch
        self._hand: dict[int, WaitingItem] = {}
        self._gone: set[int] = set()
        self._singly: set[int] = set()
        self._formed = OutboundBatch(b"", b"", ())

    @property
    def quiet(self) -> bool:
        """As for every lane; a batch that is gathered waits in the store too."""
        if not self._hand:
            return super().quiet
        return self.status.doing in ("gathering a batch", "waiting to retry") and not self._settling.pending

    def drop(self, work_ids: Sequence[int]) -> None:
        """Items were dead-lettered by an operator; members leave the batch, unless it is being sent with others."""
        super().drop(work_ids)
        self._lose(work_ids)

    def offer(self, message_id: int, outgoing: Outgoing) -> None:
        """Work for this lane was committed; when memory is full, a batch is not gathered any longer."""
        super().offer(message_id, outgoing)
        if self.window.full:
            self._wake.set()

    def _done_with(self, item: WaitingItem) -> None:
        super()._done_with(item)
        self._wake.set()

    def _lose(self, work_ids: Iterable[int]) -> None:
        gone = self._hand.keys() & set(work_ids)
        if not gone:
            return
        self._gone |= gone
        self._wake.set()
        if self._gone >= self._hand.keys():
            self._dropped = True
            self._nudged.set()
            if self._in_send:
                self._cut.cancel()

    def _begin(self) -> None:
        super()._begin()
        self._singly.clear()

    # -- gathering -----------------------------------------------------------------------------------------------

    async def _deliver_each(self, connector: OutboundConnector) -> bool:
        while (item := await self._next()) is not None:
            deliver = self._deliver_batch if _can_stand(item) else self._deliver_alone
            if await deliver(connector, item):
                return True
            if self._cut.cancel_called:
                return False
        return False

    async def _deliver_alone(self, connector: OutboundConnector, item: WaitingItem) -> bool:
        self._head, self._dropped = item, False
        try:
            await self._settling.allowance()
            await self._store_commits()
            return await self._deliver_one(connector, item)
        finally:
            self._head = None

    async def _deliver_batch(self, connector: OutboundConnector, first: WaitingItem) -> bool:
        self._hand, self._gone, self._dropped = {first.id: first}, set(), False
        try:
            if first.id not in self._singly:
                with trio.move_on_after(self._config.max_wait_ms / 1000):
                    await self._gather(len(first.payload))
            self._singly.discard(first.id)
            for _ in tuple(self._hand):
                await self._settling.allowance()
            await self._store_commits()
            return await self._deliver_hand(cast("BatchConnector", connector))
        finally:
            self._hand = {}
            self._formed = replace(self._formed, members=())

    async def _gather(self, size: int) -> None:
        """Take what stands behind the first, of `size` bytes, until the batch or memory is full, or the lane ends."""
        while not self._over and len(self._hand) < self._config.max_count:
            for gone in self._without_gone():
                self._done_with(gone)
            item = self.window.peek()
            if item is None and (self._settling.pending or not self.window.full):
                await self._wait_for_more()
            elif item is None or not _can_stand(item) or size + len(item.payload) > MOST_BYTES:
                return
            else:
                self.window.take()
                self._hand[item.id] = item
                size += len(item.payload)
                if not self._fifo:
                    self._in_memory.add(item.id)

    async def _wait_for_more(self) -> None:
        self._show("gathering a batch")
        self._wake = trio.Event()
        if self._fifo or not self._next_due:
            await self._wake.wait()
        else:
            await self._wait_for_due()

    async def _store_commits(self) -> None:
        if self._committer.outage is not None:
            self._show("waiting for the store")
            await self._committer.available()

    # -- sending -------------------------------------------------------------------------------------------------

    async def _deliver_hand(self, connector: BatchConnector) -> bool:
        """Attempt the batch in hand until each member is settled or given back. True when the connector broke.

        Each member holds a place of the `unsettled` allowance, which its settlement gives back.
        """
        tries = 0
        while await self._may_send():
            self._let_go(self._without_gone())
            tries += 1
            attempts = await self._attempt_hand(connector, tries)
            self._tell_of(attempts)
            again = self._settle(attempts)
            if not again or not await self._try_again(again):
                return attempts[0][2].broken
        self._let_go([*self._hand.values()])
        return False

    async def _attempt_hand(self, connector: BatchConnector, tries: int) -> list[Attempted]:
        self._show("sending")
        batch = self._form(tries)
        self._in_send = True
        try:
            attempts = await attempt_batch(connector, batch, self.name)
        except BaseException:  # a cancellation, which may come in a group
            self._cut_short(batch)
            raise
        finally:
            self._in_send = False
        numbers = [member.attempt for member in batch.members]
        return list(zip(self._hand.values(), numbers, attempts, strict=True))

    def _form(self, tries: int) -> OutboundBatch:
        """The batch in hand; one with the same members as the last has the same BHS-11 and BHS-7."""
        members = tuple(
            OutboundItem(item.id, item.message_id, item.payload, item.attempts + tries, item.content_type)
            for item in self._hand.values()
        )
        last = self._formed
        if [each.work_id for each in last.members] == list(self._hand):
            self._formed = OutboundBatch(last.control_id, last.created, members)
        else:
            number = max(now(), int(last.control_id or 0) + 1)
            self._formed = OutboundBatch(b"%d" % number, hl7_now(), members)
        return self._formed

    def _cut_short(self, batch: OutboundBatch) -> None:
        """A send was cancelled: whether the partner has the members is unknown, and their trails say so."""
        for item, member, facts in zip(self._hand.values(), batch.members, places(batch), strict=True):
            if item.id in self._gone:
                self._note("taken away while being sent", f"message {item.message_id}: outcome unknown")
                self._settling.let_go(item)
            else:
                self._settling.interrupted(item, member.attempt, facts)

    def _tell_of(self, attempts: Iterable[Attempted]) -> None:
        trouble = next((attempt.summary for _, _, attempt in attempts if attempt.error), "")
        if trouble != self._trouble:
            self._tell(trouble)

    # -- what follows an attempt ---------------------------------------------------------------------------------

    def _settle(self, attempts: Sequence[Attempted]) -> list[Attempted]:
        """Queue the settlements of members that are done with; those that are not stay in hand."""
        again = []
        for item, number, attempt in attempts:
            if not attempt.error:
                self._settling.delivered(item, number, attempt)
            elif item.id in self._gone:
                self._settling.let_go(item)
            elif self._is_final(number, attempt, alone=len(attempts) == 1):
                self._settling.dead(item, number, attempt)
            else:
                again.append((item, number, attempt))
                continue
            del self._hand[item.id]
        return again

    def _is_final(self, number: int, attempt: Attempt, *, alone: bool) -> bool:
        """Whether a failed member is a dead letter. A connector may have broken over any one of several."""
        if self._stops_lane(attempt):
            return False
        return attempt.permanent or (attempt.broken and alone) or decide(self.outbound.retry, number).exhausted

    def _stops_lane(self, attempt: Attempt) -> bool:
        return attempt.stop is not None or (attempt.broken and self._stops_on_internal_error)

    async def _try_again(self, again: Sequence[Attempted]) -> bool:
        """Make the failed attempts durable and wait. True when the batch may be attempted again here.

        Raises LaneStopped when a human must look first.
        """
        _, _, first = again[0]
        at_once = first.broken or first.stop
        waits = [decide(self.outbound.retry, number).wait_seconds or 0.0 for _, number, _ in again]
        wait = 0.0 if at_once else max(waits)
        due = now() + int(wait * 1_000_000)
        self._show("waiting for the store")
        self._lose(await self._settling.failed_together(again, due))
        if self._stops_lane(first):
            raise LaneStopped(first.summary) from first.stop
        if first.broken:
            self._take_apart()
            return False
        if not self._fifo:
            self._next_due = min(self._next_due or due, due)
            self._let_go([*self._hand.values()])
            return False
        await self._wait_to_retry(wait, due)
        return True

    async def _wait_to_retry(self, wait: float, due: int) -> None:
        self._show("waiting to retry", next_try=due)
        self._nudged = trio.Event()
        if not self._over:
            with trio.move_on_after(wait):
                await self._nudged.wait()

    def _take_apart(self) -> None:
        """Put the members back at the head of the line, each to be a batch of its own: one of them broke the connector.

        The innocent are delivered, and the one that breaks it again is a dead letter.
        """
        self._let_go(self._without_gone())
        numbers = {member.work_id: member.attempt for member in self._formed.members}
        self._singly |= self._hand.keys()
        for _ in self._hand:
            self._settling.give_place_back()
        left = [(item._replace(attempts=numbers[item.id]), len(item.payload)) for item in self._hand.values()]
        self.window.put_back(left)
        self._hand = {}

    def _without_gone(self) -> list[WaitingItem]:
        """Take those out of the hand that an operator, or an outcome, took away; they are given."""
        gone = [item for item in self._hand.values() if item.id in self._gone]
        for item in gone:
            del self._hand[item.id]
        self._gone.clear()
        return gone

    def _let_go(self, items: Iterable[WaitingItem]) -> None:
        for item in items:
            self._settling.let_go(item)


def _can_stand(item: WaitingItem) -> bool:
    return not item.simulate and item.content_type == "hl7v2" and fits_batch(item.payload)
