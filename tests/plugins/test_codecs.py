"""The built-in content types, as the engine uses them."""

from __future__ import annotations

import pytest

from messagefoundry.contracts import Refused, load
from messagefoundry.contracts.codecs import BatchCodec, Codec, Summary
from messagefoundry.message import AcknowledgmentMode, Message, RawMessage, Refusal, RefusalKind
from messagefoundry.plugins import Candidate, collect

ADT = b"MSH|^~\\&|EPIC|HOSP|LAB|WEST|20260101||ADT^A01|MSG1|P|2.5\rPID|1||77||M\xc3\xbcller\r"
REGISTERED = collect([Candidate.of_module("messagefoundry.plugins.builtin")]).codecs


def codec(content_type: str) -> Codec:
    found: Codec = load(REGISTERED[content_type].spec.codec)
    return found


def refused(content_type: str, raw: bytes, encoding: str = "utf-8") -> Refused:
    with pytest.raises(Refused) as caught:
        codec(content_type).summarize(raw, encoding=encoding)
    return caught.value


def answer(raw: bytes, mode: AcknowledgmentMode = AcknowledgmentMode.ORIGINAL) -> tuple[str, bytes | None]:
    """What the sender of `raw` is answered."""
    hl7v2 = codec("hl7v2")
    summary: Summary | None
    refusal: Refusal | None
    try:
        summary, refusal = hl7v2.summarize(raw, encoding="utf-8"), None
    except Refused as error:
        summary, refusal = error.summary, error.refusal
    return hl7v2.acknowledge(raw, summary, refusal, mode, control_id=b"MF1", timestamp=b"20260102")


def test_a_summary_knows_what_may_be_shown() -> None:
    summary = codec("hl7v2").summarize(ADT, encoding="latin-1")
    assert (summary.control_id, summary.message_type, summary.encoding) == ("MSG1", "ADT^A01", "iso8859-1")
    assert "EPIC" not in repr(summary)


def test_the_character_set_that_msh_18_names_is_the_messages_own() -> None:
    raw = ADT.replace(b"|2.5\r", b"|2.5||||||UNICODE UTF-8\r")
    summary = codec("hl7v2").summarize(raw, encoding="latin-1")
    assert summary.encoding == "utf-8"
    message = codec("hl7v2").parse(raw, encoding=summary.encoding)
    assert isinstance(message, Message)
    assert message["PID-5"] == "Müller"


def test_an_accepted_message_is_answered() -> None:
    code, reply = answer(ADT)
    assert code == "AA"
    assert reply is not None
    assert reply.endswith(b"\rMSA|AA|MSG1\r")
    assert answer(ADT, AcknowledgmentMode.NONE) == ("", None)
    enhanced = ADT.replace(b"|2.5\r", b"|2.5|||AL|NE\r")
    assert answer(enhanced, AcknowledgmentMode.ENHANCED)[0] == "CA"


def test_a_message_that_does_not_decode_is_an_error_with_its_control_id() -> None:
    raw = ADT.replace(b"\xc3\xbc", b"\xfc")
    error = refused("hl7v2", raw)
    assert error.refusal.kind is RefusalKind.UNDECODABLE
    assert error.summary is not None
    assert error.summary.control_id == "MSG1"
    code, reply = answer(raw)
    assert code == "AE"
    assert reply is not None
    assert b"\rMSA|AE|MSG1\r" in reply


def test_what_has_no_readable_msh_is_rejected() -> None:
    error = refused("hl7v2", b"GET / HTTP/1.1")
    assert (error.refusal.kind, error.summary) == (RefusalKind.NO_HEADER, None)
    code, reply = answer(b"GET / HTTP/1.1")
    assert code == "AR"
    assert reply is not None
    assert b"\rMSA|AR|\r" in reply


@pytest.mark.parametrize("raw", [ADT + ADT, b"BHS|^~\\&|EPIC\r" + ADT + b"BTS|1\r", b"FHS|^~\\&\rBHS|^~\\&\r" + ADT])
def test_a_batch_is_not_one_message_and_can_be_split(raw: bytes) -> None:
    error = refused("hl7v2", raw)
    assert error.refusal.kind is RefusalKind.BATCH
    assert error.summary is not None
    assert error.summary.control_id == "MSG1", "should it be refused, its first message is answered"
    code, reply = answer(raw)
    assert code == "AE"
    assert reply is not None
    assert b"MSA|AE|MSG1" in reply
    hl7v2 = codec("hl7v2")
    assert isinstance(hl7v2, BatchCodec)
    assert set(hl7v2.split(raw, encoding="utf-8").messages) == {ADT}


def test_only_hl7_comes_in_batches() -> None:
    taking = [name for name in REGISTERED if isinstance(codec(name), BatchCodec)]
    assert taking == ["hl7v2"]


def test_a_batch_that_cannot_be_taken_is_answered_to_its_first_message() -> None:
    hl7v2 = codec("hl7v2")
    assert isinstance(hl7v2, BatchCodec)
    with pytest.raises(Refused) as caught:
        hl7v2.split(b"BHS|^~\\&|MSH|x\r" + ADT + b"BTS|2\r", encoding="utf-8")
    assert (caught.value.refusal.kind, caught.value.detail) == (
        RefusalKind.MISCOUNTED,
        "BTS-1 says 2, and 1 message came",
    )
    assert caught.value.summary is not None
    assert caught.value.summary.control_id == "MSG1"


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [("json", b'{"a": 1}'), ("xml", b"<a>\xc3\xbc</a>"), ("text", "für".encode()), ("binary", b"\xff\x00\xfe")],
)
def test_other_content_goes_on_as_it_came_and_is_not_answered(content_type: str, raw: bytes) -> None:
    it = codec(content_type)
    summary = it.summarize(raw, encoding="utf-8")
    assert summary == Summary(encoding="utf-8")
    message = it.parse(raw, encoding="utf-8")
    assert isinstance(message, RawMessage)
    assert message.encode_bytes("latin-1") == raw
    mode = AcknowledgmentMode.ORIGINAL
    assert it.acknowledge(raw, summary, None, mode, control_id=b"1", timestamp=b"2") == ("", None)


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [
        ("json", b"{'a': 1}"),
        ("json", b"\xff"),
        ("xml", b"<a>"),
        ("xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        ("text", b"\xff"),
    ],
)
def test_other_content_that_is_not_what_it_should_be_is_refused(content_type: str, raw: bytes) -> None:
    assert refused(content_type, raw).refusal.kind is RefusalKind.UNPARSABLE
