"""Clauses for connectors: nothing of a message is said where people without a right to it may read."""

from __future__ import annotations

from messagefoundry.contracts.outbound import Rejected
from messagefoundry.testing.conformance import Conformance, clause
from messagefoundry.testing.desk import Answer, Desk
from messagefoundry.testing.exchanges import OutboundSubject, chain, exchanging, opened
from messagefoundry.testing.receiving import InboundSubject, running
from messagefoundry.testing.recorders import InboundRecorder, refuse

SECRET = "SECRETNAME"
"""The text that a message holds where nothing of it may be seen."""


class OutboundDiscretion(Conformance):
    """What outbound connectors may say."""

    @clause
    async def test_delivering_says_nothing_of_the_content(self, subject: OutboundSubject) -> None:
        """Nothing of a payload is in what `send` returns about a delivery, its `reply` apart, nor in the notes."""
        async with exchanging(subject) as there:
            delivered = await there.delivers(SECRET)
            assert SECRET not in repr(delivered._replace(reply=None)) + there.context.said()

    @clause
    async def test_a_refusal_says_nothing_of_the_content(self, subject: OutboundSubject) -> None:
        """Nothing of a payload is in a rejection, its `reply` apart, nor in the notes."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.NO)
            outcome = await there.send(SECRET)
            assert isinstance(outcome, Rejected)
            assert SECRET not in repr(outcome._replace(reply=None)) + there.context.said()

    @clause
    async def test_no_answer_says_nothing_of_the_content(self, subject: OutboundSubject) -> None:
        """Nothing of a payload is in the error, or its causes, when the partner does not answer."""
        async with exchanging(subject) as there:
            there.desk.plan(Answer.LEAVE)
            assert SECRET not in chain(await there.fails(SECRET)) + there.context.said()

    @clause
    async def test_an_absent_partner_says_nothing_of_the_content(self, subject: OutboundSubject) -> None:
        """Nothing of a payload is in the error, or its causes, when the partner is away."""
        async with opened(subject, Desk()) as there:
            assert SECRET not in chain(await there.fails(SECRET)) + there.context.said()


class InboundDiscretion(Conformance):
    """What inbound connectors may say."""

    @clause
    async def test_a_refusal_says_nothing_of_the_content(self, subject: InboundSubject) -> None:
        """Nothing of a refused message is in the notes."""
        context = InboundRecorder(refuse)
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload(SECRET))
            await peer.answer()
        assert SECRET not in context.said()
