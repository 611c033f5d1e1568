"""The kit for outbound connectors that send batches, beside the one for what they send singly.

class TestMyBatches(BatchConformance):
    @pytest.fixture
    def subject(self) -> MyBatchSubject: ...
"""

from __future__ import annotations

import pytest

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import Delivered, Rejected, Unanswered
from messagefoundry.testing.batch_exchanges import (
    BatchSubject,
    answered_late,
    batch_fails,
    batch_of,
    cancelled_batch,
    deliver,
    kinds,
    send_batch,
    sending_batch,
)
from messagefoundry.testing.conformance import Conformance, clause
from messagefoundry.testing.desk import Answer, Desk
from messagefoundry.testing.discretion import SECRET
from messagefoundry.testing.exchanges import chain, closed, exchanging, now, opened, quiet

MANY = 200


class BatchConformance(Conformance):
    """What the engine relies on in a connector that says `batches=True`, when it sends a batch."""

    kind = "batch connector"

    @pytest.fixture
    def subject(self) -> BatchSubject:
        """Your connector and its partner: override this."""
        pytest.fail("the kit needs a fixture `subject` that gives a BatchSubject", pytrace=False)

    # -- delivering

    @clause
    async def test_members_arrive_as_they_were_given(self, subject: BatchSubject) -> None:
        """Every member reaches the partner byte for byte, once, in the order of the batch."""
        async with exchanging(subject) as there:
            assert kinds(await send_batch(there, "A1", "A2", "A3")) == ["Delivered"] * 3
            assert await subject.taken(there.desk) == there.sent

    @clause
    async def test_a_batch_of_one_is_a_batch(self, subject: BatchSubject) -> None:
        """A batch with one member is delivered, with one outcome."""
        async with exchanging(subject) as there:
            assert kinds(await send_batch(there, "A1")) == ["Delivered"]
            assert await subject.taken(there.desk) == there.sent

    @clause
    async def test_delivers_a_large_batch(self, subject: BatchSubject) -> None:
        """Hundreds of members, some of them large, arrive whole."""
        texts = [f"A{number}" + "A" * (number % 10 * 1000) for number in range(MANY)]
        async with exchanging(subject) as there:
            assert kinds(await send_batch(there, *texts)) == ["Delivered"] * MANY
            whole = await subject.taken(there.desk) == there.sent  # compared apart: to show the difference is slow
            assert whole, "the members did not arrive whole"

    @clause
    async def test_members_with_the_same_bytes_are_two(self, subject: BatchSubject) -> None:
        """Two members that are alike are both sent, and each has its outcome."""
        async with exchanging(subject) as there:
            assert kinds(await send_batch(there, "A1", "A1")) == ["Delivered"] * 2
            assert await subject.taken(there.desk) == there.sent

    @clause
    async def test_batches_and_items_arrive_in_the_order_sent(self, subject: BatchSubject) -> None:
        """What is sent singly between two batches arrives between them."""
        async with exchanging(subject) as there:
            await send_batch(there, "A1", "A2")
            await there.delivers("A3")
            await send_batch(there, "A4", "A5")
            assert await subject.taken(there.desk) == there.sent

    @clause
    async def test_a_batch_waits_for_the_answer(self, subject: BatchSubject) -> None:
        """`send_batch` returns only after the partner has answered for the last member."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.YES)
            step = there.desk.plan_late()
            async with sending_batch(there, "A1", "A2") as outcomes:
                await there.desk.has_seen(2)
                await quiet()
                early = list(outcomes)
                step.release()
            assert early == []
            assert not isinstance(outcomes[0], Unreachable)

    @clause
    async def test_times_of_members_are_microseconds(self, subject: BatchSubject) -> None:
        """`sent_at` and `acknowledged_at` of each member are microseconds since the epoch, in this order, or 0."""
        async with exchanging(subject) as there:
            before = now()
            for outcome in await send_batch(there, "A1", "A2"):
                assert isinstance(outcome, Delivered)
                times = [before, *(at for at in (outcome.sent_at, outcome.acknowledged_at) if at), now()]
                assert times == sorted(times)

    # -- one outcome for each member

    @clause
    async def test_each_member_has_its_own_outcome(self, subject: BatchSubject) -> None:
        """There is one outcome for each member, in their order, whatever the partner says of the others."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.YES, Answer.NO, Answer.LATER, Answer.YES)
            outcomes = await send_batch(there, "A1", "A2", "A3", "A4")
            assert kinds(outcomes) == ["Delivered", "Rejected", "Rejected", "Delivered"]
            refusals = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
            assert [each.permanent for each in refusals] == [True, False]
            assert all(each.reason.strip() for each in refusals)

    @clause
    async def test_a_member_that_the_answer_leaves_out_is_unanswered(self, subject: BatchSubject) -> None:
        """A member of which the answer says nothing is `Unanswered`, with a reason; the others are as answered."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.YES, Answer.OMIT, Answer.NO)
            outcomes = await send_batch(there, "A1", "A2", "A3")
            assert kinds(outcomes) == ["Delivered", "Unanswered", "Rejected"]
            assert isinstance(outcomes[1], Unanswered)
            assert outcomes[1].reason.strip()

    @clause
    async def test_goes_on_after_a_refused_member(self, subject: BatchSubject) -> None:
        """The batch after one with refused members is delivered."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.NO, Answer.YES)
            await send_batch(there, "A1", "A2")
            assert kinds(await send_batch(there, "A3", "A4")) == ["Delivered"] * 2

    # -- a partner that does not answer

    @clause
    async def test_silence_closes_the_connection(self, subject: BatchSubject) -> None:
        """Without an answer in time `send_batch` raises Unreachable, the outcome is unknown, and it has closed."""
        async with exchanging(subject) as there:
            step = there.desk.plan_late()
            assert (await batch_fails(there, "A1", "A2")).outcome_unknown
            step.release()
            await closed(there.desk)

    @clause
    async def test_leaving_during_a_batch_is_unreachable(self, subject: BatchSubject) -> None:
        """When the partner closes without an answer `send_batch` raises Unreachable, and the outcome is unknown."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.YES, Answer.LEAVE)
            assert (await batch_fails(there, "A1", "A2")).outcome_unknown

    @clause
    async def test_tries_a_batch_again(self, subject: BatchSubject) -> None:
        """The same batch, sent again after an unknown outcome, is delivered as a whole."""
        async with exchanging(subject) as there:
            batch = batch_of(there, "A1", "A2")
            there.desk.plan(Answer.LEAVE)
            with pytest.raises(Unreachable):
                await deliver(there, batch)
            there.desk.taken.clear()
            assert kinds(await deliver(there, batch)) == ["Delivered"] * 2
            assert await subject.taken(there.desk) == there.sent

    @clause
    async def test_a_batch_without_a_partner_is_unreachable(self, subject: BatchSubject) -> None:
        """When the partner is away `send_batch` raises Unreachable, and the outcome is known: nothing was sent."""
        desk = Desk()
        async with opened(subject, desk) as there:
            assert not (await batch_fails(there, "A1", "A2")).outcome_unknown
            async with subject.partner(desk):
                assert kinds(await send_batch(there, "A1", "A2")) == ["Delivered"] * 2

    # -- answers that come too late

    @clause
    async def test_a_late_answer_to_a_batch_never_meets_the_next(self, subject: BatchSubject) -> None:
        """An answer that comes after `send_batch` gave up is for no later batch, not even one with equal members."""
        async with exchanging(subject) as there:
            async with answered_late(there, members=2):
                await batch_fails(there, "A1", "A2")
            await batch_fails(there, "A1", "A2")

    @clause
    async def test_a_late_answer_to_a_batch_never_meets_an_item(self, subject: BatchSubject) -> None:
        """An answer that comes after `send_batch` gave up is not taken for the answer to what is sent singly."""
        async with exchanging(subject) as there:
            async with answered_late(there, members=1):
                await batch_fails(there, "A1")
            await there.fails("A1")

    @clause
    async def test_the_answer_to_a_cancelled_batch_never_meets_the_next(self, subject: BatchSubject) -> None:
        """An answer that comes after `send_batch` was cancelled is not taken for the answer to the next."""
        async with exchanging(subject) as there:
            async with answered_late(there, members=2):
                await cancelled_batch(there, "A1", "A2")
            await batch_fails(there, "A1", "A2")

    # -- being cancelled

    @clause
    async def test_a_cancelled_batch_closes_the_connection(self, subject: BatchSubject) -> None:
        """`send_batch` lets a cancellation through, at once and as it is, and closes the connection."""
        async with exchanging(subject) as there:
            step = there.desk.plan_late()
            await cancelled_batch(there, "A1", "A2")
            step.release()
            await closed(there.desk)

    # -- what may be said

    @clause
    async def test_the_outcomes_of_a_batch_say_nothing_of_the_content(self, subject: BatchSubject) -> None:
        """Nothing of a payload is in the outcomes, a `reply` apart, nor in the notes."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.YES, Answer.NO, Answer.LATER, Answer.OMIT)
            for outcome in await send_batch(there, *(SECRET + mark for mark in "ABCD")):
                shown = outcome if isinstance(outcome, Unanswered) else outcome._replace(reply=None)
                assert SECRET not in repr(shown)
            assert SECRET not in there.context.said()

    @clause
    async def test_the_failure_of_a_batch_says_nothing_of_the_content(self, subject: BatchSubject) -> None:
        """Nothing of a payload is in the error, or its causes, when a batch is not answered."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.LEAVE)
            assert SECRET not in chain(await batch_fails(there, SECRET)) + there.context.said()
