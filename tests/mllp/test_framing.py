from __future__ import annotations

from time import process_time

import pytest

from messagefoundry_mllp.framing import (
    HEAD_BYTES,
    MLLP_FRAMING,
    Framer,
    FrameTooLarge,
    Framing,
)
from tests.strategies.streams import FRAMINGS

LIMIT = 1000


def frames_of(framing: Framing, chunks: list[bytes], limit: int = LIMIT) -> tuple[list[bytes], int]:
    framer = Framer(framing, limit)
    frames = []
    for chunk in chunks:
        framer.receive(chunk)
        while (frame := framer.next_frame()) is not None:
            frames.append(frame)
    return frames, framer.noise


@pytest.mark.parametrize("framing", FRAMINGS)
def test_what_is_wrapped_is_read(framing: Framing) -> None:
    assert frames_of(framing, [framing.wrap(b"one") + framing.wrap(b"two")]) == ([b"one", b"two"], 0)


def test_a_missing_carriage_return_after_fs_is_tolerated() -> None:
    assert frames_of(MLLP_FRAMING, [b"\x0bone\x1c\x0btwo\x1c", b"\r\x0bthree\x1c"]) == ([b"one", b"two", b"three"], 0)


def test_a_frame_is_complete_at_fs_without_waiting_for_more() -> None:
    framer = Framer(MLLP_FRAMING, LIMIT)
    framer.receive(b"\x0bone\x1c")

    assert framer.next_frame() == b"one"
    assert not framer.begun


def test_noise_between_frames_is_dropped_and_counted() -> None:
    framer = Framer(MLLP_FRAMING, LIMIT)
    framer.receive(b"\0\0GET \x0bone\x1c\r\n\0\x0btwo\x1c\r")

    assert [framer.next_frame(), framer.next_frame(), framer.next_frame()] == [b"one", b"two", None]
    assert framer.noise == 8
    assert framer.noise_head == b"\0\0GE"


def test_an_empty_frame_is_a_frame() -> None:
    assert frames_of(MLLP_FRAMING, [b"\x0b\x1c\r"]) == ([b""], 0)


def test_a_frame_has_begun_from_its_first_byte() -> None:
    framer = Framer(MLLP_FRAMING, LIMIT)
    for data, begun in ((b"noise", False), (b"\x0b", True), (b"abc", True), (b"\x1c", False)):
        framer.receive(data)
        framer.next_frame()
        assert framer.begun is begun


def test_a_frame_of_exactly_the_limit_is_read() -> None:
    assert frames_of(MLLP_FRAMING, [MLLP_FRAMING.wrap(b"x" * LIMIT)])[0] == [b"x" * LIMIT]


@pytest.mark.parametrize("end", [b"", b"\x1c\r"])
def test_an_oversize_frame_is_told_as_soon_as_it_exceeds_the_limit(end: bytes) -> None:
    framer = Framer(MLLP_FRAMING, LIMIT)
    framer.receive(b"\x0b" + b"x" * LIMIT)
    assert framer.next_frame() is None
    framer.receive(b"y" + end)

    with pytest.raises(FrameTooLarge) as caught:
        framer.next_frame()
    assert caught.value.head == b"x" * LIMIT


def read_in_chunks(framer: Framer, stream: bytes, size: int) -> None:
    for start in range(0, len(stream), size):
        framer.receive(stream[start : start + size])
        framer.next_frame()


@pytest.mark.parametrize("chunk", [1000, 70_000, 1_000_000])
def test_the_head_of_an_oversize_frame_does_not_depend_on_how_it_came(chunk: int) -> None:
    framer = Framer(MLLP_FRAMING, 10 * HEAD_BYTES)
    stream = b"\x0b" + b"x" * 11 * HEAD_BYTES

    with pytest.raises(FrameTooLarge) as caught:
        read_in_chunks(framer, stream, chunk)
    assert caught.value.head == b"x" * HEAD_BYTES


def test_a_large_frame_in_small_chunks_costs_linear_time() -> None:
    def seconds(size: int) -> float:
        framer, chunk = Framer(MLLP_FRAMING, size), b"x" * 512
        started = process_time()
        framer.receive(b"\x0b")
        for _ in range(size // len(chunk)):
            framer.receive(chunk)
            assert framer.next_frame() is None
        return process_time() - started

    small, large = (min(seconds(size) for _ in range(3)) for size in (1 << 20, 1 << 24))
    assert large < small * 16 * 6


def test_an_idle_framer_holds_no_buffer() -> None:
    framer = Framer(MLLP_FRAMING, 1 << 20)
    framer.receive(b"\x0b" + b"x" * (1 << 19))
    framer.next_frame()
    framer.receive(b"\x1c")
    framer.next_frame()
    framer.next_frame()

    assert len(framer._buffer) == 0


def test_content_that_holds_the_end_of_a_frame_cannot_be_carried() -> None:
    assert MLLP_FRAMING.carries(b"MSH|")
    assert not MLLP_FRAMING.carries(b"MSH|\x1c|")
