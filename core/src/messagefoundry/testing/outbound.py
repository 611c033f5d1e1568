"""The kit for outbound connectors.

class TestMyConnector(OutboundConformance):
    @pytest.fixture
    def subject(self) -> MySubject: ...
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
import trio

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.contracts.outbound import Delivered
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.desk import Answer, Desk
from messagefoundry.testing.discretion import OutboundDiscretion
from messagefoundry.testing.exchanges import (
    OutboundSubject,
    cancelled_send,
    closed,
    exchanging,
    now,
    opened,
    quiet,
    rejected,
    sending,
)


class OutboundConformance(OutboundDiscretion):
    """What the engine relies on in an outbound connector."""

    kind = "outbound connector"

    @pytest.fixture
    def subject(self) -> OutboundSubject:
        """Your connector and its partner: override this."""
        pytest.fail("the kit needs a fixture `subject` that gives an OutboundSubject", pytrace=False)

    # -- getting ready

    @clause
    async def test_enters_while_the_partner_is_away(self, subject: OutboundSubject) -> None:
        """Entering the connector does not fail because the partner is away."""
        async with opened(subject, Desk()):
            pass

    @clause
    async def test_sends_nothing_unasked(self, subject: OutboundSubject) -> None:
        """Entering and leaving gives the partner no message."""
        desk = Desk()
        async with subject.partner(desk):
            async with opened(subject, desk):
                await quiet()
            await quiet()
            assert await subject.taken(desk) == []
        assert desk.seen == []

    # -- delivering

    @clause
    async def test_delivers_what_it_was_given(self, subject: OutboundSubject) -> None:
        """A delivered item's payload reaches the partner as it was given, once."""
        async with exchanging(subject) as there:
            await there.delivers("A1")
            assert await subject.taken(there.desk) == there.sent

    @clause
    async def test_delivers_in_the_order_sent(self, subject: OutboundSubject) -> None:
        """Items reach the partner in the order in which `send` was called."""
        async with exchanging(subject) as there:
            for number in range(5):
                await there.delivers(f"A{number}")
            assert await subject.taken(there.desk) == there.sent

    @clause
    async def test_delivers_a_large_payload(self, subject: OutboundSubject) -> None:
        """A payload of a megabyte arrives whole."""
        async with exchanging(subject) as there:
            await there.delivers("A" * 1_000_000)
            whole = (
                await subject.taken(there.desk) == there.sent
            )  # compared apart: showing the difference takes minutes
            assert whole, "the payload did not arrive whole"

    @clause
    async def test_waits_for_the_answer(self, subject: OutboundSubject) -> None:
        """`send` returns only after the partner has answered."""
        async with exchanging(subject) as there:
            step = there.desk.plan_late()
            async with sending(there, "A1") as outcomes:
                await there.desk.has_seen(1)
                await quiet()
                early = list(outcomes)
                step.release()
            assert early == []
            assert isinstance(outcomes[0], Delivered)

    @clause
    async def test_tells_times_in_microseconds(self, subject: OutboundSubject) -> None:
        """`sent_at` and `acknowledged_at` are microseconds since the epoch, in this order, or 0 when not known."""
        async with exchanging(subject) as there:
            before = now()
            delivered = await there.delivers("A1")
            known = [at for at in (delivered.sent_at, delivered.acknowledged_at) if at]
            times = [before, *known, now()]
            assert times == sorted(times)

    @clause
    async def test_leaves_the_item_as_it_was(self, subject: OutboundSubject) -> None:
        """The item, its ids and its attempt are the same after `send`."""
        async with exchanging(subject) as there:
            item = there.item("A1")
            before = replace(item)
            await there.connector.send(item)
            assert item == before

    @clause
    async def test_a_slow_partner_holds_up_its_own_connection_alone(self, subject: OutboundSubject) -> None:
        """While one connector waits for an answer, another to the same partner delivers."""
        async with exchanging(subject) as slow, opened(subject, slow.desk) as quick:
            step = slow.desk.plan_late()
            async with sending(slow, "A1") as outcomes:
                await slow.desk.has_seen(1)
                await quick.delivers("B1")
                assert outcomes == [], "the other had to give up first"
                step.release()

    # -- a partner that says no

    @clause
    async def test_a_refusal_for_good_is_permanent(self, subject: OutboundSubject) -> None:
        """When the partner says that it will never take an item, the outcome is `Rejected(permanent=True)`."""
        await rejected(subject, Answer.NO, permanent=True)

    @clause
    async def test_a_refusal_for_now_is_not_permanent(self, subject: OutboundSubject) -> None:
        """When the partner says that it cannot take an item now, the outcome is `Rejected(permanent=False)`."""
        await rejected(subject, Answer.LATER, permanent=False)

    @clause
    async def test_delivers_after_a_refusal(self, subject: OutboundSubject) -> None:
        """The item after a rejected one is delivered."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.NO)
            await there.send("A1")
            await there.delivers("A2")
            assert await subject.taken(there.desk) == there.sent[1:]

    # -- a partner that does not answer

    @clause
    async def test_silence_is_unreachable(self, subject: OutboundSubject) -> None:
        """Without an answer in time `send` raises Unreachable, and says that the outcome is unknown."""
        async with exchanging(subject) as there:
            there.desk.plan_late()
            assert (await there.fails("A1")).outcome_unknown

    @clause
    async def test_leaving_is_unreachable(self, subject: OutboundSubject) -> None:
        """When the partner closes without an answer `send` raises Unreachable, and says that the outcome is unknown."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.LEAVE)
            assert (await there.fails("A1")).outcome_unknown

    @clause
    async def test_tries_an_item_again_after_an_unknown_outcome(self, subject: OutboundSubject) -> None:
        """The second attempt of an item whose first was not answered is sent and delivered."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.LEAVE)
            with pytest.raises(Unreachable):
                await there.send("A1", work_id=7)
            assert isinstance(await there.send("A1", work_id=7, attempt=2), Delivered)
            assert len(there.desk.seen) == 2

    @clause
    async def test_an_absent_partner_is_unreachable(self, subject: OutboundSubject) -> None:
        """When the partner is away `send` raises Unreachable, and the outcome is known: nothing was sent."""
        async with opened(subject, Desk()) as there:
            assert not (await there.fails("A1")).outcome_unknown

    @clause
    async def test_delivers_when_the_partner_is_back(self, subject: OutboundSubject) -> None:
        """A connector that could not reach its partner delivers as soon as the partner is there."""
        desk = Desk()
        async with opened(subject, desk) as there:
            await there.fails("A1")
            async with subject.partner(desk):
                await there.delivers("A1")

    @clause
    async def test_delivers_when_the_partner_was_restarted(self, subject: OutboundSubject) -> None:
        """After the partner closed every connection, an item is delivered at the latest with its second attempt."""
        desk = Desk()
        async with opened(subject, desk) as there:
            async with subject.partner(desk):
                await there.delivers("A1")
            async with subject.partner(desk):
                with suppress(Unreachable):
                    await there.send("A2", work_id=7)
                assert isinstance(await there.send("A2", work_id=7, attempt=2), Delivered)

    # -- answers that come too late

    @clause
    async def test_a_late_answer_never_meets_the_next_item(self, subject: OutboundSubject) -> None:
        """An answer that comes after `send` gave up is not taken for the answer to the next item."""
        async with exchanging(subject) as there:
            late = there.desk.plan_late()
            there.desk.plan(Answer.LEAVE)
            await there.fails("A1")
            late.release()
            await quiet()
            await there.fails("A2")

    @clause
    async def test_a_late_answer_never_meets_the_item_under_way(self, subject: OutboundSubject) -> None:
        """An answer that comes while the next item is under way is not taken for that item's."""
        async with exchanging(subject) as there:
            late, leaving = there.desk.plan_late(), there.desk.plan_late(Answer.LEAVE)
            await there.fails("A1")
            async with sending(there, "A2") as outcomes:
                await quiet()
                late.release()
                await quiet()
                leaving.release()
            assert isinstance(outcomes[0], Unreachable)

    @clause
    async def test_the_answer_to_a_cancelled_item_never_meets_the_next(self, subject: OutboundSubject) -> None:
        """An answer that comes after `send` was cancelled is not taken for the answer to the next item."""
        async with exchanging(subject) as there:
            late = there.desk.plan_late()
            there.desk.plan(Answer.LEAVE)
            await cancelled_send(there, "A1")
            late.release()
            await quiet()
            await there.fails("A2")

    # -- being cancelled, and closing

    @clause
    async def test_a_cancelled_send_is_cancelled(self, subject: OutboundSubject) -> None:
        """`send` lets a cancellation through, at once and as it is; a new connector then delivers."""
        async with exchanging(subject) as there:
            there.desk.plan_late()
            await cancelled_send(there, "A1")
            async with opened(subject, there.desk) as fresh:
                await fresh.delivers("A2")

    @clause
    async def test_leaving_closes_the_connection(self, subject: OutboundSubject) -> None:
        """When the block of the connector ends, the partner sees its connections closed."""
        desk = Desk()
        async with subject.partner(desk):
            async with opened(subject, desk) as there:
                await there.delivers("A1")
            await closed(desk)

    @clause
    async def test_being_cancelled_closes_the_connection(self, subject: OutboundSubject) -> None:
        """When the block of the connector is cancelled, the partner sees its connections closed."""
        desk = Desk()
        async with subject.partner(desk):
            with trio.CancelScope() as scope:
                async with opened(subject, desk) as there:
                    await there.delivers("A1")
                    scope.cancel()
                    await trio.sleep_forever()
            await closed(desk)

    @clause
    async def test_a_fault_inside_is_raised_as_it_is(self, subject: OutboundSubject) -> None:
        """An error raised inside the block leaves it as it is: not swallowed, not wrapped."""
        with pytest.raises(ZeroDivisionError):
            async with opened(subject, Desk()):
                raise ZeroDivisionError

    # -- the operator's test

    @clause
    async def test_a_test_says_what_was_found_and_sends_nothing(self, subject: OutboundSubject) -> None:
        """`test` gives one line about the partner, and the partner gets no message."""
        async with exchanging(subject) as there:
            line = await there.connector.test()
            await quiet()
            assert await subject.taken(there.desk) == []
        assert line.strip()
        assert len(line.splitlines()) == 1
        assert there.desk.seen == []

    @clause
    async def test_a_test_says_that_the_partner_is_away(self, subject: OutboundSubject) -> None:
        """`test` raises Unreachable when the partner is away."""
        async with opened(subject, Desk()) as there:
            with pytest.raises(Unreachable):
                await there.connector.test()
