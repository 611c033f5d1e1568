"""Taking batches apart: every byte of a message kept, counts held to, nothing passed over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messagefoundry.codecs.hl7v2 import HL7V2
from messagefoundry.contracts.errors import Refused
from messagefoundry.message import (
    BatchError,
    RefusalKind,
    acknowledge_batch,
    first_message,
    is_batch,
    split_batch,
)

if TYPE_CHECKING:
    from pathlib import Path

ONE = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5.1\rPID|1||7\r"
TWO = b"MSH$%~\\&$E$F$G$H$2026$$ORU%R01$2$P$2.3\nOBX$1\n"
THREE = b"MSH|^~\\&|A|B|C|D|2026||ADT^A08|3|P|2.5.1\r\nNTE|1||spaces at the end  \r\n"
BHS = b"BHS|^~\\&|S|SF|R|RF|2026||||B1\r"
FHS = b"FHS|^~\\&|FS|FF|FR|FRF|2026||||F1\r"


def members(raw: bytes) -> list[bytes]:
    return split_batch(raw).members


def refused(raw: bytes) -> BatchError:
    with pytest.raises(BatchError) as caught:
        split_batch(raw)
    return caught.value


@pytest.mark.parametrize(
    "raw",
    [
        FHS + BHS + ONE + TWO + b"BTS|2\rFTS|1\r",
        BHS + ONE + TWO + b"BTS|2|comment|3\r",
        BHS + ONE + TWO + b"BTS\r",
        BHS + ONE + TWO + b"BTS",
        BHS + ONE + TWO + b"BTS||no count\r",
        BHS + ONE + TWO,
        BHS + ONE + TWO + b"BTS| 02 ",
        FHS + ONE + TWO + b"FTS|1\r",
        FHS + ONE + TWO + b"BTS|2\rFTS|1\r",
        FHS + BHS + ONE + BHS + TWO + b"FTS|2\r",
        FHS + BHS + ONE + b"BTS|1\r" + BHS + TWO + b"BTS|1\rFTS|2\r",
        FHS + BHS + ONE + b"BTS|1\rFTS|1\r" + FHS + TWO + b"FTS|1\r",
        FHS + BHS + b"BTS|0\r" + BHS + ONE + TWO + b"BTS|2\rFTS|2\r",
        ONE + TWO,
        ONE + TWO + b"BTS|2\rFTS|1\r",
        b"\xef\xbb\xbf\r\n" + FHS + ONE + TWO,
        b"\x0b" + ONE + TWO,
        (BHS + ONE).replace(b"\r", b"\r\n\r\n \t") + b"\n" + TWO + b"\nBTS|2\n\n",
        b"BHS:-+?*:x\r" + ONE + TWO + b"BTS:2:\r",
        b"BHS:-+?*:x\r" + ONE + TWO + b"BTS|2|\r",
    ],
)
def test_what_is_missing_of_an_envelope_does_not_matter(raw: bytes) -> None:
    if b"\r\n\r\n" in raw:
        assert members(raw) == [ONE.replace(b"\r", b"\r\n\r\n \t")[: -len(b"\r\n \t")], TWO]
    else:
        assert members(raw) == [ONE, TWO]


def test_each_message_keeps_its_own_delimiters_and_line_ends() -> None:
    assert members(BHS + ONE + TWO + THREE + b"BTS|3\r") == [ONE, TWO, THREE]
    assert members(b"BHS|^~\\&\n" + THREE + b"\r\n\r\n" + ONE.rstrip() + b"  \n\n" + TWO.rstrip()) == [
        THREE,
        ONE.rstrip() + b"  \n",
        TWO.rstrip(),
    ]


@pytest.mark.parametrize(
    ("raw", "place", "detail"),
    [
        (BHS + ONE + TWO + b"BTS|3\r", "BTS-1", "BTS-1 says 3, and 2 messages came"),
        (BHS + ONE + TWO + b"BTS|1\r", "BTS-1", "BTS-1 says 1, and 2 messages came"),
        (BHS + ONE + b"BTS|1\r" + BHS + TWO + b"BTS|2\r", "BTS[2]-1", "BTS-1 says 2, and 1 message came"),
        (BHS + ONE + BHS + b"BTS|1\r", "BTS-1", "BTS-1 says 1, and 0 messages came"),
        (BHS + ONE + b"BTS|1\rBTS|1\r", "BTS[2]-1", "BTS-1 says 1, and 0 messages came"),
        (BHS + ONE + b"BTS|one\r", "BTS-1", "BTS-1 is not a number"),
        (BHS + ONE + b"BTS|1^1\r", "BTS-1", "BTS-1 is not a number"),
        (BHS + ONE + b"BTS|\xb2\r", "BTS-1", "BTS-1 is not a number"),
        (BHS + ONE + b"BTS|" + b"9" * 5000 + b"\r", "BTS-1", f"BTS-1 says {'9' * 20}, and 1 message came"),
        (FHS + BHS + ONE + b"BTS|1\rFTS|2\r", "FTS-1", "FTS-1 says 2, and 1 batch came"),
        (FHS + ONE + TWO + b"FTS|2\r", "FTS-1", "FTS-1 says 2, and 1 batch came"),
        (FHS + BHS + ONE + b"BTS|1\r" + BHS + TWO + b"FTS|0\r", "FTS-1", "FTS-1 says 0, and 2 batches came"),
        (FHS + b"FTS|1\r", "FTS-1", "FTS-1 says 1, and 0 batches came"),
    ],
)
def test_a_count_that_is_wrong_refuses_the_whole(raw: bytes, place: str, detail: str) -> None:
    error = refused(raw)
    assert (error.refusal.kind, str(error)) == (RefusalKind.MISCOUNTED, detail)
    assert error.refusal.location is not None
    assert error.refusal.location.name == place


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (BHS + b"PID|1||secret\r" + ONE, len(BHS)),
        (FHS + b"\r\nEVN\r" + BHS + ONE, len(FHS) + 2),
        (BHS + ONE + b"BTS|1\rOBX|1\r" + TWO, len(BHS + ONE) + 6),
        (BHS + ONE + b"\xef\xbb\xbfBTS|1\rFTS|1\r some text", len(BHS + ONE) + 16),
        (b"PID|1\r" + ONE + TWO, 0),
        (b"\xef\xbb\xbf\xff" + BHS + ONE, 3),
        (b"", 0),
    ],
)
def test_what_stands_in_no_message_refuses_the_whole(raw: bytes, place: int) -> None:
    """Else it would be acknowledged and go nowhere."""
    detail = f"what stands at byte {place} is in no message"
    error = refused(raw)
    assert (error.refusal.kind, str(error)) == (RefusalKind.SEGMENT_SEQUENCE, detail)


@pytest.mark.parametrize("raw", [ONE[:-9] + b"\x0b" + TWO, ONE + b"\x0b" + TWO, BHS + ONE + b"\r\x0b\r" + TWO + b"BTS"])
def test_a_message_whose_frame_was_not_ended_refuses_the_whole(raw: bytes) -> None:
    """It was cut: what there is of it must not be taken for all of it."""
    assert refused(raw).refusal.kind is RefusalKind.NOT_ENDED


@pytest.mark.parametrize(
    "raw", [BHS + b"BTS|0\r", FHS + b"FTS|0\r", FHS + BHS + b"BTS|0\rFTS|1\r", FHS + b"BTS|0\rFTS|1\r", BHS + b"BTS|00"]
)
def test_a_batch_may_say_that_it_is_empty(raw: bytes) -> None:
    """§2.10.3: where batches are due periodically, and there is nothing to send."""
    assert members(raw) == []


@pytest.mark.parametrize("raw", [BHS, FHS, BHS + b"BTS\r", FHS + BHS + b"BTS|\rFTS|1\r", b"BHS.7 is a field"])
def test_a_batch_that_is_empty_without_saying_so_was_cut(raw: bytes) -> None:
    assert refused(raw).refusal.kind is RefusalKind.NO_HEADER


def test_messages_are_never_found_inside_of_segments() -> None:
    quoted = ONE + b"NTE|1||MSH|^~\\& BHS|x BTS|5 \x0cMSH|\rZBT|1|BTS|9\rMSHX|1\rBTS9|1\r"
    assert members(BHS + quoted + b"BTS|1\r") == [quoted]


def test_a_byte_order_mark_belongs_to_what_it_stands_before() -> None:
    marked = b"\xef\xbb\xbf" + TWO
    assert members(ONE + marked) == [ONE, marked]
    assert members(BHS + ONE + b"\xef\xbb\xbfBTS|1\r") == [ONE]
    assert not split_batch(ONE + marked).utf8
    assert split_batch(b"\xef\xbb\xbf" + ONE + TWO).utf8
    assert is_batch(ONE + marked), "files that were put one after the other"


def test_a_long_run_of_blank_lines_costs_no_more_than_other_text() -> None:
    """A pattern that looks at each of them again would take hours."""
    raw = ONE + b"\r" * 1_000_000 + b"X MSH|"
    assert not is_batch(raw)
    assert first_message(raw) == -1
    assert members(BHS + ONE + b"\r" * 1_000_000 + TWO) == [ONE, TWO]


@pytest.mark.parametrize(
    ("raw", "head"),
    [
        (BHS + ONE, b"BHS|^~\\&|R|RF|S|SF|T||||ID|B1\r"),
        (FHS + ONE + TWO, b"BHS|^~\\&|FR|FRF|FS|FF|T||||ID|F1\r"),
        (FHS + BHS + ONE, b"BHS|^~\\&|R|RF|S|SF|T||||ID|B1\r"),
        (BHS + ONE + b"BTS|1\r" + BHS.replace(b"B1", b"B2") + TWO, b"BHS|^~\\&|R|RF|S|SF|T||||ID|B1\r"),
        (TWO + ONE, b"BHS$%~\\&$G$H$E$F$T$$$$ID\r"),
        (b"BHS:-+?*:x:y:\r" + ONE, b"BHS:-+?*:::x:y:T::::ID\r"),
        (b"BHS|||\r" + TWO, b"BHS$%~\\&$G$H$E$F$T$$$$ID\r"),
        (b"BHS|\r" + b"MSH|\r", b"BHS|^~\\&|||||T||||ID\r"),
        (BHS + b"BTS|0\r", b"BHS|^~\\&|R|RF|S|SF|T||||ID|B1\r"),
    ],
)
def test_the_answer_is_addressed_back_and_names_the_batch(raw: bytes, head: bytes) -> None:
    answers = [b"MSH|x\rMSA|AA|1\r", b"MSH|y\rMSA|AE|2\r"]
    reply = acknowledge_batch(split_batch(raw), answers, control_id=b"ID", timestamp=b"T")
    separator = head[3:4]
    assert reply == head + b"".join(answers) + b"BTS" + separator + b"2\r"
    assert (
        acknowledge_batch(split_batch(raw), [], control_id=b"ID", timestamp=b"T") == head + b"BTS" + separator + b"0\r"
    )


def test_nothing_of_a_batch_is_in_a_repr() -> None:
    batch = split_batch(BHS + ONE + TWO)
    assert repr((batch, batch.header)) == "(<Batch of 2 messages>, <BatchHeader>)"
    assert "ADT" not in repr(HL7V2.split(BHS + ONE + TWO, encoding="utf-8"))


def test_the_batches_of_others(corpora: Path) -> None:
    """Whatever comes out, no message is lost: as many come out as a plain count finds, or the whole is refused."""
    taken = 0
    for file in sorted((corpora / "hl7v2_batch").glob("*.hl7")):
        raw = file.read_bytes()
        try:
            found = members(raw)
        except BatchError:
            continue
        taken += 1
        assert len(found) == len(re.findall(rb"(?:\A|[\r\n])[ \t]*MSH[|]", raw)), file.name
        assert all(member in raw for member in found)
    assert taken >= 25


# -- properties ----------------------------------------------------------------------------------------------------

END = st.sampled_from([b"\r", b"\n", b"\r\n"])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x0b"), max_size=12).map(str.encode)
NAMES = st.sampled_from([b"PID", b"OBX", b"ZZ1", b"NTE", b"msh", b"XMSH", b"MSHX", b"FHSB"])


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message as a sender may write it: its own delimiters and line ends, anything in its segments."""
    separator = draw(st.sampled_from([b"|", b"$", b":", b"~"]))
    end = draw(END)
    lines = [b"MSH" + separator + b"^~\\&" + draw(TEXT)]
    lines += [draw(NAMES) + separator + draw(TEXT) for _ in range(draw(st.integers(0, 4)))]
    return b"".join(line + end for line in lines)


@st.composite
def envelopes(draw: st.DrawFn) -> tuple[list[bytes], bytes]:
    """Messages, and a file of batches that holds them, with or without each header and trailer."""
    batches = draw(st.lists(st.lists(messages(), min_size=1, max_size=3), min_size=1, max_size=3))
    blank = draw(st.sampled_from([b"", b" \t\r", b" \n\n\r", b"\t\r\n"]))
    end = draw(END)
    with_headers = len(batches) > 1 or draw(st.booleans())
    raw = b"FHS|^~\\&|" + end if draw(st.booleans()) else b""
    for batch in batches:
        raw += (b"BHS|^~\\&|" + end) * with_headers
        raw += b"".join(each + blank for each in batch)
        raw += draw(st.sampled_from([b"", b"BTS" + end, b"BTS|%d" % len(batch) + end]))
    raw += draw(st.sampled_from([b"", b"FTS" + end, b"FTS|%d|x" % len(batches) + end]))
    return [each for batch in batches for each in batch], raw


@given(envelopes())
def test_what_was_put_in_comes_out(case: tuple[list[bytes], bytes]) -> None:
    given_members, raw = case
    assert members(raw) == given_members
    for member in given_members:
        assert not is_batch(member)


@given(st.lists(messages(), min_size=2, max_size=5))
def test_messages_one_after_the_other_come_apart(given_members: list[bytes]) -> None:
    raw = b"".join(given_members)
    assert is_batch(raw)
    assert members(raw) == given_members


SEGMENTS = [b"MSH|", b"MSH", b"BHS|", b"FHS|^", b"BTS", b"BTS|", b"FTS|", b"PID|1", b"|", b"^~\\&", b"0", b"1", b"2"]
BETWEEN = [b"\r", b"\n", b"\r\n", b"\x0b", b" ", b"\t", b"\xef\xbb\xbf", b"\x1c", b"\xff", b"x"]
PIECES = st.sampled_from(SEGMENTS + BETWEEN)


@given(st.lists(PIECES, max_size=30).map(b"".join))
@example(b"MSH|\rMSH|")
@example(b"BHS|\rMSH|")
def test_nothing_but_the_one_error_is_raised_and_no_byte_of_a_message_is_lost(raw: bytes) -> None:
    try:
        batch = split_batch(raw)
    except BatchError:
        return
    left = raw
    for member in batch.members:
        before, found, left = left.partition(member)
        assert found
        assert not re.search(rb"(?:\A|[\r\n])[\t ]*MSH[|]", before), "only envelope and blank lines between them"
        assert not is_batch(member)
    acknowledge_batch(batch, [], control_id=b"1", timestamp=b"2")


def verdict(message: bytes, encoding: str) -> RefusalKind | None:
    """Why a message is refused; None when it is not."""
    try:
        HL7V2.summarize(message, encoding=encoding)
    except Refused as refused:
        return refused.refusal.kind
    return None


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_every_member_is_judged_alone(raw: bytes) -> None:
    """A message is never taken for a batch again: so a batch is never a member."""
    try:
        split = HL7V2.split(raw, encoding="utf-8")
    except Refused:
        return
    verdicts = {verdict(message, split.encoding) for message in split.messages}
    assert verdicts <= {None, RefusalKind.NO_HEADER, RefusalKind.UNDECODABLE}
