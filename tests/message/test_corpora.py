"""Messages that nobody here wrote."""

import json
import re
from pathlib import Path

import pytest

from messagefoundry.message import Message, MessageError, is_batch
from messagefoundry.message.fieldtext import FieldText

PATHS = [
    f"{name}-{field}{part}"
    for name in ("MSH", "PID", "OBX", "PV1", "NTE", "OBR")
    for field in range(1, 20)
    for part in ("", ".1", ".2", ".4.2")
]


def files(folder: Path) -> list[Path]:
    """All of them, of which there must be some."""
    found = sorted(folder.glob("*.hl7"))
    assert found
    return found


def notation(value: str | None) -> str:
    """A value with its escapes and without empty components at its end, as the truth has it."""
    raw = value._notation if isinstance(value, FieldText) else value or ""
    return raw.rstrip("^&")


def untouched(raw: bytes) -> None:
    """Assert that reading and writing every path leaves the message alone, and that an edit only normalises it."""
    message = Message.parse(raw)
    for path in PATHS:
        for occurrence in (1, 2):
            message.set(path, message.field(path, occurrence=occurrence), occurrence=occurrence)
    assert message.encode_bytes() == raw
    message.add_segment("ZQX")
    message.delete_segments("ZQX")
    expected = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    assert message.encode_bytes() == expected


def refusal(raw: bytes) -> str | None:
    """What is said when `raw` is no message."""
    try:
        Message.parse(raw)
    except MessageError as problem:
        return str(problem)
    return None


def test_values_agree_with_two_other_parsers(corpora: Path) -> None:
    for line in (corpora / "truth" / "hl7v2.jsonl").read_text("utf-8").splitlines():
        truth = json.loads(line)
        message = Message.parse((corpora / "hl7v2" / truth["file"]).read_bytes())
        agreed = truth["agreed"]
        if agreed:
            assert message.segments() == agreed.pop("segments"), truth["file"]
            assert len(message.segments()) == agreed.pop("segment_count")
        for path, value in agreed.items():
            assert notation(message[path]) == (value or ""), (truth["file"], path)


@pytest.mark.parametrize("folder", ["hl7v2", "hl7v2_raw"])
def test_every_message_comes_back_byte_for_byte(corpora: Path, folder: str) -> None:
    for file in files(corpora / folder):
        untouched(file.read_bytes())


def test_batches_are_recognised_and_messages_are_not_batches(corpora: Path) -> None:
    assert all(is_batch(file.read_bytes()) for file in files(corpora / "hl7v2_batch"))
    assert not any(is_batch(file.read_bytes()) for folder in ("hl7v2", "hl7v2_raw") for file in files(corpora / folder))


def test_members_of_batches_are_read(corpora: Path) -> None:
    for file in files(corpora / "hl7v2_batch"):
        text = file.read_text("utf-8").replace("\n", "\r")
        for member in text.split("\rMSH|^~")[1:]:
            untouched(f"MSH|^~{member}".split("\rBTS")[0].encode())


def test_bad_messages_are_read_or_refused_without_their_content(corpora: Path) -> None:
    refused = 0
    for file in files(corpora / "bad" / "hl7v2"):
        raw = file.read_bytes()
        problem = refusal(raw)
        if problem is None:
            untouched(raw)
        else:
            refused += 1
            words = [word for word in re.split(r"[|^\s]+", raw.decode("latin-1")) if len(word) > 5]
            assert not [word for word in words if word in problem]
    assert 10 <= refused <= 20
