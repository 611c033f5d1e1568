"""Paths: what is read, and what is said about what is not one."""

import pytest

from messagefoundry.message import Message, Path, PathError, parse_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("PID-3", Path("PID", 3)),
        ("PID-3.1", Path("PID", 3, 1)),
        ("PID-3.4.2", Path("PID", 3, 4, 2)),
        ("ZP1-12", Path("ZP1", 12)),
    ],
)
def test_a_path_is_segment_field_component_subcomponent(path: str, expected: Path) -> None:
    assert parse_path(path) == expected
    assert str(expected) == path


@pytest.mark.parametrize(
    ("path", "mend"),
    [
        ("PID.3.1", "write 'PID-3.1'"),
        ("PID.3", "write 'PID-3'"),
        ("PID-3-1", "write 'PID-3.1'"),
        ("pid-3.1", "write 'PID-3.1'"),
        ("PID-0", "counted from 1"),
        ("PID-3.0", "counted from 1"),
        ("PID-99999", "counted from 1 to 9999"),
        ("PID-3[2].1", "repetition=..."),
        ("OBX(2)-5", "occurrence=..."),
        ("PID", "such as 'PID-3'"),
        ("PID-3.1.2.3", "such as 'PID-3'"),
        ("", "such as 'PID-3'"),
        ("PID-3 ", "such as 'PID-3'"),
    ],
)
def test_a_mistaken_path_is_told_its_mend(path: str, mend: str) -> None:
    with pytest.raises(PathError) as raised:
        parse_path(path)
    assert mend in str(raised.value)


def test_what_looks_like_content_is_not_repeated() -> None:
    with pytest.raises(PathError) as raised:
        parse_path("DOE^JOHN 19700101")
    assert "DOE" not in str(raised.value)


def test_a_path_is_text() -> None:
    message = Message.parse(b"MSH|^~\\&|A\r")
    with pytest.raises(PathError, match="not int"):
        message[3]  # type: ignore[index]


@pytest.mark.parametrize("number", [0, -1, True, "1"])
def test_occurrences_and_repetitions_count_from_one(number: int) -> None:
    message = Message.parse(b"MSH|^~\\&|A\rPID|1\r")
    with pytest.raises(PathError, match="occurrence"):
        message.field("PID-1", occurrence=number)
    with pytest.raises(PathError, match="repetition"):
        message.field("PID-1", repetition=number)
    with pytest.raises(PathError, match="repetition"):
        message.set("PID-1", "2", repetition=number)
