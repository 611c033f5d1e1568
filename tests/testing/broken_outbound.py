"""Outbound connectors that break the contract, each in one way. `caught_by` names every clause that has to notice.

Run by test_kit.py in a process of its own; the classes fail, which is what they are for.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self

import pytest
import trio

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import Delivered, OutboundContext, OutboundItem, Rejected
from messagefoundry.testing import (
    MemoryOutbound,
    MemorySettings,
    OutboundConformance,
    exchanges,
)
from messagefoundry.testing.memory.connectors import YES
from tests.testing.in_memory import MemoryPartner
from tests.testing.virtual import virtually

if TYPE_CHECKING:
    from types import TracebackType

    from messagefoundry.testing.memory.network import MemoryConnection

exchanges.QUIET_SECONDS = 0.0  # nothing here is outside the process


class OutboundVariant(OutboundConformance):
    """A kit on a variant of the outbound connector in memory."""

    pytestmark = pytest.mark.trio(run=virtually)
    connector: ClassVar[type[MemoryOutbound]] = MemoryOutbound
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> MemoryPartner:
        return MemoryPartner(self.connector, timeout_seconds=0.5)


class Optimist(MemoryOutbound):
    """Does not wait for the answer."""

    async def _read(self, connection: MemoryConnection) -> bytes:
        for _ in range(5):
            await trio.lowlevel.checkpoint()  # so that the partner has read it, whosever turn it is
        return YES


class TestDeliversBeforeTheAnswer(OutboundVariant):
    connector = Optimist
    caught_by: ClassVar = {
        "test_a_cancelled_send_is_cancelled",
        "test_a_late_answer_never_meets_the_item_under_way",
        "test_a_late_answer_never_meets_the_next_item",
        "test_a_refusal_for_good_is_permanent",
        "test_a_refusal_for_now_is_not_permanent",
        "test_a_refusal_says_nothing_of_the_content",
        "test_a_slow_partner_holds_up_its_own_connection_alone",
        "test_leaving_is_unreachable",
        "test_no_answer_says_nothing_of_the_content",
        "test_silence_is_unreachable",
        "test_the_answer_to_a_cancelled_item_never_meets_the_next",
        "test_tries_an_item_again_after_an_unknown_outcome",
        "test_waits_for_the_answer",
    }


class Idle(MemoryOutbound):
    """Delivers nothing."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        await trio.lowlevel.checkpoint()
        return Delivered()


class TestDeliversNothing(OutboundVariant):
    connector = Idle
    caught_by: ClassVar = {
        "test_a_cancelled_send_is_cancelled",
        "test_a_late_answer_never_meets_the_item_under_way",
        "test_a_late_answer_never_meets_the_next_item",
        "test_a_refusal_for_good_is_permanent",
        "test_a_refusal_for_now_is_not_permanent",
        "test_a_refusal_says_nothing_of_the_content",
        "test_a_slow_partner_holds_up_its_own_connection_alone",
        "test_an_absent_partner_is_unreachable",
        "test_an_absent_partner_says_nothing_of_the_content",
        "test_being_cancelled_closes_the_connection",
        "test_delivers_a_large_payload",
        "test_delivers_after_a_refusal",
        "test_delivers_in_the_order_sent",
        "test_delivers_what_it_was_given",
        "test_delivers_when_the_partner_is_back",
        "test_leaving_closes_the_connection",
        "test_leaving_is_unreachable",
        "test_no_answer_says_nothing_of_the_content",
        "test_silence_is_unreachable",
        "test_the_answer_to_a_cancelled_item_never_meets_the_next",
        "test_tries_an_item_again_after_an_unknown_outcome",
        "test_waits_for_the_answer",
    }


class Greeting(MemoryOutbound):
    """Begins with a message of its own, if the partner is there."""

    async def __aenter__(self) -> Self:
        with suppress(Unreachable):
            self._write(self._connected(), b"hello")
            await self._read(self._connected())
        return self


class TestGreets(OutboundVariant):
    connector = Greeting
    caught_by: ClassVar = {
        "test_a_slow_partner_holds_up_its_own_connection_alone",
        "test_a_test_says_what_was_found_and_sends_nothing",
        "test_delivers_a_large_payload",
        "test_delivers_after_a_refusal",
        "test_delivers_in_the_order_sent",
        "test_delivers_what_it_was_given",
        "test_sends_nothing_unasked",
        "test_tries_an_item_again_after_an_unknown_outcome",
    }


class Sulking(MemoryOutbound):
    """Takes nothing more from a partner that said no."""

    sulks = False

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        if self.sulks:
            raise Unreachable("it said no")
        outcome = await super().send(item)
        self.sulks = isinstance(outcome, Rejected)
        return outcome


class TestSulksAfterARefusal(OutboundVariant):
    connector = Sulking
    caught_by: ClassVar = {
        "test_delivers_after_a_refusal",
    }


class Deaf(MemoryOutbound):
    """Takes any answer for a yes."""

    async def _read(self, connection: MemoryConnection) -> bytes:
        await super()._read(connection)
        return YES


class TestSwallowsRejections(OutboundVariant):
    connector = Deaf
    caught_by: ClassVar = {
        "test_a_refusal_for_good_is_permanent",
        "test_a_refusal_for_now_is_not_permanent",
        "test_a_refusal_says_nothing_of_the_content",
    }


class Harsh(MemoryOutbound):
    """Takes every no for the last word."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        outcome = await super().send(item)
        return outcome._replace(permanent=True) if isinstance(outcome, Rejected) else outcome


class TestRejectsForGood(OutboundVariant):
    connector = Harsh
    caught_by: ClassVar = {
        "test_a_refusal_for_now_is_not_permanent",
    }


class Stubborn(MemoryOutbound):
    """Takes every no for a maybe."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        outcome = await super().send(item)
        return outcome._replace(permanent=False) if isinstance(outcome, Rejected) else outcome


class TestRejectsForNow(OutboundVariant):
    connector = Stubborn
    caught_by: ClassVar = {
        "test_a_refusal_for_good_is_permanent",
    }


class Keeping(MemoryOutbound):
    """Keeps the connection when no answer came."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        await trio.lowlevel.checkpoint()
        return await self._exchange(item)


class TestTakesLateAnswers(OutboundVariant):
    connector = Keeping
    caught_by: ClassVar = {
        "test_a_late_answer_never_meets_the_item_under_way",
        "test_a_late_answer_never_meets_the_next_item",
        "test_delivers_when_the_partner_was_restarted",
        "test_the_answer_to_a_cancelled_item_never_meets_the_next",
        "test_tries_an_item_again_after_an_unknown_outcome",
    }


class HalfKeeping(MemoryOutbound):
    """Closes after a failure, and forgets that a cancellation is none."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        await trio.lowlevel.checkpoint()
        try:
            return await self._exchange(item)
        except Unreachable:
            self._close()
            raise


class TestKeepsTheConnectionWhenCancelled(OutboundVariant):
    connector = HalfKeeping
    caught_by: ClassVar = {
        "test_the_answer_to_a_cancelled_item_never_meets_the_next",
    }


class Draining(MemoryOutbound):
    """Keeps the connection, and throws away what came in the meantime: what comes later is taken."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        await trio.lowlevel.checkpoint()
        if self._connection is not None:
            with trio.move_on_after(0.01):
                while await self._connection.receive() is not None:
                    pass
        return await self._exchange(item)


class TestDrainsInsteadOfClosing(OutboundVariant):
    connector = Draining
    caught_by: ClassVar = {
        "test_delivers_when_the_partner_was_restarted",
        "test_tries_an_item_again_after_an_unknown_outcome",
    }


class Unstoppable(MemoryOutbound):
    """Turns a cancellation into an outcome."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        try:
            return await super().send(item)
        except trio.Cancelled:
            raise Unreachable("interrupted", outcome_unknown=True) from None  # noqa: ASYNC104


class TestSwallowsCancellation(OutboundVariant):
    connector = Unstoppable
    caught_by: ClassVar = {
        "test_a_cancelled_send_is_cancelled",
        "test_the_answer_to_a_cancelled_item_never_meets_the_next",
    }


class Hopeful(MemoryOutbound):
    """Takes silence for consent."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        try:
            return await super().send(item)
        except Unreachable as error:
            if error.outcome_unknown:
                return Delivered()
            raise


class TestDeliversWithoutAnAnswer(OutboundVariant):
    connector = Hopeful
    caught_by: ClassVar = {
        "test_a_late_answer_never_meets_the_item_under_way",
        "test_a_late_answer_never_meets_the_next_item",
        "test_leaving_is_unreachable",
        "test_no_answer_says_nothing_of_the_content",
        "test_silence_is_unreachable",
        "test_the_answer_to_a_cancelled_item_never_meets_the_next",
        "test_tries_an_item_again_after_an_unknown_outcome",
    }


class Sure(MemoryOutbound):
    """Never says that an outcome is unknown."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        try:
            return await super().send(item)
        except Unreachable as error:
            raise Unreachable(str(error)) from None


class TestHidesUnknownOutcomes(OutboundVariant):
    connector = Sure
    caught_by: ClassVar = {
        "test_leaving_is_unreachable",
        "test_silence_is_unreachable",
    }


class Impatient(MemoryOutbound):
    """Connects on entering."""

    async def __aenter__(self) -> Self:
        self._connected()
        return self


class TestConnectsOnEntering(OutboundVariant):
    connector = Impatient
    caught_by: ClassVar = {
        "test_a_fault_inside_is_raised_as_it_is",
        "test_a_test_says_that_the_partner_is_away",
        "test_an_absent_partner_is_unreachable",
        "test_an_absent_partner_says_nothing_of_the_content",
        "test_delivers_when_the_partner_is_back",
        "test_delivers_when_the_partner_was_restarted",
        "test_enters_while_the_partner_is_away",
    }


class Leaking(MemoryOutbound):
    """Does not close on leaving."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class TestLeavesTheConnectionOpen(OutboundVariant):
    connector = Leaking
    caught_by: ClassVar = {
        "test_being_cancelled_closes_the_connection",
        "test_leaving_closes_the_connection",
    }


class Polite(MemoryOutbound):
    """Closes only when nothing went wrong, and after a pause that a cancellation cuts short."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await trio.sleep(0.01)  # noqa: ASYNC102
        self._close()


class TestDoesNotCloseWhenCancelled(OutboundVariant):
    connector = Polite
    caught_by: ClassVar = {
        "test_being_cancelled_closes_the_connection",
    }


class Talkative(MemoryOutbound):
    """Quotes what it could not send."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        try:
            return await super().send(item)
        except Unreachable as error:
            text = f"{item.payload!r}: {error}"
            raise Unreachable(text, outcome_unknown=error.outcome_unknown) from None


class TestQuotesThePayloadInErrors(OutboundVariant):
    connector = Talkative
    caught_by: ClassVar = {
        "test_an_absent_partner_says_nothing_of_the_content",
        "test_no_answer_says_nothing_of_the_content",
    }


class Noting(MemoryOutbound):
    """Notes what it sends."""

    def __init__(self, settings: MemorySettings, context: OutboundContext) -> None:
        super().__init__(settings, context)
        self._context = context

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        self._context.note("sending", item.payload.decode())
        return await super().send(item)


class TestNotesThePayload(OutboundVariant):
    connector = Noting
    caught_by: ClassVar = {
        "test_a_refusal_says_nothing_of_the_content",
        "test_an_absent_partner_says_nothing_of_the_content",
        "test_delivering_says_nothing_of_the_content",
        "test_no_answer_says_nothing_of_the_content",
    }


class Trimming(MemoryOutbound):
    """Sends the first 64 KiB."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        return await super().send(replace(item, payload=item.payload[:65536]))


class TestCutsLargePayloads(OutboundVariant):
    connector = Trimming
    caught_by: ClassVar = {
        "test_delivers_a_large_payload",
    }


class Remembering(MemoryOutbound):
    """Takes an item that it has sent before for delivered."""

    def __init__(self, settings: MemorySettings, context: OutboundContext) -> None:
        super().__init__(settings, context)
        self._seen: set[int] = set()

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        if item.work_id in self._seen:
            return Delivered()
        self._seen.add(item.work_id)
        return await super().send(item)


class TestDoesNotTryAgain(OutboundVariant):
    connector = Remembering
    caught_by: ClassVar = {
        "test_tries_an_item_again_after_an_unknown_outcome",
    }


class Insisting(MemoryOutbound):
    """Tries again by itself, which is the engine's to decide."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        try:
            return await super().send(item)
        except Unreachable as error:
            if not error.outcome_unknown:
                raise
        return await super().send(item)


class TestTriesAgainByItself(OutboundVariant):
    connector = Insisting
    caught_by: ClassVar = {
        "test_a_late_answer_never_meets_the_item_under_way",
        "test_a_late_answer_never_meets_the_next_item",
        "test_leaving_is_unreachable",
        "test_no_answer_says_nothing_of_the_content",
        "test_silence_is_unreachable",
        "test_the_answer_to_a_cancelled_item_never_meets_the_next",
        "test_tries_an_item_again_after_an_unknown_outcome",
    }


class Counting(MemoryOutbound):
    """Writes its own count of attempts into the item."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        object.__setattr__(item, "attempt", item.attempt + 1)
        return await super().send(item)


class TestChangesTheItem(OutboundVariant):
    connector = Counting
    caught_by: ClassVar = {
        "test_leaves_the_item_as_it_was",
    }


class Seconds(MemoryOutbound):
    """Tells times in seconds."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        outcome = await super().send(item)
        return outcome._replace(sent_at=outcome.sent_at // 1_000_000)


class TestTellsSeconds(OutboundVariant):
    connector = Seconds
    caught_by: ClassVar = {
        "test_tells_times_in_microseconds",
    }


class Probing(MemoryOutbound):
    """Tests with a message."""

    async def test(self) -> str:
        await self.send(OutboundItem(1, 1, b"test", 1))
        return "it answers"


class TestTestsWithAMessage(OutboundVariant):
    connector = Probing
    caught_by: ClassVar = {
        "test_a_test_says_what_was_found_and_sends_nothing",
    }


class Blind(MemoryOutbound):
    """Tests nothing."""

    async def test(self) -> str:
        await trio.lowlevel.checkpoint()
        return "fine"


class TestTestsNothing(OutboundVariant):
    connector = Blind
    caught_by: ClassVar = {
        "test_a_test_says_that_the_partner_is_away",
    }


class Faithful(MemoryOutbound):
    """Keeps its first connection for ever."""

    def _close(self) -> None:
        pass


class TestNeverConnectsAgain(OutboundVariant):
    connector = Faithful
    caught_by: ClassVar = {
        "test_a_late_answer_never_meets_the_item_under_way",
        "test_a_late_answer_never_meets_the_next_item",
        "test_being_cancelled_closes_the_connection",
        "test_delivers_when_the_partner_was_restarted",
        "test_leaving_closes_the_connection",
        "test_the_answer_to_a_cancelled_item_never_meets_the_next",
        "test_tries_an_item_again_after_an_unknown_outcome",
    }


class Wrapping(MemoryOutbound):
    """Has a nursery of its own, which wraps what is raised inside."""

    async def __aenter__(self) -> Self:
        self._nursery = trio.open_nursery()
        (await self._nursery.__aenter__()).start_soon(trio.lowlevel.checkpoint)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        await self._nursery.__aexit__(kind, error, trace)  # noqa: ASYNC102


class TestWrapsFaults(OutboundVariant):
    connector = Wrapping
    caught_by: ClassVar = {
        "test_a_fault_inside_is_raised_as_it_is",
    }


class Queueing(MemoryOutbound):
    """One message at a time over all Connections of the process."""

    turn = trio.Lock()

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        async with self.turn:
            return await super().send(item)


class TestSharesOneTurn(OutboundVariant):
    connector = Queueing
    caught_by: ClassVar = {
        "test_a_slow_partner_holds_up_its_own_connection_alone",
    }
