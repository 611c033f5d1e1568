"""Connectors that break the contract, each in one way. `caught_by` names every clause that has to notice.

Run by test_kit.py in a process of its own; the classes fail, which is what they are for.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakKeyDictionary

import pytest
import trio
from trio.testing import MockClock

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import Delivered, OutboundContext, OutboundItem, Rejected
from messagefoundry.testing import (
    InboundConformance,
    MemoryInbound,
    MemoryOutbound,
    MemorySettings,
    OutboundConformance,
    exchanges,
)
from messagefoundry.testing.memory.connectors import YES
from tests.testing.in_memory import MemoryPartner, MemoryPlace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from messagefoundry.contracts.inbound import InboundContext
    from messagefoundry.testing.memory.network import MemoryConnection, MemoryNetwork

exchanges.QUIET_SECONDS = 0.0  # nothing here is outside the process


def virtually(function: Callable[..., Awaitable[None]], **options: Any) -> None:
    """Run on virtual time: what these variants do does not depend on how busy the machine is."""
    return trio.run(function, **{**options, "clock": MockClock(autojump_threshold=0)})


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
        return replace(outcome, permanent=True) if isinstance(outcome, Rejected) else outcome


class TestRejectsForGood(OutboundVariant):
    connector = Harsh
    caught_by: ClassVar = {
        "test_a_refusal_for_now_is_not_permanent",
    }


class Stubborn(MemoryOutbound):
    """Takes every no for a maybe."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        outcome = await super().send(item)
        return replace(outcome, permanent=False) if isinstance(outcome, Rejected) else outcome


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
            raise Unreachable("interrupted", outcome_unknown=True) from None


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
        await trio.sleep(0.01)
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
        return replace(outcome, sent_at=outcome.sent_at // 1_000_000)


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
        await self._nursery.__aexit__(kind, error, trace)


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


class InboundVariant(InboundConformance):
    """A kit on a variant of the inbound connector in memory."""

    pytestmark = pytest.mark.trio(run=virtually)
    not_applicable: ClassVar = {
        "test_keeps_to_the_allowlist": "peers in memory have no address",
        "test_half_a_message_is_none": "a message of the network in memory arrives whole or not at all",
        "test_what_was_not_committed_is_received_after_a_restart": "the sender keeps what was not accepted",
    }
    connector: ClassVar[type[MemoryInbound]] = MemoryInbound
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> MemoryPlace:
        return MemoryPlace(self.connector)


class Hasty(MemoryInbound):
    """Answers before the commit."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        connection.send(YES)
        await trio.sleep(0.1)
        return not (await self._context.receive(raw, peer=peer)).close


class TestAnswersBeforeTheCommit(InboundVariant):
    connector = Hasty
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_a_peer_that_says_nothing_costs_nothing",
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refused_message_is_answered_so",
        "test_answers_after_the_commit",
        "test_answers_as_the_receipt_says",
        "test_receives_a_large_message",
        "test_receives_each_message_once_across_restarts",
        "test_receives_what_was_sent",
        "test_stopping_never_answers_what_is_not_committed",
        "test_stops_when_cancelled",
        "test_without_a_store_the_sender_is_told",
    }


class Kind(MemoryInbound):
    """Answers yes whatever the receipt says."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        receipt = await self._context.receive(raw, peer=peer)
        connection.send(YES)
        return not receipt.close


class TestAlwaysSaysYes(InboundVariant):
    connector = Kind
    caught_by: ClassVar = {
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refused_message_is_answered_so",
        "test_answers_as_the_receipt_says",
        "test_without_a_store_the_sender_is_told",
    }


class Open(MemoryInbound):
    """Never closes."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        await super()._answer(connection, raw, peer)
        return True


class TestIgnoresClose(InboundVariant):
    connector = Open
    caught_by: ClassVar = {
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
    }


class Chatty(MemoryInbound):
    """Answers although there is no answer."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        receipt = await self._context.receive(raw, peer=peer)
        connection.send(receipt.reply or b"")
        return not receipt.close


class TestAnswersUnasked(InboundVariant):
    connector = Chatty
    caught_by: ClassVar = {
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
    }


class Concurrent(MemoryInbound):
    """Hands in all messages of a peer at once."""

    async def _converse(self, connection: MemoryConnection, peer: str) -> None:
        async with trio.open_nursery() as nursery:
            while (raw := await connection.receive()) is not None:
                nursery.start_soon(self._answer_some_time, connection, raw, peer)
        connection.close()

    async def _answer_some_time(self, connection: MemoryConnection, raw: bytes, peer: str) -> None:
        with suppress(OSError):
            await self._answer(connection, raw, peer)


class TestSwapsTheOrder(InboundVariant):
    connector = Concurrent
    caught_by: ClassVar = {
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
        "test_receives_in_the_order_sent",
        "test_stopping_lets_peers_go",
    }


class Reassuring(MemoryInbound):
    """Says yes when it is stopped, so that the peer is not left alone. The message is lost."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        try:
            return await super()._answer(connection, raw, peer)
        except trio.Cancelled:
            connection.send(YES)
            raise


class TestSaysYesWhenStopped(InboundVariant):
    connector = Reassuring
    caught_by: ClassVar = {
        "test_stopping_never_answers_what_is_not_committed",
    }


class Early(MemoryInbound):
    """Says that it is ready before it listens."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await trio.sleep(0.01)
        await super().run(task_status=trio.TASK_STATUS_IGNORED)


class TestIsReadyTooEarly(InboundVariant):
    connector = Early
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_a_peer_that_says_nothing_costs_nothing",
        "test_a_place_that_is_taken_is_an_oserror",
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refusal_says_nothing_of_the_content",
        "test_a_refused_message_is_answered_so",
        "test_a_slow_commit_holds_up_its_own_peer_alone",
        "test_answers_after_the_commit",
        "test_answers_as_the_receipt_says",
        "test_names_the_peer",
        "test_ready_means_reachable",
        "test_receives_a_large_message",
        "test_receives_each_message_once_across_restarts",
        "test_receives_in_the_order_sent",
        "test_receives_what_was_sent",
        "test_stopping_lets_peers_go",
        "test_stopping_never_answers_what_is_not_committed",
        "test_stops_when_cancelled",
        "test_without_a_store_the_sender_is_told",
    }


class Vague(MemoryInbound):
    """Has an error of its own for a place that is taken."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        try:
            await super().run(task_status=task_status)
        except OSError as error:
            raise RuntimeError("cannot listen") from error


class TestHidesABindFailure(InboundVariant):
    connector = Vague
    caught_by: ClassVar = {
        "test_a_place_that_is_taken_is_an_oserror",
    }


class Fragile(MemoryInbound):
    """Ends when a peer is lost."""

    async def _converse(self, connection: MemoryConnection, peer: str) -> None:
        while (raw := await connection.receive()) is not None:
            if not await self._answer(connection, raw, peer):
                break
        connection.close()


class TestEndsWithItsPeer(InboundVariant):
    connector = Fragile
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_stopping_lets_peers_go",
    }


class Serial(MemoryInbound):
    """Serves one peer after the other."""

    turn: trio.Lock | None = None

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        self.turn = self.turn or trio.Lock()
        async with self.turn:
            return await super()._answer(connection, raw, peer)


class TestServesOnePeerAtATime(InboundVariant):
    connector = Serial
    caught_by: ClassVar = {
        "test_a_slow_commit_holds_up_its_own_peer_alone",
    }


class Reporting(MemoryInbound):
    """Notes what was refused, in full."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        receipt = await self._context.receive(raw, peer=peer)
        if not receipt.accepted:
            self._context.note("refused", raw.decode())
        connection.send(receipt.reply or b"")
        return not receipt.close


class TestNotesWhatWasRefused(InboundVariant):
    connector = Reporting
    caught_by: ClassVar = {
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refusal_says_nothing_of_the_content",
    }


class Squatting(MemoryInbound):
    """Keeps its place when it has ended."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        network, place = self._settings.network, self._settings.place
        try:
            await super().run(task_status=task_status)
        finally:
            network.places.setdefault(place, network.listen(f"{place} still"))


class TestKeepsItsPlace(InboundVariant):
    connector = Squatting
    caught_by: ClassVar = {
        "test_receives_each_message_once_across_restarts",
        "test_stops_when_cancelled",
    }


class Clinging(MemoryInbound):
    """Leaves its peers hanging when it ends."""

    async def _converse(self, connection: MemoryConnection, peer: str) -> None:
        try:
            while (raw := await connection.receive()) is not None:
                if not await self._answer(connection, raw, peer):
                    break
            connection.close()
        except OSError:
            self._context.note("peer lost", f"{peer} left before its answer")


class TestLeavesPeersHanging(InboundVariant):
    connector = Clinging
    caught_by: ClassVar = {
        "test_stopping_lets_peers_go",
    }


class Doubling(MemoryInbound):
    """Hands each message in twice, to be sure."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        await self._context.receive(raw, peer=peer)
        await trio.sleep(0.1)
        return await super()._answer(connection, raw, peer)


class TestReceivesTwice(InboundVariant):
    connector = Doubling
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_a_peer_that_says_nothing_costs_nothing",
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refused_message_is_answered_so",
        "test_answers_after_the_commit",
        "test_answers_as_the_receipt_says",
        "test_receives_a_large_message",
        "test_receives_each_message_once_across_restarts",
        "test_receives_in_the_order_sent",
        "test_receives_what_was_sent",
    }


class Decoding(MemoryInbound):
    """Says nothing of the peer, and tidies messages up."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        return await super()._answer(connection, raw.lower(), "")


class TestTidiesUp(InboundVariant):
    connector = Decoding
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_a_peer_that_says_nothing_costs_nothing",
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refused_message_is_answered_so",
        "test_names_the_peer",
        "test_receives_a_large_message",
        "test_receives_each_message_once_across_restarts",
        "test_receives_in_the_order_sent",
        "test_receives_what_was_sent",
        "test_stops_when_cancelled",
    }


class Repeating(MemoryInbound):
    """Begins with the last message again, in case it was lost."""

    last: ClassVar[WeakKeyDictionary[MemoryNetwork, bytes]] = WeakKeyDictionary()

    def __init__(self, settings: MemorySettings, context: InboundContext) -> None:
        super().__init__(settings, context)
        self._key = settings.network

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        if self._key in self.last:
            await self._context.receive(self.last[self._key])
        await super().run(task_status=task_status)

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        self.last[self._key] = raw
        return await super()._answer(connection, raw, peer)


class TestRepeatsAfterARestart(InboundVariant):
    connector = Repeating
    caught_by: ClassVar = {
        "test_receives_each_message_once_across_restarts",
    }


class Limited(MemoryInbound):
    """Takes what is not too large, and says nothing of the rest."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        if len(raw) > 65536:
            return True
        return await super()._answer(connection, raw, peer)


class TestDropsLargeMessages(InboundVariant):
    connector = Limited
    caught_by: ClassVar = {
        "test_receives_a_large_message",
    }
