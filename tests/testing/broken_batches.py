"""Connectors that break the contract of batches, each in one way. As broken_outbound.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import pytest
import trio

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import Delivered, OutboundBatch, OutboundItem, Rejected, Unanswered
from messagefoundry.testing import BatchConformance, MemoryOutbound, exchanges
from messagefoundry.testing.memory.connectors import NO, YES
from tests.testing.batching import MemoryBatches
from tests.testing.virtual import virtually

if TYPE_CHECKING:
    from messagefoundry.contracts.outbound import MemberOutcome
    from messagefoundry.testing.memory.network import MemoryConnection

exchanges.QUIET_SECONDS = 0.0  # nothing here is outside the process


class BatchVariant(BatchConformance):
    """The kit for batches on a variant of the outbound connector in memory."""

    pytestmark = pytest.mark.trio(run=virtually)
    connector: ClassVar[type[MemoryOutbound]] = MemoryOutbound
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> MemoryBatches:
        return MemoryBatches(self.connector, timeout_seconds=0.5)


class Backwards(MemoryOutbound):
    """Sends the last member first."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        outcomes = await super().send_batch(replace(batch, members=batch.members[::-1]))
        return outcomes[::-1]


class TestSendsMembersBackwards(BatchVariant):
    connector = Backwards
    caught_by: ClassVar = {
        "test_a_member_that_the_answer_leaves_out_is_unanswered",
        "test_batches_and_items_arrive_in_the_order_sent",
        "test_delivers_a_large_batch",
        "test_each_member_has_its_own_outcome",
        "test_members_arrive_as_they_were_given",
        "test_tries_a_batch_again",
    }


class Normalizing(MemoryOutbound):
    """Changes the ends of lines."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        changed = (replace(item, payload=item.payload.replace(b"\r", b"\r\n")) for item in batch.members)
        return await super().send_batch(replace(batch, members=tuple(changed)))


class TestChangesMembers(BatchVariant):
    connector = Normalizing
    caught_by: ClassVar = {
        "test_a_batch_of_one_is_a_batch",
        "test_batches_and_items_arrive_in_the_order_sent",
        "test_delivers_a_large_batch",
        "test_members_arrive_as_they_were_given",
        "test_members_with_the_same_bytes_are_two",
        "test_tries_a_batch_again",
    }


class Single(MemoryOutbound):
    """Gives one outcome for all members."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        return (await super().send_batch(batch))[:1]


class TestGivesOneOutcome(BatchVariant):
    connector = Single
    caught_by: ClassVar = {
        "test_a_batch_without_a_partner_is_unreachable",
        "test_a_member_that_the_answer_leaves_out_is_unanswered",
        "test_delivers_a_large_batch",
        "test_each_member_has_its_own_outcome",
        "test_goes_on_after_a_refused_member",
        "test_members_arrive_as_they_were_given",
        "test_members_with_the_same_bytes_are_two",
        "test_tries_a_batch_again",
    }


class Alike(MemoryOutbound):
    """Takes the answer to the first member for that to all."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        outcomes = await super().send_batch(batch)
        return outcomes[:1] * len(outcomes)


class TestTakesTheFirstAnswerForAll(BatchVariant):
    connector = Alike
    caught_by: ClassVar = {
        "test_a_member_that_the_answer_leaves_out_is_unanswered",
        "test_each_member_has_its_own_outcome",
    }


class Crossed(MemoryOutbound):
    """Gives the outcomes in another order."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        return (await super().send_batch(batch))[::-1]


class TestCrossesOutcomes(BatchVariant):
    connector = Crossed
    caught_by: ClassVar = {
        "test_a_member_that_the_answer_leaves_out_is_unanswered",
        "test_each_member_has_its_own_outcome",
    }


class Thrifty(MemoryOutbound):
    """Sends members that are alike once."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        unlike = {item.payload: item for item in batch.members}
        outcomes = await super().send_batch(replace(batch, members=tuple(unlike.values())))
        known = dict(zip(unlike, outcomes, strict=True))
        return [known[item.payload] for item in batch.members]


class TestSendsEqualMembersOnce(BatchVariant):
    connector = Thrifty
    caught_by: ClassVar = {
        "test_members_with_the_same_bytes_are_two",
    }


class Optimist(MemoryOutbound):
    """Does not wait for the answer to a batch."""

    async def _exchange_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        self._optimistic = len(batch.members)
        return await super()._exchange_batch(batch)

    _optimistic = 0

    async def _read(self, connection: MemoryConnection) -> bytes:
        if not self._optimistic:
            return await super()._read(connection)
        for _ in range(5):
            await trio.lowlevel.checkpoint()  # so that the partner has read it, whosever turn it is
        words, self._optimistic = [YES] * self._optimistic, 0
        return b" ".join(words)


class TestDeliversBeforeTheAnswerToABatch(BatchVariant):
    connector = Optimist
    caught_by: ClassVar = {
        "test_a_batch_waits_for_the_answer",
        "test_a_cancelled_batch_closes_the_connection",
        "test_a_late_answer_to_a_batch_never_meets_an_item",
        "test_a_late_answer_to_a_batch_never_meets_the_next",
        "test_a_member_that_the_answer_leaves_out_is_unanswered",
        "test_batches_and_items_arrive_in_the_order_sent",
        "test_each_member_has_its_own_outcome",
        "test_leaving_during_a_batch_is_unreachable",
        "test_silence_closes_the_connection",
        "test_the_answer_to_a_cancelled_batch_never_meets_the_next",
        "test_the_failure_of_a_batch_says_nothing_of_the_content",
        "test_tries_a_batch_again",
    }


class Keeping(MemoryOutbound):
    """Keeps the connection whatever happens to a batch."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        return await self._exchange_batch(batch)


class TestKeepsTheConnectionOfABatch(BatchVariant):
    connector = Keeping
    caught_by: ClassVar = {
        "test_a_cancelled_batch_closes_the_connection",
        "test_a_late_answer_to_a_batch_never_meets_an_item",
        "test_a_late_answer_to_a_batch_never_meets_the_next",
        "test_silence_closes_the_connection",
        "test_the_answer_to_a_cancelled_batch_never_meets_the_next",
        "test_tries_a_batch_again",
    }


class KeepingCancelled(MemoryOutbound):
    """Keeps the connection of a batch that was cancelled."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        try:
            return await self._exchange_batch(batch)
        except Unreachable:
            self._close()
            raise


class TestKeepsTheConnectionOfACancelledBatch(BatchVariant):
    connector = KeepingCancelled
    caught_by: ClassVar = {
        "test_a_cancelled_batch_closes_the_connection",
        "test_the_answer_to_a_cancelled_batch_never_meets_the_next",
    }


class Unstoppable(MemoryOutbound):
    """Does not let itself be cancelled."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        outcomes: list[MemberOutcome] = []
        with trio.CancelScope(shield=True):
            outcomes += await super().send_batch(batch)
        return outcomes


class TestLetsNobodyCancelABatch(BatchVariant):
    connector = Unstoppable
    caught_by: ClassVar = {
        "test_a_cancelled_batch_closes_the_connection",
        "test_the_answer_to_a_cancelled_batch_never_meets_the_next",
    }


class Sure(MemoryOutbound):
    """Says of an answer that does not come that nothing was sent."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        try:
            return await super().send_batch(batch)
        except Unreachable as error:
            raise Unreachable(str(error)) from None


class TestIsSureOfTheOutcomeOfABatch(BatchVariant):
    connector = Sure
    caught_by: ClassVar = {
        "test_leaving_during_a_batch_is_unreachable",
        "test_silence_closes_the_connection",
    }


class Unsure(MemoryOutbound):
    """Says of a partner that is away that the outcome is unknown."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        try:
            return await super().send_batch(batch)
        except Unreachable as error:
            raise Unreachable(str(error), outcome_unknown=True) from None


class TestIsUnsureOfABatchThatWasNotSent(BatchVariant):
    connector = Unsure
    caught_by: ClassVar = {
        "test_a_batch_without_a_partner_is_unreachable",
    }


class Trusting(MemoryOutbound):
    """Takes a member of which nothing is said for delivered."""

    def _member(self, word: bytes, sent_at: int) -> MemberOutcome:
        outcome = super()._member(word, sent_at)
        return Delivered() if isinstance(outcome, Unanswered) else outcome


class TestTakesSilenceForDelivery(BatchVariant):
    connector = Trusting
    caught_by: ClassVar = {
        "test_a_member_that_the_answer_leaves_out_is_unanswered",
    }


class Curt(MemoryOutbound):
    """Gives no reason."""

    def _member(self, word: bytes, sent_at: int) -> MemberOutcome:
        outcome = super()._member(word, sent_at)
        return outcome if isinstance(outcome, Delivered) else outcome._replace(reason="")


class TestGivesNoReasonForAMember(BatchVariant):
    connector = Curt
    caught_by: ClassVar = {
        "test_a_member_that_the_answer_leaves_out_is_unanswered",
        "test_each_member_has_its_own_outcome",
    }


class Quoting(MemoryOutbound):
    """Shows the members in reasons and errors."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        payloads = [item.payload for item in batch.members]
        try:
            outcomes = await super().send_batch(batch)
        except Unreachable as error:
            raise Unreachable(f"{error}: {payloads}", outcome_unknown=error.outcome_unknown) from None
        return [each if isinstance(each, Delivered) else each._replace(reason=f"{payloads}") for each in outcomes]


class TestQuotesMembers(BatchVariant):
    connector = Quoting
    caught_by: ClassVar = {
        "test_the_failure_of_a_batch_says_nothing_of_the_content",
        "test_the_outcomes_of_a_batch_say_nothing_of_the_content",
    }


class Once(MemoryOutbound):
    """Sends each batch once, and takes it for delivered then."""

    sent = b""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        if batch.control_id == self.sent:
            await trio.lowlevel.checkpoint()
            return [Delivered() for _ in batch.members]
        self.sent = batch.control_id
        return await super().send_batch(batch)


class TestSendsABatchOnce(BatchVariant):
    connector = Once
    caught_by: ClassVar = {
        "test_tries_a_batch_again",
    }


class InSeconds(MemoryOutbound):
    """Tells times in seconds."""

    def _member(self, word: bytes, sent_at: int) -> MemberOutcome:
        return super()._member(word, sent_at // 1_000_000)


class TestTellsTimesOfMembersInSeconds(BatchVariant):
    connector = InSeconds
    caught_by: ClassVar = {
        "test_times_of_members_are_microseconds",
    }


class Sulking(MemoryOutbound):
    """Sends no more batches to a partner that refused a member."""

    sulks = False

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        if self.sulks:
            raise Unreachable("the partner refused a member")
        outcomes = await super().send_batch(batch)
        self.sulks = any(isinstance(each, Rejected) and each.reply == NO for each in outcomes)
        return outcomes


class TestSulksAfterARefusedMember(BatchVariant):
    connector = Sulking
    caught_by: ClassVar = {
        "test_goes_on_after_a_refused_member",
    }


class Small(MemoryOutbound):
    """Sends the first hundred members, and says that it sent all."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        outcomes = await super().send_batch(replace(batch, members=batch.members[:100]))
        return outcomes + outcomes[:1] * (len(batch.members) - 100)


class TestSendsAHundredMembers(BatchVariant):
    connector = Small
    caught_by: ClassVar = {
        "test_delivers_a_large_batch",
    }


class Plural(MemoryOutbound):
    """Refuses a batch with one member."""

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        if len(batch.members) == 1:
            raise Unreachable("this is no batch")
        return await super().send_batch(batch)


class TestRefusesABatchOfOne(BatchVariant):
    connector = Plural
    caught_by: ClassVar = {
        "test_a_batch_of_one_is_a_batch",
        "test_a_late_answer_to_a_batch_never_meets_an_item",
    }


class Buffering(MemoryOutbound):
    """Keeps what is sent singly until it is left, and says that it is delivered."""

    kept: OutboundItem | None = None

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        await trio.lowlevel.checkpoint()
        self.kept = item
        return Delivered()


class TestKeepsItemsBack(BatchVariant):
    connector = Buffering
    caught_by: ClassVar = {
        "test_a_late_answer_to_a_batch_never_meets_an_item",
        "test_batches_and_items_arrive_in_the_order_sent",
    }
