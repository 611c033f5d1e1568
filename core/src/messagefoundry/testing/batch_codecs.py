"""The kit for codecs whose messages also come in batches, beside the one for their messages.

class TestMyBatches(BatchCodecConformance):
    @pytest.fixture
    def subject(self) -> MyBatchCodecSubject: ...
"""

from __future__ import annotations

import codecs
from abc import ABC
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.codecs import BatchCodec, Members
from messagefoundry.contracts.errors import Refused
from messagefoundry.message import AcknowledgmentMode, Refusal, RefusalKind
from messagefoundry.testing.codecs import LONGEST_SHOWN, TIMESTAMP, mutated
from messagefoundry.testing.conformance import Conformance, clause
from messagefoundry.testing.discretion import SECRET
from messagefoundry.testing.exchanges import chain

if TYPE_CHECKING:
    from collections.abc import Sequence


class BatchCodecSubject(ABC):
    """A codec, batches that it takes and batches that it refuses. Each holds the text SECRETNAME as content."""

    codec: BatchCodec
    batches: Sequence[tuple[bytes, Sequence[bytes]]]
    """Batches of messages that may be accepted, each with the exact bytes of its messages."""
    bad_batches: Sequence[bytes] = ()
    """Batches that `split` refuses as a whole."""
    encoding: str = "utf-8"


class BatchCodecConformance(Conformance):
    """What the engine relies on in a `BatchCodec` when a batch comes."""

    kind = "batch codec"

    @pytest.fixture
    def subject(self) -> BatchCodecSubject:
        """Your codec and its batches: override this."""
        pytest.fail("the kit needs a fixture `subject` that gives a BatchCodecSubject", pytrace=False)

    # -- telling a batch

    @clause
    def test_a_batch_is_told_from_a_message(self, subject: BatchCodecSubject) -> None:
        """`summarize` raises Refused with RefusalKind.BATCH for a batch, and takes each of its messages."""
        assert isinstance(subject.codec, BatchCodec)
        for raw, messages in subject.batches:
            with pytest.raises(Refused) as caught:
                subject.codec.summarize(raw, encoding=subject.encoding)
            assert caught.value.refusal.kind is RefusalKind.BATCH
            for message in messages:
                subject.codec.summarize(message, encoding=subject.encoding)

    # -- taking it apart

    @clause
    def test_messages_keep_their_bytes(self, subject: BatchCodecSubject) -> None:
        """`split` gives every message in its order, byte for byte, and a character set that Python knows."""
        for raw, messages in subject.batches:
            members = subject.codec.split(raw, encoding=subject.encoding)
            assert list(members.messages) == list(messages)
            codecs.lookup(members.encoding)

    @clause
    def test_messages_of_a_batch_are_not_judged(self, subject: BatchCodecSubject) -> None:
        """`split` gives a message that cannot be accepted like the others: a bad one does not cost the rest."""
        for raw, messages in ((raw, messages) for raw, messages in subject.batches if messages):
            broken = messages[0].replace(SECRET.encode(), b"\xff\xfe")
            spoiled = subject.codec.split(raw.replace(messages[0], broken, 1), encoding=subject.encoding)
            assert list(spoiled.messages) == [broken, *messages[1:]]

    @clause
    def test_bad_batches_are_refused(self, subject: BatchCodecSubject) -> None:
        """`split` raises Refused, with a Refusal, for every batch that cannot be taken as a whole."""
        for raw in subject.bad_batches:
            with pytest.raises(Refused) as caught:
                subject.codec.split(raw, encoding=subject.encoding)
            assert isinstance(caught.value.refusal, Refusal)

    @clause
    def test_split_refuses_with_refused_alone(self, subject: BatchCodecSubject) -> None:
        """Whatever the bytes are, `split` gives Members or raises Refused, nothing else."""
        for raw in mutated([raw for raw, _ in subject.batches]):
            assert isinstance(divided(subject, raw), Members | Refused)

    @clause
    def test_what_is_told_of_a_batch_may_be_shown(self, subject: BatchCodecSubject) -> None:
        """A batch's control id is printable and not long; neither it, nor a repr, nor a refusal shows content."""
        for raw in (*(raw for raw, _ in subject.batches), *subject.bad_batches):
            found = divided(subject, raw)
            if isinstance(found, Refused):
                assert SECRET not in chain(found) + found.detail
                continue
            assert SECRET not in repr(found) + found.control_id
            assert not found.control_id or found.control_id.isprintable()
            assert len(found.control_id) <= LONGEST_SHOWN

    # -- answering it

    @clause
    def test_an_answer_holds_those_to_the_messages(self, subject: BatchCodecSubject) -> None:
        """`acknowledge_batch` gives one answer that holds each acknowledgment it is given, whole, once, in order."""
        for raw, _ in subject.batches:
            members = subject.codec.split(raw, encoding=subject.encoding)
            given = acknowledgments(subject, members)
            assert len(given) == len(members.messages), "`acknowledge` leaves a message without an answer"
            answer = answered(subject, members, given)
            places = [answer.find(each) for each in given]
            assert -1 not in places
            assert places == sorted(places)
            assert [answer.count(each) for each in given] == [1] * len(given)

    @clause
    def test_an_answer_holds_no_other(self, subject: BatchCodecSubject) -> None:
        """Messages whose acknowledgment is not given are not answered, up to all of them."""
        for raw, _ in subject.batches:
            members = subject.codec.split(raw, encoding=subject.encoding)
            given = acknowledgments(subject, members)
            for kept in range(len(given)):
                answer = answered(subject, members, given[:kept])
                assert [answer.count(each) for each in given] == [1] * kept + [0] * (len(given) - kept)

    @clause
    def test_an_answer_to_a_batch_says_nothing_of_the_content(self, subject: BatchCodecSubject) -> None:
        """The answer holds nothing of the messages but what their acknowledgments hold."""
        for raw, _ in subject.batches:
            members = subject.codec.split(raw, encoding=subject.encoding)
            assert SECRET.encode() not in answered(subject, members, acknowledgments(subject, members))

    @clause
    def test_batches_are_handled_purely(self, subject: BatchCodecSubject) -> None:
        """The same batch gives the same messages and the same answer, whatever was asked in between."""

        def all_of(raw: bytes) -> tuple[list[bytes], bytes]:
            members = subject.codec.split(raw, encoding=subject.encoding)
            return list(members.messages), answered(subject, members, acknowledgments(subject, members))

        first = [all_of(raw) for raw, _ in subject.batches]
        assert [all_of(raw) for raw, _ in subject.batches] == first


def divided(subject: BatchCodecSubject, raw: bytes) -> Members | Refused:
    """What `split` says of some bytes."""
    try:
        return subject.codec.split(raw, encoding=subject.encoding)
    except Refused as refused:
        return refused


def acknowledgments(subject: BatchCodecSubject, members: Members) -> list[bytes]:
    """The answer to each message of a batch, all accepted, each with a control id of its own."""
    mode, given = AcknowledgmentMode.ORIGINAL, []
    for number, raw in enumerate(members.messages):
        summary = subject.codec.summarize(raw, encoding=members.encoding)
        own = b"MF%d" % (number + 100)
        given.append(subject.codec.acknowledge(raw, summary, None, mode, control_id=own, timestamp=TIMESTAMP)[1])
    return [answer for answer in given if answer is not None]


def answered(subject: BatchCodecSubject, members: Members, given: Sequence[bytes]) -> bytes:
    """The answer to a batch."""
    return subject.codec.acknowledge_batch(members, given, control_id=b"MF9", timestamp=TIMESTAMP)
