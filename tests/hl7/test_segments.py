from __future__ import annotations

import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.hl7 import SET_ID_SEGMENTS, copy_segments, renumber
from messagefoundry.message import EditError, Message, MissingSegmentError, PathError
from tests.strategies.hl7 import notations

ADMISSION = "MSH|^~\\&|A\rPID|1\rNK1|1|ONE^ANN\rNK1|2|TWO^BEN~2B&C\rPV1|1|I\rOBX|1\rNTE|1|first\rOBX|2\rNTE|1|second"


def lines(message: Message) -> list[str]:
    return message.encode().split("\r")


@pytest.fixture
def source() -> Message:
    return Message.parse(ADMISSION)


@given(fields=st.lists(notations, max_size=6))
def test_between_messages_of_one_notation_a_segment_stays_as_it_is(fields: list[str]) -> None:
    line = "|".join(["ZPI", *fields])
    source, target = Message.parse(f"MSH|^~\\&|A\r{line}\rPV1|1"), Message.parse("MSH|^~\\&|B\rPID|1")
    before = source.encode()
    assert copy_segments(source, target, "ZPI") == 1
    assert lines(target)[-1] == lines(source)[1]
    assert source.encode() == before


@given(fields=st.lists(notations, min_size=1, max_size=4))
def test_between_notations_every_text_stays(fields: list[str]) -> None:
    source = Message.parse("MSH|^~\\&|A\r" + "|".join(["ZPI", *fields]))
    target = Message.parse("MSH$@%!*$B\rPID$1")
    copy_segments(source, target, "ZPI")
    for number in range(1, len(fields) + 1):
        for path in (f"ZPI-{number}.{component}.{part}" for component in (1, 2, 3) for part in (1, 2, 3)):
            assert (target[path] or "").replace("!", "\\") == (source[path] or ""), "an unknown escape is text"


def test_copies_go_behind_their_like_else_to_the_end(source: Message) -> None:
    target = Message.parse("MSH|^~\\&|B\rPID|1\rNK1|1|OWN\rNK1|2|OTHER\rPV1|1")
    assert copy_segments(source, target, "NK1") == 2
    assert lines(target)[2:6] == ["NK1|1|OWN", "NK1|2|OTHER", "NK1|3|ONE^ANN", "NK1|4|TWO^BEN~2B&C"]
    assert copy_segments(source, target, "OBX") == 2
    assert target.segments() == ["MSH", "PID", *["NK1"] * 4, "PV1", "OBX", "OBX"]


def test_copies_go_behind_the_last_segment_that_is_named(source: Message) -> None:
    target = Message.parse("MSH|^~\\&|B\rPID|1\rPV1|1\rNK1|9|OWN")
    copy_segments(source, target, "NK1", after="PID")
    assert lines(target)[2:] == ["NK1|1|ONE^ANN", "NK1|2|TWO^BEN~2B&C", "PV1|1", "NK1|3|OWN"]
    with pytest.raises(MissingSegmentError, match="behind OBR, and the message has no segment OBR"):
        copy_segments(source, target, "PV1", after="OBR")


def test_a_group_gives_its_own_segments_alone(source: Message) -> None:
    target = Message.parse("MSH|^~\\&|B")
    assert [copy_segments(group, target, "NTE") for group in source.groups("OBX")] == [1, 1]
    assert lines(target)[1:] == ["NTE|1|first", "NTE|2|second"]


def test_a_message_may_be_copied_into_itself(source: Message) -> None:
    assert copy_segments(source, source, "NK1", after="PID") == 2
    assert lines(source)[2:6] == ["NK1|1|ONE^ANN", "NK1|2|TWO^BEN~2B&C", "NK1|3|ONE^ANN", "NK1|4|TWO^BEN~2B&C"]
    assert copy_segments(source.groups("OBX")[0], source, "NTE") == 1
    assert source.count_segments("NTE") == 3


def test_only_a_set_id_is_a_number_to_be_written() -> None:
    source = Message.parse("MSH|^~\\&|A\rORC|NW|4711\rZPI|x\rOBX|7")
    target = Message.parse("MSH|^~\\&|B")
    for name in ("ORC", "ZPI"):
        copy_segments(source, target, name)
    copy_segments(source, target, "OBX", numbered=False)
    assert lines(target)[1:] == ["ORC|NW|4711", "ZPI|x", "OBX|7"]


def test_what_is_not_there_leaves_the_target_as_it_came(source: Message) -> None:
    target = Message.parse("MSH|^~\\&|B\rNK1|7\r")
    assert copy_segments(source, target, "GT1") == 0
    assert copy_segments(Message.parse("MSH|^~\\&|A"), target, "NK1") == 0
    assert target.encode_bytes() == b"MSH|^~\\&|B\rNK1|7\r"


@pytest.mark.parametrize("header", ["MSH", "FHS", "BHS"])
def test_a_header_stays_with_its_message(source: Message, header: str) -> None:
    with pytest.raises(ValueError, match="belongs to its message"):
        copy_segments(source, Message.parse("MSH|^~\\&|B"), header)


def test_what_the_target_cannot_write_is_refused_without_the_text(source: Message) -> None:
    with pytest.raises(EditError) as refusal:
        copy_segments(Message.parse("MSH|^~\\&|A\rNTE|1|O|SECRET$SECRET"), Message.parse("MSH$^$A"), "NTE")
    assert "SECRET" not in str(refusal.value)
    with pytest.raises(PathError):
        copy_segments(source, source, "NK")


def test_numbers_begin_again_behind_each_boundary() -> None:
    message = Message.parse("MSH|^~\\&|A\rOBX|9\rOBR|5\rOBX|9|a\rOBX\rOBR|6\rNTE|1\rOBX|9|b")
    assert renumber(message, "OBX", within="OBR") == 3
    assert renumber(message, "OBR") == 2
    assert lines(message)[1:] == ["OBX|9", "OBR|1", "OBX|1|a", "OBX|2", "OBR|2", "NTE|1", "OBX|1|b"]
    assert renumber(message, "OBX", within="ORC") == 0


@pytest.mark.parametrize("version", ["2_3", "2_4", "2_5_1", "2_6", "2_7", "2_8_2"])
def test_set_ids_are_those_of_the_standard(version: str) -> None:
    """hl7apy's tables of the standard: the first field of these segments has the data type SI."""
    segments = pytest.importorskip(f"hl7apy.v{version}.segments").SEGMENTS
    fields = importlib.import_module(f"hl7apy.v{version}.fields").FIELDS
    firsts = {name: fields.get(parts[0][0]) for name, (_, *rest) in segments.items() for parts in rest[:1] if parts}
    set_ids = {name for name, field in firsts.items() if field is not None and field[2] == "SI"}
    assert len(set_ids) > 20
    assert set_ids <= SET_ID_SEGMENTS
    if version == "2_8_2":
        assert set_ids == SET_ID_SEGMENTS
