"""Clauses for inbound connectors: second answers on the same connection, which `Receipt.later` gives.

A connector may leave them alone; what it answers otherwise is then the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import trio

from messagefoundry.testing.conformance import Conformance, clause
from messagefoundry.testing.exchanges import quiet
from messagefoundry.testing.receiving import InboundPeer, InboundSubject, listening, running, serves, stopped
from messagefoundry.testing.recorders import YES, InboundRecorder, accept

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from messagefoundry.contracts.inbound import Receipt

LARGE = b"A" * 2_000_000
"""What makes an answer so long that it is not written at once to a peer that does not read."""
OTHER = b"something else"


@dataclass
class Seconds:
    """The judge of a recorder that promises second answers, None for none, which come at `release`."""

    answers: Mapping[bytes, bytes | None]
    asked: list[bytes] = field(default_factory=list)
    _ready: trio.Event = field(default_factory=trio.Event)

    def __call__(self, raw: bytes) -> Receipt:
        """The receipt of a message."""
        return accept(raw)._replace(later=partial(self._later, raw) if raw in self.answers else None)

    def release(self) -> None:
        """Let every second answer come."""
        self._ready.set()

    async def _later(self, raw: bytes) -> bytes | None:
        self.asked.append(raw)
        await self._ready.wait()
        return self.answers[raw]

    async def read(self, peer: InboundPeer, count: int) -> list[bytes | None]:
        """So many answers as a peer gets them; of one that nobody gave, and which may be long, that it is another."""
        known: Collection[bytes | None] = {YES, None, *self.answers.values()}
        read = [await peer.answer() for _ in range(count)]
        return [answer if answer in known else OTHER for answer in read]


class AnsweringAgainClauses(Conformance):
    """What becomes of `Receipt.later`."""

    @clause
    async def test_second_answers_come_whole(self, subject: InboundSubject) -> None:
        """Second answers are asked for once and come whole, mixed with no other; or the connector leaves them alone."""
        payloads = [subject.payload(f"A{number}") for number in range(4)]
        seconds = Seconds({payload: b"second %d " % number + LARGE for number, payload in enumerate(payloads)})
        wanted = [YES, *seconds.answers.values()] if subject.answers_again else [YES]
        context = InboundRecorder(seconds)
        async with running(subject, context), subject.peer() as peer:
            for payload in payloads[:3]:
                await peer.send(payload)
            assert await seconds.read(peer, 3) == [YES] * 3
            seconds.release()
            await peer.send(payloads[3])
            await quiet()  # nothing is read meanwhile: whoever can write, does
            answers = await seconds.read(peer, len(wanted))
            async with listening(peer) as more:
                await quiet()
            assert more == []
        assert OTHER not in answers, "an answer is not as it was given, or two are mixed"
        whole = sorted(answers, key=repr) == sorted(wanted, key=repr)  # compared apart: to show the difference is slow
        assert whole, "not every answer came once"
        assert len({*seconds.asked}) == len(seconds.asked)

    @clause
    async def test_a_second_answer_holds_nothing_up(self, subject: InboundSubject) -> None:
        """While a second answer is to come, the next message of the same peer is received and answered."""
        first, second = subject.payload("A1"), subject.payload("A2")
        seconds = Seconds({first: b"second"})
        async with running(subject, InboundRecorder(seconds)), subject.peer() as peer:
            await peer.send(first)
            assert await peer.answer() == YES
            await peer.send(second)
            assert await peer.answer() == YES
            seconds.release()

    @clause
    async def test_a_second_answer_comes_after_the_first(self, subject: InboundSubject) -> None:
        """A second answer that is there at once comes after the reply to its message."""
        payload = subject.payload("A1")
        seconds = Seconds({payload: b"second"})
        seconds.release()
        async with running(subject, InboundRecorder(seconds)), subject.peer() as peer:
            await peer.send(payload)
            wanted = [YES, b"second"] if subject.answers_again else [YES]
            assert await seconds.read(peer, len(wanted)) == wanted

    @clause
    async def test_no_second_answer_is_none(self, subject: InboundSubject) -> None:
        """When `later` gives None nothing is answered, and the connection goes on."""
        payloads = [subject.payload("A1"), subject.payload("A2")]
        seconds = Seconds(dict.fromkeys(payloads))
        seconds.release()
        async with running(subject, InboundRecorder(seconds)), subject.peer() as peer:
            for payload in payloads:
                await peer.send(payload)
                assert await peer.answer() == YES
            async with listening(peer) as more:
                await quiet()
            assert more == []

    @clause
    async def test_a_second_answer_goes_to_its_own_peer(self, subject: InboundSubject) -> None:
        """A second answer comes on the connection of its message, and on no other."""
        seconds = Seconds({subject.payload("A1"): b"second to A", subject.payload("B1"): b"second to B"})
        context = InboundRecorder(seconds)
        async with running(subject, context), subject.peer() as one, subject.peer() as other:
            for peer, payload in zip((one, other), seconds.answers, strict=True):
                await peer.send(payload)
                assert await peer.answer() == YES
            async with listening(one) as to_one, listening(other) as to_other:
                seconds.release()
                await quiet()
        wanted: list[list[bytes | None]] = [[b"second to A"], [b"second to B"]] if subject.answers_again else [[], []]
        assert [to_one, to_other] == wanted

    @clause
    async def test_a_peer_that_leaves_before_its_second_answer_costs_nothing(self, subject: InboundSubject) -> None:
        """When a peer leaves before its second answer, other peers are served."""
        payload = subject.payload("A1")
        seconds = Seconds({payload: b"second"})
        context = InboundRecorder(seconds)
        async with running(subject, context):
            async with subject.peer() as peer:
                await peer.send(payload)
                assert await peer.answer() == YES
            await quiet()
            seconds.release()
            await quiet()
            await serves(subject, context)

    @clause
    async def test_stops_while_a_second_answer_is_to_come(self, subject: InboundSubject) -> None:
        """Cancelled while a second answer is to come, `run` ends, when it has come at the latest."""
        payload = subject.payload("A1")
        seconds = Seconds({payload: b"second"})
        context = InboundRecorder(seconds)
        async with running(subject, context) as first, subject.peer() as peer:
            await peer.send(payload)
            assert await peer.answer() == YES
            first.stop()
            await quiet()
            seconds.release()
            await stopped(first)
        async with running(subject, context):
            await serves(subject, context)
