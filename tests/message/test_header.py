"""MSH without a Message."""

import pytest

from messagefoundry.message import HeaderError, for_log, peek

RAW = b"MSH|^~\\&|A\xe9|B|C|D|7|8|ADT^A01^ADT_A01~X|ID|P^T|2.5.1^USA|13|14|AL|NE|17|8859/1~UNICODE|19|20\rPID|1\r"


def test_every_field_of_interest() -> None:
    header = peek(RAW)
    assert header.sending_application == b"A\xe9"
    assert header.sending_facility == b"B"
    assert header.receiving_application == b"C"
    assert header.receiving_facility == b"D"
    assert header.timestamp == b"7"
    assert header.message_type == b"ADT^A01^ADT_A01~X"
    assert (header.message_code, header.trigger_event, header.component(9, 3)) == (b"ADT", b"A01", b"ADT_A01")
    assert header.control_id == b"ID"
    assert header.processing_id == b"P^T"
    assert header.version == b"2.5.1"
    assert (header.accept_acknowledgment, header.application_acknowledgment) == (b"AL", b"NE")
    assert header.character_set == b"8859/1"
    assert header.field(8) == b"8"
    assert header.delimiters.component == "^"
    assert repr(header) == str(header) == "<Header of an HL7 message>"


def test_absent_fields_are_empty() -> None:
    header = peek(b"MSH|^~\\&|A")
    assert header.sending_application == b"A"
    assert {header.field(number) for number in range(4, 19)} == {b""}
    assert header.trigger_event == header.character_set == b""


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n", b"\x0b", b" \t"])
@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b""])
def test_what_stands_around(before: bytes, end: bytes) -> None:
    assert peek(before + b"MSH|^~\\&|A|||LAST" + end).field(6) == b"LAST"


@pytest.mark.parametrize(
    "raw",
    [b"", b"MSH", b"MSH|", b"MSH|^~\\&^~|x", b"PID|1", b"\xff\xfeM\0", b"MSHx^~\\&x", b"MSH|^|~|".replace(b"^|", b"|")],
)
def test_no_readable_msh(raw: bytes) -> None:
    with pytest.raises(HeaderError):
        peek(raw)


def test_fields_in_logs() -> None:
    header = peek(RAW)
    assert header.for_log(3) == "A\ufffd"
    assert header.for_log(12) == "2.5.1^USA"
    for number in (2, 13, 18):
        with pytest.raises(ValueError, match="MSH-3"):
            header.for_log(number)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"plain", "plain"),
        ("é 山", "é 山"),
        (b"a\x1b[31m\r\n\0b", "a?[31m???b"),
        ("a\u202eb\u2028", "a?b?"),
        ("x" * 70, "x" * 63 + "…"),
        (b"x" * 1_000_000, "x" * 63 + "…"),
        ("山" * 70, "山" * 63 + "…"),
        (("山" * 70).encode(), "山" * 63 + "…"),
        ("x" * 64, "x" * 64),
    ],
)
def test_text_for_logs_is_scrubbed_and_capped(value: bytes | str, expected: str) -> None:
    assert for_log(value) == expected


def test_the_cap_is_a_choice() -> None:
    assert for_log("abcdef", limit=4) == "abc…"
