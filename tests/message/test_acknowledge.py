"""Which acknowledgment is sent, and what it looks like."""

import re

import pytest

from messagefoundry.message import (
    ACCEPTED,
    AcknowledgmentMode,
    ErrorLocation,
    Message,
    Refusal,
    RefusalKind,
    Verdict,
    acknowledge,
    acknowledge_delivery,
    is_batch,
    judge,
    peek,
)

ORIGINAL, ENHANCED, NONE = AcknowledgmentMode
ERROR = Refusal(RefusalKind.STORE_UNAVAILABLE)
REJECT = Refusal(RefusalKind.UNSUPPORTED_MESSAGE_TYPE)


def message(*, kind: str = "ADT^A01", version: str = "2.5.1", accept: str = "", application: str = "") -> bytes:
    """A message whose header has these fields."""
    header = f"MSH|^~\\&|SND|SFAC|RCV|RFAC|20260101||{kind}|ID 1|P|{version}|||{accept}|{application}"
    return f"{header}\rPID|1||SECRET\r".encode()


def answer(raw: bytes, mode: AcknowledgmentMode, verdict: Verdict) -> str | None:
    """The acknowledgment as text."""
    found = acknowledge(peek(raw), mode, verdict, control_id=b"N1", timestamp=b"20260102")
    return None if found is None else found.decode("latin-1")


def code(raw: bytes, mode: AcknowledgmentMode, verdict: Verdict) -> str | None:
    """MSA-1 of the acknowledgment."""
    found = answer(raw, mode, verdict)
    return None if found is None else Message.parse(found)["MSA-1"]


@pytest.mark.parametrize("verdict", [ACCEPTED, ERROR, REJECT])
@pytest.mark.parametrize("accept", ["", "AL", "NE"])
@pytest.mark.parametrize("application", ["", "AL", "NE"])
def test_original_mode_always_answers(verdict: Verdict, accept: str, application: str) -> None:
    expected = {ACCEPTED: "AA", ERROR: "AE", REJECT: "AR"}[verdict]
    assert code(message(accept=accept, application=application), ORIGINAL, verdict) == expected


@pytest.mark.parametrize(
    ("accept", "application", "codes"),
    [
        ("", "", ("AA", "AE", "AR")),
        ("AL", "", ("CA", "CE", "CR")),
        ("AL", "NE", ("CA", "CE", "CR")),
        ("SU", "", ("CA", None, None)),
        ("ER", "AL", (None, "CE", "CR")),
        ("NE", "", (None, None, None)),
        ("NE", "AL", (None, None, None)),
        ("", "AL", (None, None, None)),
        ("??", "", ("CA", "CE", "CR")),
    ],
)
def test_enhanced_mode_asks_msh_15(accept: str, application: str, codes: tuple[str | None, ...]) -> None:
    raw = message(accept=accept, application=application)
    assert tuple(code(raw, ENHANCED, verdict) for verdict in (ACCEPTED, ERROR, REJECT)) == codes


@pytest.mark.parametrize(
    ("application", "codes"),
    [("", (None, None)), ("NE", (None, None)), ("AL", ("AA", "AE")), ("SU", ("AA", None)), ("ER", (None, "AE"))],
)
def test_after_delivery_msh_16_is_asked(application: str, codes: tuple[str | None, ...]) -> None:
    header = peek(message(accept="AL", application=application))
    found = [acknowledge_delivery(header, verdict, control_id=b"N", timestamp=b"1") for verdict in (ACCEPTED, ERROR)]
    assert tuple(raw and Message.parse(raw)["MSA-1"] for raw in found) == codes


@pytest.mark.parametrize("verdict", [ACCEPTED, ERROR, REJECT])
def test_mode_none_never_answers(verdict: Verdict) -> None:
    assert answer(message(accept="AL"), NONE, verdict) is None
    assert acknowledge(None, NONE, verdict, control_id=b"N", timestamp=b"1") is None


@pytest.mark.parametrize("kind", ["ACK", "ACK^A01", "ACK^A01^ACK", "MCF", "MCF^Q02"])
def test_acknowledgments_are_not_acknowledged_under_original_rules(kind: str) -> None:
    assert answer(message(kind=kind), ORIGINAL, ACCEPTED) is None
    assert answer(message(kind=kind), ENHANCED, ERROR) is None
    assert code(message(kind=kind, accept="AL"), ENHANCED, ACCEPTED) == "CA"
    assert code(message(kind="ACKX^A01"), ORIGINAL, ACCEPTED) == "AA"


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [
        ("2.1", "ADT^A01", "ACK"),
        ("2.2", "ADT^A01", "ACK"),
        ("2.3", "ADT^A01", "ACK"),
        ("2.3.1", "ADT^A01", "ACK^A01"),
        ("2.4", "ADT^A01", "ACK^A01^ACK"),
        ("2.5.1", "ADT^A01^ADT_A01", "ACK^A01^ACK"),
        ("2.5^USA", "ADT^A01", "ACK^A01^ACK"),
        ("2.10", "ADT^A01", "ACK^A01^ACK"),
        ("2.5.1", "ADT", "ACK"),
        ("", "ADT^A01", "ACK"),
        ("D.3", "ADT^A01", "ACK"),
    ],
)
def test_msh_9_of_an_acknowledgment(version: str, kind: str, expected: str) -> None:
    found = answer(message(version=version, kind=kind), ORIGINAL, ACCEPTED)
    assert found == f"MSH|^~\\&|RCV|RFAC|SND|SFAC|20260102||{expected}|N1|P|{version}\rMSA|AA|ID 1\r"


def test_delimiters_character_set_and_msh_10_of_the_sender() -> None:
    raw = b"MSH:*%!$#:S\xe9:F*1:R:G::s:ADT*A01:\xe9!T!*1 :T:2.4*X::::::8859/1%8859/2\rPID:1\r"
    found = acknowledge(peek(raw), ORIGINAL, ACCEPTED, control_id=b"N1", timestamp=b"1")
    assert found == (b"MSH:*%!$#:R:G:S\xe9:F*1:1::ACK*A01*ACK:N1:T:2.4*X::::::8859/1%8859/2\rMSA:AA:\xe9!T!*1 \r")


def test_err_from_v2_5() -> None:
    refusal = Refusal(RefusalKind.REQUIRED_FIELD_MISSING, ErrorLocation("PID", 1, 3, component=1))
    found = answer(message(), ORIGINAL, refusal)
    assert found == (
        "MSH|^~\\&|RCV|RFAC|SND|SFAC|20260102||ACK^A01^ACK|N1|P|2.5.1\rMSA|AE|ID 1\r"
        "ERR||PID^1^3^^1|101^Required field missing^HL70357|E||||A required field is missing\r"
    )


def test_err_before_v2_5() -> None:
    refusal = Refusal(RefusalKind.REQUIRED_FIELD_MISSING, ErrorLocation("PID", 1, 3))
    found = answer(message(version="2.4"), ORIGINAL, refusal)
    assert found is not None
    assert found.endswith("\rMSA|AE|ID 1|A required field is missing\rERR|PID^1^3^101&Required field missing&HL70357\r")


def test_err_without_a_place() -> None:
    assert (
        str(answer(message(), ORIGINAL, ERROR))
        .split("\r")[2]
        .startswith("ERR|||207^Application internal error^HL70357|E|")
    )
    assert str(answer(message(version="2.3"), ORIGINAL, ERROR)).split("\r")[2].startswith("ERR|^^^207&Application")
    odd = Refusal(RefusalKind.DATA_TYPE, ErrorLocation("a|b", 1, 2))
    assert "a|b" not in str(answer(message(), ORIGINAL, odd))


def test_err_without_a_subcomponent_separator() -> None:
    found = answer(b"MSH|^|A||||||ADT^A01|1|P|2.3\r", ORIGINAL, REJECT)
    assert found is not None
    assert found.endswith("\rERR|^^^200\r")


@pytest.mark.parametrize(
    ("kinds", "letter", "codes"),
    [
        (
            "UNSUPPORTED_MESSAGE_TYPE UNSUPPORTED_EVENT UNSUPPORTED_PROCESSING_ID UNSUPPORTED_VERSION",
            "R",
            {200, 201, 202, 203},
        ),
        (
            "UNPARSABLE UNDECODABLE SEGMENT_SEQUENCE MISCOUNTED REQUIRED_FIELD_MISSING DATA_TYPE TABLE_VALUE_NOT_FOUND",
            "E",
            {100, 101, 102, 103},
        ),
        ("TOO_LARGE BATCH STORE_UNAVAILABLE RATE_LIMIT SHUTTING_DOWN INTERNAL DELIVERY_FAILED", "E", {207}),
        ("NOT_ENDED TOO_MANY UNANSWERABLE", "E", {207}),
        ("NO_HEADER", "R", {100}),
        ("DELIVERY_REJECTED", "R", {207}),
    ],
)
def test_the_code_of_each_kind_of_refusal(kinds: str, letter: str, codes: set[int]) -> None:
    seen = set()
    for name in kinds.split():
        found = answer(message(accept="AL"), ENHANCED, Refusal(RefusalKind[name]))
        assert found is not None
        assert f"MSA|C{letter}|" in found
        seen.add(int(Message.parse(found)["ERR-3.1"] or 0))
        assert code(message(), ORIGINAL, Refusal(RefusalKind[name])) == f"A{letter}"
    assert seen == codes


def test_every_kind_is_in_the_table_and_its_sentence_needs_no_escape() -> None:
    for kind in RefusalKind:
        assert re.fullmatch(r"[A-Za-z0-9 ]+", kind.sentence)
        found = answer(message(), ORIGINAL, Refusal(kind))
        assert found is not None
        assert Message.parse(found)["ERR-3.3"] == "HL70357"
        assert Message.parse(found)["ERR-8"] == kind.sentence


@pytest.mark.parametrize("mode", [ORIGINAL, ENHANCED])
def test_without_a_readable_msh_it_is_ar(mode: AcknowledgmentMode) -> None:
    found = acknowledge(None, mode, Refusal(RefusalKind.NO_HEADER), control_id=b"N1", timestamp=b"1")
    assert found is not None
    reply = Message.parse(found)
    assert (reply["MSH-2"], reply["MSH-10"], reply["MSA-1"], reply["MSA-2"]) == ("^~\\&", "N1", "AR", "")
    assert reply["ERR-3.1"] == "100"
    assert judge(found, b"any").name == "REJECTED"


@pytest.mark.parametrize("verdict", [ACCEPTED, ERROR, REJECT])
@pytest.mark.parametrize("version", ["2.3", "2.5.1"])
def test_nothing_but_the_header_comes_back(verdict: Verdict, version: str) -> None:
    assert "SECRET" not in str(answer(message(version=version), ORIGINAL, verdict))


def test_an_acknowledgment_of_the_beginning_of_a_message() -> None:
    raw = message()[:80]
    assert code(raw, ORIGINAL, Refusal(RefusalKind.TOO_LARGE)) == "AE"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"BHS|^~\\&|A\rMSH|^~\\&|A\r", True),
        (b"\xef\xbb\xbf\r\nFHS|^~\\&|A\r", True),
        (b"MSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\r", True),
        (b"MSH|^~\\&|A\nPID|1\n\n MSH|^~\\&|B\n", True),
        (b"MSH|^~\\&|A\rPID|1\r", False),
        (b"MSH|^~\\&|A\rNTE|1||see MSH|x\r", False),
        (b"MSH|^~\\&|A\nNTE|1||text\nMSH is a segment\n", False),
        (b"BHSX", False),
        (b"", False),
    ],
)
def test_batches_are_told_from_messages(raw: bytes, expected: bool) -> None:
    assert is_batch(raw) is expected
