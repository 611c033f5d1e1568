"""Clauses for inbound connectors: being stopped, and what is there after a restart."""

from __future__ import annotations

from messagefoundry.testing.conformance import Conformance, clause
from messagefoundry.testing.exchanges import quiet
from messagefoundry.testing.receiving import InboundSubject, listening, running, serves, stopped
from messagefoundry.testing.recorders import AGAIN, YES, InboundRecorder, Killed, try_again


class StoppingClauses(Conformance):
    """What happens when `run` is cancelled."""

    @clause
    async def test_stops_when_cancelled(self, subject: InboundSubject) -> None:
        """Cancelled, `run` ends without an error although a peer is there, and gives its place free."""
        context = InboundRecorder()
        async with running(subject, context) as first, subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            assert await peer.answer() == YES
            await stopped(first)
        async with running(subject, context):
            await serves(subject, context)

    @clause
    async def test_stopping_lets_peers_go(self, subject: InboundSubject) -> None:
        """When `run` has ended, its peers see their connections closed."""
        async with running(subject, InboundRecorder()) as first, subject.peer() as peer:
            await quiet()
            await stopped(first)
            assert await peer.answer() is None

    @clause
    async def test_stopping_never_answers_what_is_not_committed(self, subject: InboundSubject) -> None:
        """Cancelled while a message waits for its commit, it is not answered before the commit, and `run` ends."""
        context = InboundRecorder()
        context.hold()
        async with running(subject, context) as first, subject.peer() as peer, listening(peer) as answers:
            await peer.send(subject.payload("A1"))
            await context.has(1)
            first.stop()
            await quiet()
            assert [answer for answer in answers if answer is not None] == []
            context.release()
            await first.ended.wait()
        assert {*answers} <= {YES, None}

    @clause
    async def test_receives_each_message_once_across_restarts(self, subject: InboundSubject) -> None:
        """What was accepted before a restart is not received again after it."""
        context = InboundRecorder()
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            assert await peer.answer() == YES
        async with running(subject, context):
            await serves(subject, context)
        assert context.received == [subject.payload("A1"), subject.payload("Z1")]

    @clause
    async def test_what_was_not_committed_is_received_after_a_restart(self, subject: InboundSubject) -> None:
        """A message that could not be committed is received again by the next run: it was left where it was."""
        context = InboundRecorder(try_again)
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            assert await peer.answer() == AGAIN
        later = InboundRecorder()
        async with running(subject, later):
            await later.has(1)
        assert later.received == [subject.payload("A1")]

    @clause
    async def test_what_was_committed_before_a_kill_is_received_once(self, subject: InboundSubject) -> None:
        """What is committed when the process is killed, before the connector knows, is not received by the next run."""
        context = InboundRecorder()
        context.kill()
        try:
            async with running(subject, context), subject.peer() as peer:
                await peer.send(subject.payload("A1"))
                await context.until(lambda: context.dead)
                await quiet()
        except* Killed:
            pass
        async with running(subject, context):
            await serves(subject, context)
        assert context.committed == [subject.payload("A1"), subject.payload("Z1")]

    @clause
    async def test_what_was_committed_after_all_is_received_once(self, subject: InboundSubject) -> None:
        """A message whose receipt says `retry`, and that is committed after all, is not received again by itself."""
        context = InboundRecorder()
        context.hang()
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            await context.has(1)
            await quiet()
            context.release()
            await serves(subject, context)
        assert context.committed == [subject.payload("A1"), subject.payload("Z1")]
