"""What we answer, and what we make of answers."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from messagefoundry.codecs.hl7v2 import HL7V2
from messagefoundry.contracts.errors import PartnerFault, Refused, Unreachable
from messagefoundry.message import (
    ACCEPTED,
    Accepted,
    AcknowledgmentMode,
    HeaderError,
    Judgment,
    Message,
    Refusal,
    acknowledge,
    acknowledge_delivery,
    judge,
    peek,
    read_acknowledgment,
)
from messagefoundry_mllp.replies import MOST_MISMATCHES, Acknowledgments
from tests.strategies.hl7 import anything, headed_messages, refusals
from tests.strategies.replies import control_ids, replies

MODES = list(AcknowledgmentMode)
verdicts = st.just(ACCEPTED) | refusals


def meaning(verdict: Accepted | Refusal) -> Judgment:
    """What a sender is to make of our verdict."""
    if isinstance(verdict, Accepted):
        return Judgment.DELIVERED
    return Judgment.REJECTED if verdict.kind.rejects else Judgment.RETRY


@given(raw=anything | headed_messages(), mode=st.sampled_from(MODES), verdict=verdicts)
def test_our_acknowledgment_is_read_as_it_was_meant(
    raw: bytes, mode: AcknowledgmentMode, verdict: Accepted | Refusal
) -> None:
    try:
        header = peek(raw)
    except HeaderError:
        return
    given = {"control_id": b"N", "timestamp": b"20260101"}
    for reply in (acknowledge(header, mode, verdict, **given), acknowledge_delivery(header, verdict, **given)):
        if reply is None:
            continue
        assert judge(reply, header.control_id) is meaning(verdict)
        answer = peek(reply)
        assert answer.message_code == b"ACK"
        assert answer.control_id == b"N"
        assert (answer.fields[2:4], answer.fields[4:6]) == (header.fields[4:6], header.fields[2:4])
        found = read_acknowledgment(reply)
        assert found is not None
        assert found.control_id == header.control_id
        assert [line[:3] for line in reply.split(b"\r")] in ([b"MSH", b"MSA", b""], [b"MSH", b"MSA", b"ERR", b""])


@given(raw=anything | headed_messages(), mode=st.sampled_from(MODES))
def test_whatever_arrives_is_accepted_or_refused_and_its_answer_can_be_read(
    raw: bytes, mode: AcknowledgmentMode
) -> None:
    summary, refusal = None, None
    try:
        summary = HL7V2.summarize(raw, encoding="utf-8")
    except Refused as error:
        summary, refusal = error.summary, error.refusal
    code, reply = HL7V2.acknowledge(raw, summary, refusal, mode, control_id=b"N", timestamp=b"1")
    assert (reply is None) == (code == "")
    if reply is not None:
        found = read_acknowledgment(reply)
        assert found is not None
        assert found.code == code
        assert found.accepts == (refusal is None)
    if refusal is None:
        assert HL7V2.parse(raw, encoding="utf-8").encode_bytes() == raw


def belongs(received: bytes, sent: bytes) -> bool:
    """Whether MSA-2 may answer MSH-10: nothing, all of it, or its first 20 bytes or characters."""
    lengths = len(received), len(received.decode("utf-8", "surrogateescape"))
    return received in (b"", sent) or (sent.startswith(received) and 20 in lengths)


@given(reply=replies, sent=control_ids)
def test_a_reply_of_any_kind_has_a_meaning(reply: bytes, sent: bytes) -> None:
    judgment = judge(reply, sent)
    found = read_acknowledgment(reply)
    assert (found is None) == (judgment is Judgment.NOT_AN_ACK)
    if judgment is Judgment.DELIVERED:
        assert found is not None
        assert found.code in ("AA", "CA")
        assert belongs(found.control_id, sent)


@given(sent=control_ids, answers=st.lists(replies, max_size=5), verify=st.booleans())
@example(sent=b"", answers=[b"MSH|^~\\&|\rMSA|AA|2\r"], verify=True)
def test_nothing_is_delivered_by_an_answer_to_something_else(sent: bytes, answers: list[bytes], verify: bool) -> None:
    notes: list[str] = []
    replies = Acknowledgments({}, verify=verify, note=lambda kind, detail, **_: notes.append(f"{kind} {detail}"))
    payload = b"MSH|^~\\&|A|B|C|D|1||ADT^A01|" + sent + b"|P|2.5\r"
    replies.expect(1, payload)
    named = _control_id(payload)
    mismatches = 0
    for reply in answers:
        found = read_acknowledgment(reply)
        try:
            answer = replies.take(reply)
        except Unreachable:
            assert found is None
            continue
        except PartnerFault:
            mismatches = 0
            continue
        mismatches = 0 if answer is not None else mismatches + 1
        assert mismatches < MOST_MISMATCHES
        if answer is not None:
            assert found is not None
            assert bool(answer.reason) == (not found.accepts)
            assert not verify or not named or belongs(found.control_id, named)
            assert answer.permanent == found.code.endswith("R")
        replies.stray(reply)
    assert all(note.isprintable() for note in notes)


def _control_id(payload: bytes) -> bytes:
    try:
        return peek(payload).control_id
    except HeaderError:
        return b""


@given(raw=headed_messages(), mode=st.sampled_from(MODES), verdict=verdicts)
def test_our_acknowledgment_is_a_message(raw: bytes, mode: AcknowledgmentMode, verdict: Accepted | Refusal) -> None:
    reply = acknowledge(peek(raw), mode, verdict, control_id=b"N", timestamp=b"1")
    if reply is not None:
        message = Message.parse(reply, encoding="iso8859-1")
        assert message.segments()[:2] == ["MSH", "MSA"]
        assert message.encode_bytes() == reply
