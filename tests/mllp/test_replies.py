from __future__ import annotations

import pytest

from messagefoundry.contracts import PartnerFault, Unreachable
from messagefoundry_mllp.replies import Acknowledgments, Answer, AnyReply

from .world import Engine, ack, adt


def acknowledgments(nak: dict[str, str] | None = None, *, verify: bool = True) -> tuple[Acknowledgments, Engine]:
    engine = Engine()
    replies = Acknowledgments(nak or {}, verify=verify, note=engine.note)
    replies.expect(1, adt("1"))
    return replies, engine


@pytest.mark.parametrize("code", ["AA", "CA"])
def test_an_acceptance_delivers(code: str) -> None:
    replies, _ = acknowledgments()

    assert replies.take(ack("1", code)) == Answer(ack("1", code), code, "1")


@pytest.mark.parametrize(
    ("nak", "code", "permanent"),
    [
        ({}, "AE", False),
        ({}, "CE", False),
        ({}, "AR", True),
        ({}, "CR", True),
        ({"AE": "dead"}, "AE", True),
        ({"AE": "dead"}, "CE", True),
        ({"AE": "dead"}, "AR", True),
        ({"AR": "retry"}, "AR", False),
        ({"AR": "retry"}, "CR", False),
        ({"AR": "retry"}, "AE", False),
    ],
)
def test_a_refusal_does_as_the_connection_says(nak: dict[str, str], code: str, permanent: bool) -> None:
    replies, _ = acknowledgments(nak)

    answer = replies.take(ack("1", code))

    assert answer is not None
    assert (answer.msa_1, answer.permanent) == (code, permanent)
    assert code in answer.reason


ERR = b"ERR|||204^Unknown key identifier^HL70357|E||||DOE^JANE is unknown\r"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (ERR, " (204)"),
        (ERR.replace(b"\r", b"\n"), " (204)"),
        (b"ERR|||207\r", " (207)"),
        (b"SFT|X\rERR||PID^1\rERR|||101^^0357|E\r" + ERR, " (101)"),
        (b"", ""),
        (b"ERR\rERR|||\r", ""),
        (b"ERR|||DOE^JANE^HL70357\r", ""),
        (b"ERR|||0^Message accepted^HL70357\r", ""),
        (b"ERR|||204711^^HL70357\r", ""),
        (b"ERR|||204^^L\r", ""),
        (b"ERR|JANE||\xff\xfe^^\r", ""),
        (b"NTE|||204\r", ""),
    ],
)
def test_a_refusal_tells_the_code_of_its_error_and_no_text(more: bytes, told: str) -> None:
    replies, _ = acknowledgments()

    answer = replies.take(ack("1", "AE").replace(b"|1\r", b"|1|DOE^JANE is unknown\r") + more)

    assert answer is not None
    assert answer.reason == f"the partner answered AE{told}"


def test_the_code_is_found_by_the_delimiters_of_the_reply() -> None:
    replies, _ = acknowledgments()
    reply = (ack("1", "AR") + ERR).replace(b"|", b"#").replace(b"^", b"!")

    answer = replies.take(reply)

    assert answer is not None
    assert answer.reason == "the partner answered AR (204)"


def test_an_acceptance_has_no_error_code() -> None:
    replies, _ = acknowledgments()

    assert replies.take(ack("1") + ERR) == Answer(ack("1") + ERR, "AA", "1")


@pytest.mark.parametrize("reply", [b"", b"hello", ack("1", "XX"), ack("1", ""), adt("1")])
def test_what_is_no_acknowledgment_leaves_the_outcome_unknown(reply: bytes) -> None:
    replies, _ = acknowledgments()

    with pytest.raises(Unreachable) as caught:
        replies.take(reply)
    assert caught.value.outcome_unknown


def test_another_messages_reply_is_passed_over() -> None:
    replies, engine = acknowledgments()

    assert replies.take(ack("0", "AR")) is None
    assert replies.take(ack("1")) is not None
    assert engine.kinds() == ["reply discarded"]


def test_an_empty_msa_2_matches() -> None:
    replies, _ = acknowledgments()

    assert replies.take(ack("")) is not None


def test_the_first_20_characters_match() -> None:
    replies, _ = acknowledgments()
    replies.expect(1, adt("x" * 30))

    assert replies.take(ack("x" * 19)) is None
    assert replies.take(ack("x" * 20)) is not None


def test_three_mismatches_on_one_message_stop_the_lane_over_all_of_its_attempts() -> None:
    replies, _ = acknowledgments()
    for attempt in range(2):
        replies.expect(1, adt("1"))
        assert replies.take(ack(f"old{attempt}")) is None
    replies.expect(1, adt("1"))

    with pytest.raises(PartnerFault) as caught:
        replies.take(ack("old"))
    assert "old" not in str(caught.value)


def test_mismatches_count_for_each_message_of_an_unordered_lane() -> None:
    replies, _ = acknowledgments()
    for work_id in (1, 2, 1, 2):
        replies.expect(work_id, adt(str(work_id)))
        assert replies.take(ack("old")) is None
    replies.expect(2, adt("2"))

    with pytest.raises(PartnerFault):
        replies.take(ack("old"))


def test_a_match_ends_a_row_of_mismatches() -> None:
    replies, _ = acknowledgments()
    for _attempt in range(2):
        assert replies.take(ack("old")) is None
        assert replies.take(ack("old")) is None
        assert replies.take(ack("1", "AE")) is not None


def test_without_verification_any_msa_2_does() -> None:
    replies, _ = acknowledgments(verify=False)

    answer = replies.take(ack("other"))

    assert answer is not None
    assert (answer.msa_2, answer.reason) == ("other", "")


@pytest.mark.parametrize("payload", [b"no HL7", adt("")])
def test_a_message_without_control_id_takes_the_next_acknowledgment(payload: bytes) -> None:
    replies, _ = acknowledgments()
    replies.expect(2, payload)

    assert replies.take(ack("whatever")) is not None


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize(("code", "alert"), [("AA", False), ("AE", True), ("AR", True)])
def test_the_application_acknowledgment_after_ca_is_noted(code: str, alert: bool, verify: bool) -> None:
    replies, engine = acknowledgments(verify=verify)
    assert replies.take(ack("1", "CA")) is not None

    assert replies.stray(ack("1", code))
    replies.expect(2, adt("2"))
    assert replies.take(ack("1", code)) is None
    assert replies.take(ack("2")) is not None
    assert [(kind, alert) for kind, _, alert in engine.notes] == [("application acknowledgment", alert)] * 2


@pytest.mark.parametrize("reply", [ack("1"), ack("2"), b"hello", ack("")])
def test_any_other_reply_that_nobody_awaits_is_unexplained(reply: bytes) -> None:
    replies, engine = acknowledgments()
    assert replies.take(ack("1", "AA")) is not None

    assert not replies.stray(reply)
    assert engine.notes == []


def test_msa_2_is_capped_and_scrubbed_for_the_trail() -> None:
    replies, _ = acknowledgments(verify=False)

    answer = replies.take(ack("a\x07" + "b" * 200))

    assert answer is not None
    assert answer.msa_2.isprintable()
    assert len(answer.msa_2) <= 64


def test_raw_tcp_takes_any_frame_as_its_reply() -> None:
    replies = AnyReply()
    replies.expect(1, b"hello")

    assert replies.take(b"\x15") == Answer(b"\x15")
    assert not replies.stray(b"late")
