"""The kit for inbound connectors.

class TestMyConnector(InboundConformance):
    @pytest.fixture
    def subject(self) -> MySubject: ...
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_network

import pytest
import trio

from messagefoundry.contracts.errors import sole
from messagefoundry.contracts.inbound import Receipt
from messagefoundry.testing.answering_again import AnsweringAgainClauses
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.discretion import SECRET, InboundDiscretion
from messagefoundry.testing.exchanges import quiet
from messagefoundry.testing.receiving import InboundSubject, listening, running, serves
from messagefoundry.testing.recorders import AGAIN, NO, YES, InboundRecorder, refuse, try_again
from messagefoundry.testing.stopping import StoppingClauses

LONGEST_PEER = 200


class InboundConformance(StoppingClauses, AnsweringAgainClauses, InboundDiscretion):
    """What the engine relies on in an inbound connector."""

    kind = "inbound connector"

    @pytest.fixture
    def subject(self) -> InboundSubject:
        """Your connector and its peers: override this."""
        pytest.fail("the kit needs a fixture `subject` that gives an InboundSubject", pytrace=False)

    # -- getting ready

    @clause
    async def test_ready_means_reachable(self, subject: InboundSubject) -> None:
        """Once `task_status.started()` is called, a message that is sent is received."""
        context = InboundRecorder()
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            await context.has(1)

    @clause
    async def test_a_place_that_is_taken_is_an_oserror(self, subject: InboundSubject) -> None:
        """When the place cannot be used, `run` raises OSError and never says that it is ready."""
        with pytest.raises((OSError, BaseExceptionGroup)) as caught:
            async with subject.occupied(), running(subject, InboundRecorder()):
                pytest.fail("it says that it is ready", pytrace=False)
        assert isinstance(sole(caught.value), OSError), f"not an OSError: {caught.value!r}"

    @clause
    async def test_keeps_to_the_allowlist(self, subject: InboundSubject) -> None:
        """A peer that is not in `source_ip_allowlist` is closed before its message is read, and noted."""
        context = InboundRecorder(source_ip_allowlist=(ip_network("192.0.2.0/24"),))
        async with running(subject, context), subject.peer() as peer:
            with suppress(OSError, trio.BrokenResourceError):
                await peer.send(subject.payload("A1"))
                assert await peer.answer() is None
            await context.until(lambda: bool(context.notes))
        assert context.received == []

    # -- receiving

    @clause
    async def test_receives_what_was_sent(self, subject: InboundSubject) -> None:
        """A message is handed in as its bytes were sent, once."""
        context = InboundRecorder()
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            assert await peer.answer() == YES
        assert context.received == [subject.payload("A1")]

    @clause
    async def test_receives_a_large_message(self, subject: InboundSubject) -> None:
        """A message of a megabyte is handed in whole."""
        context, payload = InboundRecorder(), subject.payload("A" * 1_000_000)
        async with running(subject, context), subject.peer() as peer:
            await peer.send(payload)
            assert await peer.answer() == YES
        whole = context.received == [payload]  # compared apart: to show how two megabytes differ takes minutes
        assert whole, "the message was not handed in whole"

    @clause
    async def test_receives_in_the_order_sent(self, subject: InboundSubject) -> None:
        """The messages of one peer are handed in in the order sent, each after the receipt of the one before."""
        context, payloads = InboundRecorder(), [subject.payload(f"A{number}") for number in range(5)]
        context.hold(payloads[1])
        async with running(subject, context), subject.peer() as peer:
            for payload in payloads:
                await peer.send(payload)
            await context.has(2)
            await quiet()
            assert context.received == payloads[:2]
            context.release()
            await context.has(5)
        assert context.received == payloads

    @clause
    async def test_names_the_peer(self, subject: InboundSubject) -> None:
        """`peer` says from where a message came: printable, not long, nothing of the content."""
        context = InboundRecorder()
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload(SECRET))
            await context.has(1)
        (name,) = context.peers
        assert name.isprintable()
        assert 0 < len(name) <= LONGEST_PEER
        assert SECRET not in name

    @clause
    async def test_a_slow_commit_holds_up_its_own_peer_alone(self, subject: InboundSubject) -> None:
        """While one peer's message waits for its commit, another peer's is received and answered."""
        context, slow = InboundRecorder(), subject.payload("A1")
        context.hold(slow)
        async with running(subject, context), subject.peer() as first, subject.peer() as second:
            await first.send(slow)
            await context.has(1)
            await second.send(subject.payload("B1"))
            assert await second.answer() == YES
            context.release()
            assert await first.answer() == YES

    # -- answering

    @clause
    async def test_answers_after_the_commit(self, subject: InboundSubject) -> None:
        """A message is answered only after `receive` has returned."""
        context = InboundRecorder()
        context.hold()
        async with running(subject, context), subject.peer() as peer, listening(peer) as answers:
            await peer.send(subject.payload("A1"))
            await context.has(1)
            await quiet()
            assert answers == []
            context.release()
            await context.until(lambda: bool(context.committed))
            await quiet()
            assert answers[:1] == [YES]

    @clause
    async def test_answers_as_the_receipt_says(self, subject: InboundSubject) -> None:
        """Each message is answered with the reply of its own receipt, in order."""
        context = InboundRecorder(lambda raw: Receipt(True, 1, b"yes %d" % len(context.committed), "AA"))
        async with running(subject, context), subject.peer() as peer:
            for number in range(3):
                await peer.send(subject.payload(f"A{number}"))
            assert [await peer.answer() for _ in range(3)] == [b"yes 0", b"yes 1", b"yes 2"]

    @clause
    async def test_a_refused_message_is_answered_so(self, subject: InboundSubject) -> None:
        """A message that the receipt refuses is answered with the refusal, and the next is received."""
        context = InboundRecorder(refuse)
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            assert await peer.answer() == NO
        assert context.received == [subject.payload("A1")]

    @clause
    async def test_without_a_store_the_sender_is_told(self, subject: InboundSubject) -> None:
        """A message that could not be committed (`retry`) is answered so: its sender does not take it for received."""
        context = InboundRecorder(try_again)
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            assert await peer.answer() == AGAIN

    @clause
    async def test_a_receipt_without_reply_answers_nothing(self, subject: InboundSubject) -> None:
        """When the receipt has no reply, nothing is answered; the connection goes on."""
        silent = subject.payload("A1")
        context = InboundRecorder(lambda raw: Receipt(True, 1, None if raw == silent else YES))
        async with running(subject, context), subject.peer() as peer, listening(peer) as answers:
            await peer.send(silent)
            await peer.send(subject.payload("A2"))
            await context.until(lambda: len(context.committed) == 2)
            await quiet()
            assert answers == [YES]

    @clause
    async def test_a_receipt_can_close(self, subject: InboundSubject) -> None:
        """When the receipt says `close` without a reply, the peer's connection is closed unanswered."""
        context = InboundRecorder(lambda raw: Receipt(False, close=True, retry=True))
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            assert await peer.answer() is None

    @clause
    async def test_a_receipt_can_answer_and_close(self, subject: InboundSubject) -> None:
        """When the receipt has a reply and says `close`, the peer gets the reply, and no further message is taken."""
        context = InboundRecorder(lambda raw: Receipt(False, reply=NO, code="AE", close=True))
        async with running(subject, context), subject.peer() as peer:
            await peer.send(subject.payload("A1"))
            await peer.send(subject.payload("A2"))
            assert [await peer.answer(), await peer.answer()] == [NO, None]
        assert context.received == [subject.payload("A1")]

    # -- peers that behave badly

    @clause
    async def test_half_a_message_is_none(self, subject: InboundSubject) -> None:
        """A message that breaks off is not handed in, it is noted, and other peers are served."""
        context = InboundRecorder()
        async with running(subject, context):
            async with subject.peer() as peer:
                await peer.send_part(subject.payload(SECRET))
            await context.until(lambda: bool(context.notes))
            await serves(subject, context)
        assert context.received == [subject.payload("Z1")]
        assert SECRET not in context.said()

    @clause
    async def test_a_peer_that_says_nothing_costs_nothing(self, subject: InboundSubject) -> None:
        """A peer that comes and goes without a message disturbs nobody."""
        context = InboundRecorder()
        async with running(subject, context):
            async with subject.peer():
                await quiet()
            await serves(subject, context)
        assert context.received == [subject.payload("Z1")]

    @clause
    async def test_a_peer_that_leaves_during_the_commit_costs_nothing(self, subject: InboundSubject) -> None:
        """When a peer leaves before its answer, its message stays committed and other peers are served."""
        context = InboundRecorder()
        context.hold(subject.payload("A1"))
        async with running(subject, context):
            async with subject.peer() as peer:
                await peer.send(subject.payload("A1"))
                await context.has(1)
            await quiet()
            context.release()
            await serves(subject, context)
        assert context.received == [subject.payload("A1"), subject.payload("Z1")]
