"""The kit for codecs.

class TestMyCodec(CodecConformance):
    @pytest.fixture
    def subject(self) -> MySubject: ...
"""

from __future__ import annotations

import codecs
import random
from abc import ABC
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.codecs import Summary
from messagefoundry.contracts.errors import Refused
from messagefoundry.message import AcknowledgmentMode, Refusal, RefusalKind
from messagefoundry.testing.conformance import Conformance, clause

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from messagefoundry.contracts.codecs import Codec

CODES = {"", "AA", "AE", "AR", "CA", "CE", "CR"}
POSITIVE = {"AA", "CA"}
LONGEST_SHOWN = 250
MUTATIONS = 200
CONTROL_ID, TIMESTAMP = b"MF1", b"20260102030405+0000"


class CodecSubject(ABC):
    """A codec, messages that it takes and messages that it refuses.

    Each of `good` holds the text SECRETNAME where content stands: in a field that may not be shown.
    """

    codec: Codec
    good: Sequence[bytes]
    bad: Sequence[bytes] = ()
    """Messages that `summarize` refuses; empty for a content type that takes any bytes."""
    encoding: str = "utf-8"
    answers: bool = False
    """Whether `acknowledge` ever gives an answer."""

    def edit(self, message: Any) -> None:  # noqa: B027 - nothing to do where messages cannot be edited
        """Change a message in place, as a Handler does, if that can be done."""


class CodecConformance(Conformance):
    """What the engine relies on in a codec."""

    kind = "codec"

    @pytest.fixture
    def subject(self) -> CodecSubject:
        """Your codec and its messages: override this."""
        pytest.fail("the kit needs a fixture `subject` that gives a CodecSubject", pytrace=False)

    @clause
    def test_takes_good_messages(self, subject: CodecSubject) -> None:
        """`summarize` gives a Summary of every good message, with a character set that Python knows."""
        for raw in subject.good:
            summary = subject.codec.summarize(raw, encoding=subject.encoding)
            assert isinstance(summary, Summary)
            codecs.lookup(summary.encoding)

    @clause
    def test_refuses_bad_messages(self, subject: CodecSubject) -> None:
        """`summarize` raises Refused, with a Refusal, for every bad message."""
        for raw in subject.bad:
            with pytest.raises(Refused) as caught:
                subject.codec.summarize(raw, encoding=subject.encoding)
            assert isinstance(caught.value.refusal, Refusal)

    @clause
    def test_refuses_with_refused_alone(self, subject: CodecSubject) -> None:
        """Whatever the bytes are, `summarize` gives a Summary or raises Refused, nothing else."""
        for raw in mutations(subject):
            judged(subject, raw)

    @clause
    def test_parses_what_it_takes(self, subject: CodecSubject) -> None:
        """`parse` does not raise for bytes that `summarize` took."""
        for raw in mutations(subject):
            summary = judged(subject, raw)
            if isinstance(summary, Summary):
                subject.codec.parse(raw, encoding=summary.encoding)

    @clause
    def test_an_unedited_message_keeps_its_bytes(self, subject: CodecSubject) -> None:
        """A message that nobody edited encodes to the bytes received, whatever encoding is asked for."""
        for raw in subject.good:
            message = subject.codec.parse(raw, encoding=subject.encoding)
            assert message.encode_bytes() == raw
            assert message.encode_bytes(subject.encoding) == raw

    @clause
    def test_a_copy_is_independent(self, subject: CodecSubject) -> None:
        """`copy` gives the same bytes; an edit of the copy leaves the original as it was, and the other way round."""
        for raw in subject.good:
            message = subject.codec.parse(raw, encoding=subject.encoding)
            copied, early = message.copy(), message.copy()
            assert copied.encode_bytes() == raw
            subject.edit(copied)
            assert message.encode_bytes() == raw
            subject.edit(message)
            assert early.encode_bytes() == raw

    @clause
    def test_a_summary_may_be_shown(self, subject: CodecSubject) -> None:
        """Control id and message type are printable and not long; a Summary's repr shows nothing of the content."""
        for raw in subject.good:
            summary = subject.codec.summarize(raw, encoding=subject.encoding)
            assert "SECRETNAME" not in repr(summary)
            for shown in (summary.control_id, summary.message_type):
                assert not shown or shown.isprintable()
                assert len(shown) <= LONGEST_SHOWN

    @clause
    def test_a_refusal_says_nothing_of_the_content(self, subject: CodecSubject) -> None:
        """No text of a Refused, nor of what caused it, quotes the message."""
        for raw in (*subject.bad, *(raw + b"\xff\x00SECRETNAME" for raw in subject.bad)):
            verdict = judged(subject, raw)
            if isinstance(verdict, Refused):
                assert "SECRETNAME" not in f"{verdict} {verdict!r}"
                assert verdict.__cause__ is None, "raise it `from None`: a parser's own error quotes the message"
                assert verdict.__suppress_context__ or verdict.__context__ is None

    @clause
    def test_accepted_messages_are_acknowledged_so(self, subject: CodecSubject) -> None:
        """The answer to an accepted message is AA or CA, or ("", None) where nothing is answered."""
        for raw in subject.good:
            code, reply = acknowledged(subject, raw, None)
            assert code in POSITIVE | ({""} if reply is None else set())
            assert (reply is not None) == subject.answers

    @clause
    def test_refused_messages_are_never_acknowledged_as_accepted(self, subject: CodecSubject) -> None:
        """The answer to a refused message is never AA or CA, whatever the reason."""
        for raw in subject.good:
            for kind in RefusalKind:
                code, reply = acknowledged(subject, raw, Refusal(kind))
                assert code in CODES - POSITIVE
                assert reply != acknowledged(subject, raw, None)[1] or reply is None

    @clause
    def test_what_cannot_be_read_is_answered(self, subject: CodecSubject) -> None:
        """`acknowledge` works without a Summary, for bytes of which nothing is known."""
        for raw in (*subject.bad, b"", b"\xff\x00"):
            code, reply = subject.codec.acknowledge(
                raw,
                None,
                Refusal(RefusalKind.UNPARSABLE),
                AcknowledgmentMode.ORIGINAL,
                control_id=CONTROL_ID,
                timestamp=TIMESTAMP,
            )
            assert code in CODES - POSITIVE
            assert (reply is None) == (code == "")

    @clause
    def test_no_acknowledgments_means_none(self, subject: CodecSubject) -> None:
        """In the mode `none` the answer is ("", None)."""
        for raw in subject.good:
            for refusal in (None, Refusal(RefusalKind.UNPARSABLE)):
                assert acknowledged(subject, raw, refusal, AcknowledgmentMode.NONE) == ("", None)

    @clause
    def test_answers_say_nothing_of_the_content(self, subject: CodecSubject) -> None:
        """No answer holds anything of the message but its header."""
        for raw in subject.good:
            for refusal in (None, Refusal(RefusalKind.UNPARSABLE)):
                assert b"SECRETNAME" not in (acknowledged(subject, raw, refusal)[1] or b"")

    @clause
    def test_is_pure(self, subject: CodecSubject) -> None:
        """The same arguments give the same summary and the same answer, whatever was asked in between."""
        for raw in subject.good:
            first = (subject.codec.summarize(raw, encoding=subject.encoding), acknowledged(subject, raw, None))
            for other in mutations(subject):
                judged(subject, other)
            again = (subject.codec.summarize(raw, encoding=subject.encoding), acknowledged(subject, raw, None))
            assert repr(again) == repr(first)


def judged(subject: CodecSubject, raw: bytes) -> Summary | Refused:
    """What `summarize` says of some bytes."""
    try:
        return subject.codec.summarize(raw, encoding=subject.encoding)
    except Refused as refused:
        return refused


def acknowledged(
    subject: CodecSubject,
    raw: bytes,
    refusal: Refusal | None,
    mode: AcknowledgmentMode = AcknowledgmentMode.ORIGINAL,
) -> tuple[str, bytes | None]:
    """The answer to a message that `summarize` takes."""
    summary = subject.codec.summarize(raw, encoding=subject.encoding)
    return subject.codec.acknowledge(raw, summary, refusal, mode, control_id=CONTROL_ID, timestamp=TIMESTAMP)


def mutations(subject: CodecSubject) -> Iterator[bytes]:
    """Bytes near and far from the good messages, the same in every run."""
    yield from subject.bad
    yield from mutated(subject.good)


def mutated(raws: Sequence[bytes]) -> Iterator[bytes]:
    """Bytes near and far from some, the same in every run."""
    choice = random.Random(0)
    yield from (b"", b"\x00", bytes(range(256)))
    for raw in raws:
        for _ in range(MUTATIONS // max(1, len(raws))):
            changed = bytearray(raw)
            for _ in range(choice.randint(1, 4)):
                place = choice.randrange(len(changed) + 1)
                changed[place : place + choice.randint(0, 3)] = choice.randbytes(choice.randint(0, 3))
            yield bytes(changed)
