"""Codecs that break the contract of batches, each in one way. As broken_values.py."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, ClassVar

import pytest

from messagefoundry.codecs.hl7v2 import Hl7v2Codec
from messagefoundry.contracts.codecs import Members, Summary
from messagefoundry.contracts.errors import Refused
from messagefoundry.message import RefusalKind, split_batch
from messagefoundry.testing import BatchCodecConformance
from tests.testing.test_batches import Hl7v2Batches

if TYPE_CHECKING:
    from collections.abc import Sequence


class BatchCodecVariant(BatchCodecConformance):
    codec: ClassVar[type[Hl7v2Codec]] = Hl7v2Codec
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> Hl7v2Batches:
        subject = Hl7v2Batches()
        subject.codec = self.codec()
        return subject


class Unaware(Hl7v2Codec):
    """Takes a batch for one message."""

    def summarize(self, raw: bytes, *, encoding: str) -> Summary:
        try:
            return super().summarize(raw, encoding=encoding)
        except Refused as refused:
            if refused.refusal.kind is RefusalKind.BATCH:
                return refused.summary or Summary()
            raise


class TestTakesABatchForAMessage(BatchCodecVariant):
    codec = Unaware
    caught_by: ClassVar = {
        "test_a_batch_is_told_from_a_message",
    }


class Normalizing(Hl7v2Codec):
    """Changes the ends of lines."""

    def split(self, raw: bytes, *, encoding: str) -> Members:
        members = super().split(raw, encoding=encoding)
        return members._replace(messages=[message.replace(b"\r\n", b"\r") for message in members.messages])


class TestChangesMessagesOfBatches(BatchCodecVariant):
    codec = Normalizing
    caught_by: ClassVar = {
        "test_messages_keep_their_bytes",
        "test_messages_of_a_batch_are_not_judged",
    }


class Judging(Hl7v2Codec):
    """Refuses a batch for one message."""

    def split(self, raw: bytes, *, encoding: str) -> Members:
        members = super().split(raw, encoding=encoding)
        for message in members.messages:
            self.summarize(message, encoding=members.encoding)
        return members


class TestRefusesABatchForOneMessage(BatchCodecVariant):
    codec = Judging
    caught_by: ClassVar = {
        "test_messages_of_a_batch_are_not_judged",
    }


class Lenient(Hl7v2Codec):
    """Takes what it can of a batch that is not sound."""

    def split(self, raw: bytes, *, encoding: str) -> Members:
        try:
            return super().split(raw, encoding=encoding)
        except Refused:
            return Members([])


class TestTakesBadBatches(BatchCodecVariant):
    codec = Lenient
    caught_by: ClassVar = {
        "test_bad_batches_are_refused",
    }


class Raising(Hl7v2Codec):
    """Lets its parser's own error out."""

    def split(self, raw: bytes, *, encoding: str) -> Members:
        batch = split_batch(raw)
        return Members(batch.members, encoding, "", batch)


class TestRaisesItsOwnErrorsForBatches(BatchCodecVariant):
    codec = Raising
    caught_by: ClassVar = {
        "test_bad_batches_are_refused",
        "test_split_refuses_with_refused_alone",
        "test_what_is_told_of_a_batch_may_be_shown",
    }


class Quoting(Hl7v2Codec):
    """Shows content where it says why a batch is refused."""

    def split(self, raw: bytes, *, encoding: str) -> Members:
        try:
            return super().split(raw, encoding=encoding)
        except Refused as refused:
            raise Refused(refused.refusal, None, raw.decode("latin-1")) from None


class TestQuotesBadBatches(BatchCodecVariant):
    codec = Quoting
    caught_by: ClassVar = {
        "test_what_is_told_of_a_batch_may_be_shown",
    }


class Shown(Hl7v2Codec):
    """Takes the whole batch for its control id."""

    def split(self, raw: bytes, *, encoding: str) -> Members:
        return super().split(raw, encoding=encoding)._replace(control_id=raw.decode("latin-1"))


class TestShowsBatches(BatchCodecVariant):
    codec = Shown
    caught_by: ClassVar = {
        "test_what_is_told_of_a_batch_may_be_shown",
    }


class Answering(Hl7v2Codec):
    """Answers a batch in a way of its own."""

    def given(self, members: Members, acknowledgments: Sequence[bytes]) -> Sequence[bytes]:
        """What stands in the answer."""
        return acknowledgments

    def acknowledge_batch(
        self, members: Members, acknowledgments: Sequence[bytes], *, control_id: bytes, timestamp: bytes
    ) -> bytes:
        given = self.given(members, acknowledgments)
        return super().acknowledge_batch(members, given, control_id=control_id, timestamp=timestamp)


class Forgetful(Answering):
    """Leaves the last acknowledgment out."""

    def given(self, members: Members, acknowledgments: Sequence[bytes]) -> Sequence[bytes]:
        return acknowledgments[:-1]


class TestLeavesAnAcknowledgmentOut(BatchCodecVariant):
    codec = Forgetful
    caught_by: ClassVar = {
        "test_an_answer_holds_no_other",
        "test_an_answer_holds_those_to_the_messages",
    }


class Generous(Answering):
    """Acknowledges every message, asked or not."""

    def given(self, members: Members, acknowledgments: Sequence[bytes]) -> Sequence[bytes]:
        if len(acknowledgments) == len(members.messages):
            self.every = acknowledgments
        return self.every

    every: Sequence[bytes] = ()


class TestAcknowledgesWhatItWasNotAsked(BatchCodecVariant):
    codec = Generous
    caught_by: ClassVar = {
        "test_an_answer_holds_no_other",
    }


class Verbose(Answering):
    """Gives the messages back in the answer."""

    def given(self, members: Members, acknowledgments: Sequence[bytes]) -> Sequence[bytes]:
        return [*acknowledgments, *members.messages]


class TestAnswersABatchWithItsContent(BatchCodecVariant):
    codec = Verbose
    caught_by: ClassVar = {
        "test_an_answer_to_a_batch_says_nothing_of_the_content",
    }


class Counting(Answering):
    """Numbers its answers."""

    def __init__(self) -> None:
        self.numbers = count(1)

    def given(self, members: Members, acknowledgments: Sequence[bytes]) -> Sequence[bytes]:
        return [*acknowledgments, b"NTE|%d\r" % next(self.numbers)]


class TestNumbersItsAnswers(BatchCodecVariant):
    codec = Counting
    caught_by: ClassVar = {
        "test_batches_are_handled_purely",
    }
