from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from messagefoundry.comparing import (
    NOTHING,
    BytesDiffer,
    FieldChange,
    Ignoring,
    Pattern,
    SegmentAdded,
    SegmentRemoved,
    SpellingDiffers,
    compare_messages,
    compare_payloads,
)
from messagefoundry.message import Message, MessageError
from tests.comparing.applying import applied, segments
from tests.strategies.hl7 import anything, lines, messages

MSH = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1\r"


def changes(before: str, after: str, *ignored: str) -> list[tuple[str, str]]:
    """Path and kind of every change."""
    ignoring = Ignoring([Pattern.of(each) for each in ignored])
    found = compare_payloads((MSH + before).encode(), (MSH + after).encode(), ignoring=ignoring)
    return [(change.path, change.kind("OB").what) for change in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("PID|1||7\r", "PID|1||8\r", [("PID-3", "changed")]),
        ("PID|1||7||DOE^JO\r", "PID|1||7||ROE^JO\r", [("PID-5.1", "changed")]),
        ("PID|1||7||DOE\r", "PID|1||7||DOE^JO\r", [("PID-5.2", "filled in")]),
        ("PID|1||7||DOE^JO\r", "PID|1||7||DOE\r", [("PID-5.2", "emptied")]),
        ("PID|1||7||DOE^JO\r", "PID|1||7\r", [("PID-4", "has other delimiters at an end"), ("PID-5", "emptied")]),
        ("PID|1||7~8^^^X\r", "PID|1||7~8^^^Y\r", [("PID-3[2].4", "changed")]),
        ("PID|1||7\r", "PID|1||7~8^X\r", [("PID-3[2]", "filled in")]),
        ("PID|1||A&B^C\r", "PID|1||A&Z^C\r", [("PID-3.1.2", "changed")]),
        ("PID|1||7|\r", "PID|1||7\r", [("PID-4", "has other delimiters at an end")]),
        ("PID|1||7\r", "PID|1||7\rZPI|1\r", [("ZPI", "segment added")]),
        ("OBX|1||A\rOBX|2||B\rOBX|3||C\r", "OBX|1||A\rOBX|2||B\rOBX|3||Z\r", [("OBX[3]-3", "changed")]),
        ("PID|1||\\T\\7\r", "PID|1||\\S\\7\r", [("PID-3", "changed")]),
        ("PID|1\r", "PID|1\n", [("", "same fields in other bytes (line ends, character set, byte order mark)")]),
        ("PID|1\rDOE JO\r", "PID|1\rROE JO\r", [("(unnamed segment)", "changed")]),
    ],
)
def test_what_is_said_of_a_change(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert changes(before, after) == expected


def test_segments_that_moved_up_are_told_apart_from_the_one_that_went() -> None:
    before = "OBX|1||A\rOBX|2||B\rOBX|3||C\rOBX|4||D\r"
    assert changes(before, "OBX|1||A\rOBX|2||C\rOBX|3||D\r") == [
        ("OBX[2]", "segment removed"),
        ("OBX[3]-1", "changed"),
        ("OBX[4]-1", "changed"),
    ]


def test_segments_keep_to_their_group() -> None:
    notes = "NTE|1||n\rNTE|1||n\r"
    found = changes(f"OBR|1||X\r{notes}OBR|2||Y\r{notes}", f"OBR|1||X\rOBR|2||Y\r{notes}")
    assert found == [("NTE", "segment removed"), ("NTE[2]", "segment removed")]
    changed = "OBR|1||X|c\rOBX|1||a|c\rOBX|2||b|c\rOBR|2||Y|c\rOBX|1||d|c\r"
    plain = changed.replace("|c", "")
    assert {kind for _, kind in changes(plain, changed)} == {"filled in"}
    assert len(changes(plain, changed)) == 5


def test_a_moved_segment_is_gone_in_one_place_and_new_in_the_other() -> None:
    found = changes("PV1|1\rPD1|1\rZPI|1\r", "PD1|1\rZPI|1\rPV1|1\r")
    assert found == [("PV1", "segment removed"), ("PV1", "segment added")]
    found = changes("PD1|1\rZPI|1\rPV1|1\r", "PV1|1\rPD1|1\rZPI|1\r")
    assert found == [("PV1", "segment added"), ("PV1", "segment removed")]


def test_delimiters_are_those_of_each_message() -> None:
    before = MSH + "PID|1||7||DOE^JO\r"
    after = (MSH + "PID|1||7||ROE^JO\r").replace("|", "#").replace("^", "*")
    found = compare_payloads(before.encode(), after.encode())
    assert [change.path for change in found] == ["MSH-1", "MSH-2", "PID-5.1"]


def test_character_sets_are_those_of_each_message() -> None:
    before = "MSH|^~\\&|A|B|C|D|1||ADT^A01|1|T|2.5.1||||||UNICODE UTF-8\rPID|1||é\r".encode()
    after = before.decode().replace("UNICODE UTF-8", "8859/1").encode("latin-1")
    assert [change.path for change in compare_payloads(before, after)] == ["MSH-18"]
    plain = (MSH + "PID|1||é\r").encode()
    same = compare_payloads(plain, (MSH + "PID|1||é\r").encode("latin-1"), encodings=("utf-8", "latin-1"))
    assert same == (SpellingDiffers(),)


@pytest.mark.parametrize(
    ("before", "after", "line", "byte"),
    [(b'{"a": 1}', b'{"a": 2}', 1, 7), (b"a\nb\r\nc", b"a\nb\r\nd", 3, 6), (b"", b"x", 1, 1), (b"ab", b"a", 1, 2)],
)
def test_other_content_says_where_it_parts(before: bytes, after: bytes, line: int, byte: int) -> None:
    assert compare_payloads(before, after) == (BytesDiffer(line, byte),)
    assert str(compare_payloads(before, after)[0].path) == f"line {line}, byte {byte}"


def test_no_value_is_in_a_repr() -> None:
    before = MSH + "PID|1||TESTWELL\rZPI|TESTWELL\r"
    found = compare_payloads(before.encode(), (MSH + "PID|1||SECRET\rZP2|SECRET\r").encode())
    assert {type(change) for change in found} == {FieldChange, SegmentAdded, SegmentRemoved}
    assert "SECRET" not in repr(found)
    assert "TESTWELL" not in repr(found)


# -- what is ignored -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("MSH-7", ["PID-5.1", "PID-8", "OBX-14", "OBX[2]-5", "OBX[2]-14", "ZPI"]),
        ("OBX-14", ["MSH-7", "PID-5.1", "PID-8", "OBX[2]-5", "ZPI"]),
        ("obx[2]-14", ["MSH-7", "PID-5.1", "PID-8", "OBX-14", "OBX[2]-5", "ZPI"]),
        ("OBX", ["MSH-7", "PID-5.1", "PID-8", "ZPI"]),
        ("PID-5", ["MSH-7", "PID-8", "OBX-14", "OBX[2]-5", "OBX[2]-14", "ZPI"]),
        ("PID-5.2", ["MSH-7", "PID-5.1", "PID-8", "OBX-14", "OBX[2]-5", "OBX[2]-14", "ZPI"]),
        ("PID-8.1", ["MSH-7", "PID-5.1", "OBX-14", "OBX[2]-5", "OBX[2]-14", "ZPI"]),
        ("PID-*.1", ["MSH-7", "OBX-14", "OBX[2]-5", "OBX[2]-14", "ZPI"]),
        ("Z*", ["MSH-7", "PID-5.1", "PID-8", "OBX-14", "OBX[2]-5", "OBX[2]-14"]),
        ("*-14", ["MSH-7", "PID-5.1", "PID-8", "OBX[2]-5", "ZPI"]),
        ("*", []),
    ],
)
def test_what_a_pattern_covers(pattern: str, left: list[str]) -> None:
    before = MSH + "PID|1||7||DOE^JO|||M\rOBX|1||||a|||||||||1\rOBX|2||||a|||||||||1\rZPI|1\r"
    after = before.replace("20260101", "20260102").replace("DOE", "ROE").replace("||M\r", "||F\r")
    after = after.replace("|||||1\r", "|||||2\r").replace("OBX|2||||a", "OBX|2||||b").replace("ZPI|1\r", "")
    found = compare_payloads(before.encode(), after.encode(), ignoring=Ignoring([Pattern.of(pattern)]))
    assert [change.path for change in found] == left


def test_a_part_of_a_field_is_ignored_where_the_other_side_is_empty() -> None:
    assert changes("PID|1||||DOE^JO\r", "PID|1||||^JO\r", "PID-5.1") == []
    assert changes("PID|1||||DOE^JO\r", "PID|1||||\r", "PID-5.1") == [("PID-5.2", "emptied")]
    assert changes("PID|1||7~8\r", "PID|1||\r", "PID-3[1]") == [("PID-3[2]", "emptied")]


@pytest.mark.parametrize("text", ["", "PID-", "PID-0", "PI", "PIDD-3", "PID.3", "PID-3.1.2.3", "MSH-7 MSH-10", "é"])
def test_what_is_no_pattern_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="names no place: write SEG"):
        Pattern.of(text)


# -- properties ------------------------------------------------------------------------------------------------------


@given(anything)
def test_nothing_differs_from_itself(raw: bytes) -> None:
    assert compare_payloads(raw, bytes(bytearray(raw))) == ()


@given(anything, anything)
def test_what_is_not_the_same_is_never_called_so(before: bytes, after: bytes) -> None:
    assert bool(compare_payloads(before, after)) == (before != after)


@st.composite
def edited_messages(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A message, and one with segments taken out, doubled, moved and put in."""
    before = draw(messages)
    found = before.decode().replace("\r\n", "\r").replace("\n", "\r").split("\r")
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(1, len(found)))
        new = draw(st.just([]) | st.lists(lines | st.sampled_from(found), max_size=2))
        found[at : at + draw(st.integers(0, 2))] = [line for line in new if not line.startswith("MSH")]
    return before, "\r".join(found).encode()


@given(edited_messages() | st.tuples(messages, messages))
@example((b"MSH|^~\\&|\rNTE|1|a\rNTE|2|b\r", b"MSH|^~\\&|\rNTE|1|b\rNTE|2|a\rNTE|3\r"))
def test_the_changes_make_the_other_message(pair: tuple[bytes, bytes]) -> None:
    try:
        before, after = (Message(raw) for raw in pair)
        found = compare_messages(before, after, ignoring=NOTHING)
        other = after.copy()
        other.redelimit(before.delimiters.field + before.delimiters.encoding_characters)
    except MessageError:
        assume(False)
    assert applied(before, found) == segments(other)


@given(edited_messages())
def test_to_ignore_everything_leaves_only_other_spelling(pair: tuple[bytes, bytes]) -> None:
    found = compare_payloads(*pair, ignoring=Ignoring([Pattern.of("*")]))
    assert {type(change) for change in found} <= {SpellingDiffers, BytesDiffer}


def test_size_is_no_obstacle() -> None:
    field = "A" * 5_000_000
    long = MSH + f"OBX|1|ED|||{field}B\r"
    assert [each.path for each in compare_payloads(long.encode(), long.replace("AB", "AC").encode())] == ["OBX-5"]
    many = MSH + "".join(f"NTE|{number}||same\r" for number in range(20_000))
    fewer = many.replace("NTE|7||same\r", "", 1)
    assert [each.path for each in compare_payloads(many.encode(), fewer.encode())] == ["NTE[8]"]
    other = many.replace("same", "other")
    assert len(compare_payloads(many.encode(), other.encode())) == 20_000
