"""What a lane has attempted and not settled durably yet: at most `unsettled` items."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

import trio

from messagefoundry.contracts.errors import MessageFoundryError, UnstorableUnit
from messagefoundry.contracts.units import (
    NoteLateAnswer,
    Receive,
    SettleDead,
    SettleDelivered,
    SettleRetry,
    WaitingItem,
)
from messagefoundry.pipeline.attempts import Attempt
from messagefoundry.pipeline.author_errors import AuthorError
from messagefoundry.pipeline.committer import Committer, now

log = logging.getLogger(__name__)

Settled = Callable[[SettleDelivered | SettleDead], None]
Reingress = Callable[[WaitingItem, bytes], Receive]
"""Makes a partner's reply a message of this engine; raises AuthorError when it cannot be one."""


class Settling:
    """The settlements of one lane. `done` is called with every item that is settled or given back to the store.

    An item has a place among the `unsettled` from `allowance` on until then.
    """

    def __init__(
        self,
        lane: str,
        committer: Committer,
        unsettled: int,
        done: Callable[[WaitingItem], None],
        settled: Settled,
        reingress: Reingress | None = None,
    ) -> None:
        self.pending = 0
        self._reingress = reingress
        self._lane = lane
        self._committer = committer
        self._unsettled = unsettled
        self._ahead = trio.Semaphore(unsettled)
        self._done = done
        self._settled = settled
        self._quiet = trio.Event()

    async def begin(self) -> None:
        """Begin a new run of the lane: when the settlements of an earlier one are durable, nothing is under way."""
        while self.pending:
            self._quiet = trio.Event()
            await self._quiet.wait()
        self._ahead = trio.Semaphore(self._unsettled)

    async def allowance(self) -> None:
        """Wait until one more item may go ahead of its settlement; without a turn of the loop when it may at once."""
        try:
            self._ahead.acquire_nowait()
        except trio.WouldBlock:
            await self._ahead.acquire()

    def give_place_back(self) -> None:
        """An item that had a place goes back among those in memory that were not taken."""
        self._ahead.release()

    def let_go(self, item: WaitingItem) -> None:
        """The item is not attempted any more: it was settled, or is in the store alone."""
        self._ahead.release()
        self._done(item)

    def delivered(self, item: WaitingItem, number: int, attempt: Attempt) -> None:
        """Queue the settlement of a delivery, and with it the message that the reply becomes, if it does."""
        reply, reingressed = attempt.reply, None
        if self._reingress is not None and reply is not None:
            try:
                reingressed = self._reingress(item, reply)
            except AuthorError as error:
                attempt.error = f"delivered, but the reply is not re-ingressed: {error.sentence}"
                self.dead(item, number, attempt)
                return
        unit = SettleDelivered(
            item.id, item.message_id, self._lane, number, attempt.detail, reply, now(), reingressed=reingressed
        )
        self._settle(item, unit)

    def dead(self, item: WaitingItem, number: int, attempt: Attempt) -> None:
        """Queue the settlement of an item that is not tried again."""
        reply, error = attempt.reply, attempt.error
        unit = SettleDead(item.id, item.message_id, self._lane, number, attempt.detail, reply, now(), error)
        self._settle(item, unit)

    async def failed(self, item: WaitingItem, number: int, attempt: Attempt, due: int) -> bool:
        """Wait until a failed attempt is durable. False when the item no longer waits: somebody else decided."""
        unit = self._retry(item, number, attempt, due)
        try:
            await self._committer.commit(unit)
        except MessageFoundryError as error:
            self._note_late(unit, error)
            return False
        return True

    async def failed_together(self, attempts: Sequence[tuple[WaitingItem, int, Attempt]], due: int) -> set[int]:
        """As `failed` for items that were attempted together; the ids of those that no longer wait."""
        late: set[int] = set()
        left = len(attempts)
        durable = trio.Event()

        def done() -> None:
            nonlocal left
            left -= 1
            if not left:
                durable.set()

        def decided(unit: SettleRetry, error: MessageFoundryError) -> None:
            self._note_late(unit, error)
            late.add(unit.work_id)
            done()

        for item, number, attempt in attempts:
            unit = self._retry(item, number, attempt, due)
            self._committer.submit(unit, done, partial(decided, unit))
        await durable.wait()
        return late

    def interrupted(self, item: WaitingItem, number: int, facts: str = "") -> None:
        """Put an attempt of unknown outcome on the trail, and the item back among those that wait."""
        self.pending += 1
        unit = self._retry(item, number, Attempt("interrupted while sending", unknown=True, facts=facts), now())
        over = partial(self._over, item)
        self._committer.submit(unit, over, lambda error: over())

    def _retry(self, item: WaitingItem, number: int, attempt: Attempt, due: int) -> SettleRetry:
        reply, error = attempt.reply, attempt.error
        return SettleRetry(item.id, item.message_id, self._lane, number, attempt.detail, reply, now(), error, due)

    def _settle(self, item: WaitingItem, unit: SettleDelivered | SettleDead) -> None:
        self.pending += 1

        def settled() -> None:
            self._over(item)
            self._settled(unit)

        self._committer.submit(unit, settled, partial(self._settled_otherwise, item, unit))

    def _settled_otherwise(
        self, item: WaitingItem, unit: SettleDelivered | SettleDead, error: MessageFoundryError
    ) -> None:
        if isinstance(error, UnstorableUnit) and isinstance(unit, SettleDelivered) and unit.reply is not None:
            log.error("%s: message %d is delivered, but its reply cannot be stored", self._lane, unit.message_id)
            self.pending -= 1
            self._settle(item, without_reply(unit))
            return
        self._note_late(unit, error)
        self._over(item)

    def _note_late(self, unit: SettleDelivered | SettleDead | SettleRetry, error: MessageFoundryError) -> None:
        """Somebody has decided about the item while it was sent: what the partner said is kept all the same."""
        log.warning("%s: message %d was answered too late to count: %s", self._lane, unit.message_id, error)
        late = NoteLateAnswer(unit.message_id, unit.lane, unit.detail, unit.reply, unit.at)
        self._committer.submit(late, lambda: None)

    def _over(self, item: WaitingItem) -> None:
        self.pending -= 1
        self.let_go(item)
        if not self.pending:
            self._quiet.set()


def without_reply(unit: SettleDelivered) -> SettleDelivered | SettleDead:
    """The settlement of a delivery whose reply the store cannot hold: it is dead when the reply was to go on."""
    known = (unit.work_id, unit.message_id, unit.lane, unit.attempt, unit.detail, None, unit.at)
    if unit.reingressed is None:
        return SettleDelivered(*known)
    return SettleDead(*known, "delivered, but the reply is not re-ingressed: the store cannot hold it")
