"""What must not cost more: time that grows with the square of a size, and a slow import."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import messagefoundry.message
from messagefoundry.message import Message

SOURCES = Path(messagefoundry.message.__file__).parents[2]


def seconds(work: Callable[[], object]) -> float:
    """The best of three runs."""
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def big_field(size: int, filling: str) -> Callable[[], object]:
    """Read, write and encode one large OBX-5."""
    raw = f"MSH|^~\\&|A\rOBX|1|ED|X||{filling * (size // len(filling))}|F\r".encode()

    def work() -> object:
        message = Message.parse(raw)
        message["OBX-6"] = message["OBX-5"]
        message["OBX-5.1"] = f"{message['OBX-5']}|"
        return message.encode_bytes()

    return work


def many_segments(count: int) -> Callable[[], object]:
    """Read and write every one of many OBX, alone and in groups."""
    raw = "MSH|^~\\&|A\r" + "OBR|1\rOBX|1|ST|X||v|\rOBX|2|ST|X||v|\r" * count

    def work() -> object:
        message = Message.parse(raw)
        for number in range(1, 2 * count + 1):
            message.set("OBX-6", message.field("OBX-5", occurrence=number), occurrence=number)
        for group in message.groups("OBR"):
            group["OBX-1"] = group["OBR-1"]
        for _ in range(count):
            message.add_segment("NTE|1")
        return message.encode_bytes()

    return work


@pytest.mark.parametrize(
    ("work", "size"),
    [
        (lambda size: big_field(size, "QUJD"), 400_000),
        (lambda size: big_field(size, "\\"), 60_000),
        (lambda size: big_field(size, "\\a"), 60_000),
        (lambda size: big_field(size, "\\X"), 60_000),
        (lambda size: big_field(size, "~^&"), 60_000),
        (lambda size: big_field(size, "\\.br\\\\T\\"), 60_000),
        (many_segments, 500),
    ],
    ids=["base64", "backslashes", "openings", "hex openings", "separators", "sequences", "segments"],
)
def test_ten_times_the_size_costs_ten_times_the_time(work: Callable[[int], Callable[[], object]], size: int) -> None:
    small, large = seconds(work(size)), seconds(work(size * 10))
    assert large < 40 * small + 0.05


def test_an_edit_of_an_ordinary_message_is_quick() -> None:
    raw = ("MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5\r" + "OBX|1|ST|X||some value that is longer|||||F\r" * 20).encode()

    def work() -> None:
        for _ in range(200):
            message = Message.parse(raw)
            message["MSH-5"] = "X"
            message.copy().encode_bytes()

    assert seconds(work) / 200 < 0.001


def test_the_package_imports_only_a_little_of_the_standard_library() -> None:
    program = "import sys; import messagefoundry.message; print(*sorted(sys.modules))"
    loaded = set(subprocess.check_output([sys.executable, "-S", "-c", program], text=True, cwd=SOURCES).split())
    assert "messagefoundry.message.message" in loaded
    assert not loaded & {"json", "xml", "dataclasses", "inspect", "asyncio", "trio", "pydantic", "socket", "logging"}
