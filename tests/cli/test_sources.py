from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.cli.failures import WrongCall
from messagefoundry.cli.sources import as_on_the_wire, separated, sources

if TYPE_CHECKING:
    from pathlib import Path

ONE = b"MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|T|2.5.1\rPID|1||MSHX\r"
segment = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=8).map(lambda text: f"PID|1||{text}")
body = st.lists(segment, max_size=4).map(lambda lines: [f"MSH|^~\\&|A|B|C|D|2025||ADT^A01|{len(lines)}", *lines])


@given(
    st.lists(body, min_size=2, max_size=6), st.sampled_from(["\r", "\n", "\r\n"]), st.sampled_from(["", "\n", "\n\n"])
)
def test_messages_one_after_the_other_are_told_apart(messages: list[list[str]], end: str, gap: str) -> None:
    content = gap.join("".join(line + end for line in message) for message in messages).encode()
    found = [as_on_the_wire(raw) for raw in separated(content)]
    assert found == ["".join(line + "\r" for line in message).encode() for message in messages]


@given(st.lists(body, min_size=1, max_size=4))
def test_mllp_blocks_are_told_apart(messages: list[list[str]]) -> None:
    wire = ["".join(line + "\r" for line in message).encode() for message in messages]
    assert separated(b"".join(b"\x0b" + raw + b"\x1c\r" for raw in wire)) == wire


@pytest.mark.parametrize(
    "content", [ONE, b"\xef\xbb\xbf" + ONE, ONE.replace(b"\r", b"\r\n"), b'{"a": "MSH"}', b"hello\n"]
)
def test_a_single_message_is_left_as_it_is(content: bytes) -> None:
    assert separated(content) == [content]


def test_the_envelope_of_a_batch_is_left_out() -> None:
    content = b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + ONE + ONE + b"BTS|2\rFTS|1\r"
    assert separated(content) == [ONE, ONE]


@pytest.mark.parametrize("content", [b"", b" \r\n", b"\x0b\x1c\r"])
def test_nothing_is_no_message(content: bytes) -> None:
    assert separated(content) == []


def test_folders_are_searched_by_name_and_labels_say_which_message(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.hl7").write_bytes(ONE + ONE)
    (tmp_path / "a.HL7").write_bytes(ONE)
    (tmp_path / "notes.md").write_bytes(b"not a message")
    found = list(sources([tmp_path]))
    assert [each.label for each in found] == [
        f"{tmp_path}/a.HL7",
        f"{tmp_path}/b/two.hl7#1",
        f"{tmp_path}/b/two.hl7#2",
    ]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongCall, match="there is no such file or folder"):
        list(sources([tmp_path / "nowhere.hl7"]))


def test_on_the_wire_segments_end_in_cr() -> None:
    assert as_on_the_wire(b"\xef\xbb\xbf\r\nMSH|^~\\&|A\r\nPID|1\n\n") == b"MSH|^~\\&|A\rPID|1\r"
    assert as_on_the_wire(b"plain\ntext") == b"plain\ntext"
