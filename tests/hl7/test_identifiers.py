from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.hl7 import has_value, look_up, pad, trim, unpad
from messagefoundry.message import Message

texts = st.text(max_size=12)


@given(text=texts, width=st.integers(1, 20), fill=st.characters())
def test_a_padded_identifier_ends_with_itself(text: str, width: int, fill: str) -> None:
    padded = pad(text, width, fill=fill)
    if not has_value(text):
        assert padded == text
    else:
        assert len(padded) == max(len(text), width)
        assert padded.endswith(text)
        assert unpad(padded, fill=fill) == unpad(text, fill=fill)


@pytest.mark.parametrize("absent", [None, "", '""'])
def test_what_has_no_value_stays_as_it_is(absent: str | None) -> None:
    assert pad(absent, 8) == absent
    assert unpad(absent) == absent
    assert unpad(absent, fill='"') == absent
    assert trim(absent) == absent


@pytest.mark.parametrize(("text", "bare"), [("0", "0"), ("000", "0"), ("0100", "100"), ("A01", "A01"), (" 01", " 01")])
def test_the_last_zero_stays(text: str, bare: str) -> None:
    assert unpad(text) == bare


def test_a_sign_is_a_character_like_any_other() -> None:
    assert pad("-5", 4) == "00-5"


@pytest.mark.parametrize("fill", ["", "00"])
def test_one_character_fills(fill: str) -> None:
    with pytest.raises(ValueError, match="with one character"):
        pad("1", 8, fill=fill)
    with pytest.raises(ValueError, match="with one character"):
        unpad("1", fill=fill)
    with pytest.raises(ValueError, match="at least 1"):
        pad("1", 0)


def test_what_is_read_from_a_message_can_be_written_back() -> None:
    message = Message.parse("MSH|^~\\&|A\rPID|1|| 47\\T\\11 ^^^H^MR")
    message["PID-3.1"] = pad(trim(message["PID-3.1"]), 8)
    assert message.encode().split("\r")[1] == "PID|1||00047\\T\\11^^^H^MR"


def test_a_code_that_the_table_has_not_is_the_default() -> None:
    table = MappingProxyType({"M": "1", " F": "2", "A&B": "3"})
    assert look_up(table, "M", "0") == "1"
    assert look_up(table, " M ", "0") == "1"
    assert look_up(table, " F", "0") == "2", "as it stands, before the blanks are taken off"
    assert look_up(table, "m", "0") == "0"
    assert look_up(table, "X", None) is None


def test_a_table_may_say_what_no_value_means() -> None:
    assert [look_up({}, absent, "U") for absent in (None, "", '""', "  ")] == ["U"] * 4
    assert look_up({"": "none", '""': "deleted"}, "", "U") == "none"
    assert look_up({"": "none", '""': "deleted"}, '""', "U") == "deleted"


def test_a_code_with_escapes_is_found() -> None:
    message = Message.parse("MSH|^~\\&|A\rPV1|1|A\\T\\B")
    assert look_up({"A&B": "3"}, message["PV1-2.1"], "U") == "3"
