from __future__ import annotations

import pytest

from messagefoundry.message import MessageError
from messagefoundry_mllp.rewrite import rewrite


def rewritten(payload: bytes, *, characters: str | None = None, raw: bool = False) -> bytes:
    return rewrite(payload, encoding="utf-8", characters=characters, raw_separators=raw)


def test_other_delimiters_keep_structure_and_text() -> None:
    payload = b"MSH|^~\\&|A\rPID|a^b&c~d|e\\F\\f#g|\\.br\\\r"

    assert rewritten(payload, characters="#*~\\&") == b"MSH#*~\\&#A\rPID#a*b&c~d#e|f\\F\\g#\\.br\\\r"


def test_the_same_delimiters_keep_the_bytes() -> None:
    payload = b"MSH|^~\\&|A\r\nPID|1\n"

    assert rewritten(payload, characters="|^~\\&") == payload


@pytest.mark.parametrize(
    ("field", "written"),
    [
        (b"a\\F\\b", b"a|b"),
        (b"\\S\\\\R\\\\T\\\\E\\", b"^~&\\"),
        (b"\\E\\F\\E\\", b"\\F\\"),
        (b"\\H\\bold\\N\\ \\.br\\", b"\\H\\bold\\N\\ \\.br\\"),
    ],
)
def test_reserved_characters_can_be_written_raw(field: bytes, written: bytes) -> None:
    assert rewritten(b"MSH|^~\\&|A\rPID|" + field + b"\r", raw=True) == b"MSH|^~\\&|A\rPID|" + written + b"\r"


def test_nothing_to_write_raw_keeps_the_bytes() -> None:
    payload = b"MSH|^~\\&|A\r\nPID|\\H\\\n"

    assert rewritten(payload, raw=True) == payload


def test_the_second_byte_of_a_character_is_no_delimiter() -> None:
    text = "MSH|^~\\&|A||||||||||||||||SHIFT\rPID|表\\F\\ソ\r"
    payload = text.encode("shift_jis")

    written = rewrite(payload, encoding="shift_jis", characters="#^~\\&", raw_separators=False)

    assert written.decode("shift_jis") == text.replace("|", "#").replace("\\F\\", "|")


def test_what_is_no_hl7_cannot_be_rewritten() -> None:
    with pytest.raises(MessageError):
        rewritten(b"hello", characters="#^~\\&")
