"""What differs between two messages."""

import pytest

from messagefoundry.message import FieldChange, Message, diff

BEFORE = "MSH|^~\\&|A\rPID|1||a^b\rOBX|1|x\rOBX|2|y\rNTE|1\r"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (BEFORE, []),
        (BEFORE.replace("\r", "\n"), []),
        (BEFORE.replace("a^b", "a^c"), [("PID-3", "a^b", "a^c")]),
        (BEFORE.replace("|a^b", ""), [("PID-3", "a^b", "")]),
        (BEFORE.replace("|A", "|A||\\T\\"), [("MSH-5", "", "&")]),
        (BEFORE.replace("2|y", "2|z"), [("OBX[2]-2", "y", "z")]),
        (BEFORE.replace("OBX|2|y\r", ""), [("OBX[2]-1", "2", None), ("OBX[2]-2", "y", None)]),
        (BEFORE + "ZZZ||v\r", [("ZZZ-1", None, ""), ("ZZZ-2", None, "v")]),
        (BEFORE + "ZZZ\r", [("ZZZ-1", None, "")]),
        (BEFORE.replace("|", "$"), [("MSH-1", "|", "$")]),
        ("MSH|^~\\&|A\rPID|1||a^b\rNTE|1\rOBX|1|x\rOBX|2|y\r", [("segment order", None, None)]),
    ],
)
def test_fields_that_differ(after: str, expected: list[tuple[str, str | None, str | None]]) -> None:
    assert [tuple(change) for change in diff(Message.parse(BEFORE), Message.parse(after))] == expected


def test_neither_message_is_changed() -> None:
    before, after = Message.parse(BEFORE), Message.parse(BEFORE.replace("|", "$"))
    diff(before, after)
    assert not before.edited
    assert not after.edited


def test_values_are_for_those_who_ask() -> None:
    change = FieldChange("PID-5", "SECRET", "OTHER")
    assert repr(change) == str(change) == "<FieldChange PID-5>"
    assert change.before == "SECRET"
