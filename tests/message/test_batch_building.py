"""Batches that are built, and how the replies to them are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.message import (
    Judgment,
    acknowledge_batch,
    build_batch,
    control_id_of,
    fits_batch,
    is_batch,
    judge_members,
    read_batch_reply,
    split_batch,
)
from tests.strategies.hl7 import damaged_messages, messages
from tests.strategies.replies import replies

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD = "MSH|^~\\&|R|F|S|G|1||ACK|9|P|2.5\r"
D, E, R = Judgment.DELIVERED, Judgment.RETRY, Judgment.REJECTED


def adt(control_id: str = "1", *, separator: str = "|", end: str = "\r") -> bytes:
    text = f"MSH|^~\\&|A^1|B|C|D|20260101||ADT^A01|{control_id}|P|2.5.1\rPID|1||X\r"
    return text.replace("|", separator).replace("\r", end).encode()


def batch_of(*messages: bytes) -> bytes:
    return build_batch(messages, control_id=b"77", created=b"20260102030405+0000")


# -- building --------------------------------------------------------------------------------------------------------


def test_the_batch_has_the_parties_of_its_first_message_and_the_count() -> None:
    built = batch_of(adt("1"), adt("2"))
    assert built == (b"BHS|^~\\&|A^1|B|C|D|20260102030405+0000||||77\r" + adt("1") + adt("2") + b"BTS|2\r")
    assert is_batch(built)


def test_the_delimiters_are_those_of_the_first_message_and_each_message_keeps_its_own() -> None:
    first, second = adt("1", separator="!"), adt("2")
    assert batch_of(first, second) == (b"BHS!^~\\&!A^1!B!C!D!20260102030405+0000!!!!77\r" + first + second + b"BTS!2\r")


@pytest.mark.parametrize(
    ("message", "stands_as"),
    [
        (adt(end="\n"), adt(end="\n")),
        (adt(end="\r\n"), adt(end="\r\n")),
        (adt()[:-1], adt()),
        (b"\xef\xbb\xbf\r\n" + adt(), adt()),
        (adt() + b"\r\r", adt() + b"\r\r"),
        (adt() + b"NTE|\xff\x00\xe4\r", adt() + b"NTE|\xff\x00\xe4\r"),
    ],
)
def test_a_message_stands_in_its_batch_byte_for_byte(message: bytes, stands_as: bytes) -> None:
    assert stands_as + adt("2") + b"BTS|" in batch_of(message, adt("2"))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"MSH",
        b"PID|1\r",
        adt() + adt(),
        batch_of(adt()),
        b"FHS|^~\\&\r" + batch_of(adt()),
        adt() + b"BTS|1\r",
        adt() + b"BHS|x",
        adt(end="\n") + b"FTS",
        adt() + b"\x0b",
    ],
)
def test_what_is_not_one_message_does_not_fit(payload: bytes) -> None:
    assert not fits_batch(payload)


@pytest.mark.parametrize("payload", [adt(), adt(end="\n"), adt(separator="!"), adt() + b"BTSX|1\rZBHS|1\r"])
def test_one_message_fits(payload: bytes) -> None:
    assert fits_batch(payload)


plain = st.builds(
    lambda control_id, separator, end, more: adt(control_id, separator=separator, end=end) + more,
    st.text("AB1", max_size=3),
    st.sampled_from("|!#"),
    st.sampled_from(["\r", "\n", "\r\n"]),
    st.binary(max_size=30),
)


@given(st.lists(plain | messages | damaged_messages(), min_size=1, max_size=5))
def test_what_was_put_together_comes_apart_again(given_messages: list[bytes]) -> None:
    members = [message for message in given_messages if fits_batch(message)]
    if not members:
        return
    batch = split_batch(batch_of(*members))
    assert [bytes(member).strip(b"\r\n") for member in batch.members] == [from_msh(each) for each in members]


def from_msh(message: bytes) -> bytes:
    return message[message.index(b"MSH") :].strip(b"\r\n")


# -- reading replies -------------------------------------------------------------------------------------------------


def ack(control_id: str = "", code: str = "AA", more: str = "") -> bytes:
    return f"{HEAD}MSA|{code}|{control_id}\r{more}".encode()


def meaning(reply: bytes, *members: str, verify: bool = True, **nak: str) -> list[Judgment | None]:
    ids = [member.encode() for member in members]
    found = judge_members(read_batch_reply(reply), b"77", ids, nak=nak, verify=verify)
    return [each and each.judgment for each in found]


@pytest.mark.parametrize(("code", "expected"), [("AA", D), ("CA", D), ("AE", E), ("CE", E), ("AR", R), ("CR", R)])
@pytest.mark.parametrize("named", ["77", ""])
def test_one_acknowledgment_of_the_batch_is_for_all(named: str, code: str, expected: Judgment) -> None:
    assert meaning(ack(named, code), "1", "2", "") == [expected] * 3


def test_nak_is_as_for_single_messages() -> None:
    assert meaning(ack("77", "AE"), "1", AE="dead") == [R]
    assert meaning(ack("1", "CR"), "1", "2", AR="retry") == [E, None]


EACH = ack("1") + ack("2", "AE", "ERR|||204\r") + ack("3", "AR")


@pytest.mark.parametrize(
    "reply",
    [
        EACH,
        b"BHS|^~\\&|X\r" + EACH + b"BTS|3\r",
        b"FHS|^~\\&\rBHS|^~\\&|X\r" + EACH + b"BTS|3\rFTS|1\r",
        EACH.replace(b"\r", b"\n"),
        EACH.replace(b"\r", b"\r\n"),
        b"\r\n" + EACH,
        HEAD.encode() + b"MSA|AA|1\rMSA|AE|2\rERR|||204\rMSA|AR|3\r",
        ack("3", "AR") + ack("2", "AE") + ack("1"),
    ],
)
def test_each_member_is_judged_by_its_own_acknowledgment(reply: bytes) -> None:
    assert meaning(reply, "1", "2", "3", "4") == [D, E, R, None]
    assert read_batch_reply(reply).final


def test_what_is_kept_of_a_member_is_its_own_acknowledgment_alone() -> None:
    for reply in (b"BHS|^~\\&|X\r" + EACH + b"BTS|3\r", HEAD.encode() + b"MSA|AA|1\rMSA|AE|2\rERR|||204\rMSA|AR|3\r"):
        kept = [answered.reply for answered in read_batch_reply(reply).answers]
        assert kept == [ack("1"), ack("2", "AE", "ERR|||204\r"), ack("3", "AR")]


def test_a_single_acknowledgment_of_one_member_is_not_the_last_word() -> None:
    assert meaning(ack("2"), "1", "2") == [None, D]
    assert not read_batch_reply(ack("2")).final


def test_one_for_all_stands_in_where_there_is_none_of_its_own() -> None:
    assert meaning(ack("2", "AR") + ack("77"), "1", "2", "3") == [D, R, D]


@pytest.mark.parametrize("reply", [ack("9"), ack("9") + ack("8"), ack("") + ack("9"), b"BHS|^~\\&\rBTS|0\r"])
def test_what_names_nobody_says_nothing(reply: bytes) -> None:
    assert meaning(reply, "1", "2") == [None, None]


def test_without_verification_a_single_acknowledgment_is_for_all() -> None:
    assert meaning(ack("9"), "1", "2", verify=False) == [D, D]
    assert meaning(ack("2"), "1", "2", verify=False) == [D, D]
    assert meaning(ack("2") + ack("9"), "1", "2", verify=False) == [None, D]
    assert meaning(ack("9") + ack("8"), "1", "2", verify=False) == [None, None]


def test_members_of_one_control_id_are_answered_one_by_one() -> None:
    assert meaning(ack("1"), "1", "1") == [D, None]
    assert meaning(ack("1") + ack("1", "AE"), "1", "1") == [D, E]
    assert meaning(ack("1") + ack("1", "AE"), "1") == [D]


def test_a_control_id_may_be_cut_to_20_characters() -> None:
    first, second = "A" * 20 + "1", "é" * 20 + "2"
    assert meaning(ack("é" * 20) + ack("A" * 20, "AR"), first, second, "3") == [R, D, None]
    assert meaning(ack(first) + ack("A" * 20, "AR"), first, "3") == [D, None]


@pytest.mark.parametrize("reply", [b"", b"OK", b"MSA|AA|1\r", HEAD.encode(), ack("1", "XX"), b"MSH\r\n", b"MSH\x01^~"])
def test_what_holds_no_acknowledgment_has_no_answers(reply: bytes) -> None:
    assert read_batch_reply(reply).answers == ()


def test_what_this_engine_answers_to_a_batch_settles_each_of_its_members() -> None:
    batch = split_batch(batch_of(adt("1"), adt("2"), adt("3")))
    acknowledgments = [ack("1"), ack("2", "AE"), ack("3", "AR")]
    reply = acknowledge_batch(batch, acknowledgments, control_id=b"5", timestamp=b"20260102")
    assert meaning(reply, "1", "2", "3") == [D, E, R]


def test_no_reply_is_in_a_repr() -> None:
    read = read_batch_reply(ack("1", "AE", "ERR|SECRET\r"))
    assert "SECRET" not in repr((read, judge_members(read, b"77", [b"1"])))


def test_a_reply_of_many_lines_is_read_in_proportion_to_its_length() -> None:
    """A quadratic reading of this takes minutes."""
    assert len(read_batch_reply(b"\n" * 500_000 + ack("1")).answers) == 1
    long = HEAD.encode().replace(b"9", b"9" * 200_000)
    assert len(read_batch_reply(long + b"MSA|AA|1\r" * 20_000).answers) == 1


@given(st.lists(replies, max_size=4).map(b"".join), st.lists(st.sampled_from([b"1", b"2", b"", b"A" * 25]), max_size=4))
def test_any_reply_says_one_thing_of_each_member_at_most(reply: bytes, members: Sequence[bytes]) -> None:
    read = read_batch_reply(reply)
    found = judge_members(read, b"77", members)
    assert len(found) == len(members)
    for judged in filter(None, found):
        assert judged.judgment in (D, E, R)
        assert judged.answered in read.answers
        assert judged.answered.reply.startswith(b"MSH")


@given(st.permutations(range(6)), st.lists(st.sampled_from(["AA", "AE", "AR"]), min_size=6, max_size=6), st.booleans())
def test_the_order_of_acknowledgments_does_not_matter(order: list[int], codes: list[str], enveloped: bool) -> None:
    acknowledgments = b"".join(ack(f"M{number}", codes[number]) for number in order)
    reply = b"BHS|^~\\&\r" + acknowledgments + b"BTS|6\r" if enveloped else acknowledgments
    expected: dict[str, Judgment] = {"AA": D, "AE": E, "AR": R}
    assert meaning(reply, *(f"M{number}" for number in range(6))) == [expected[code] for code in codes]


def test_the_control_ids_of_a_batch_are_those_of_its_members() -> None:
    batch = split_batch(batch_of(adt("1"), adt("2")))
    assert [control_id_of(bytes(member)) for member in batch.members] == [b"1", b"2"]
