"""Streams of frames, cut anywhere: every frame is received once and in its order, or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import trio
from hypothesis import example, given
from hypothesis import strategies as st

from messagefoundry.contracts import Receipt
from messagefoundry.message import Refusal, RefusalKind
from messagefoundry_mllp.conversation import Conversation, Terms
from messagefoundry_mllp.framing import MLLP_FRAMING, Framer, FrameTooLarge, Framing
from tests.fuzz.counting import calls
from tests.strategies.streams import Cut, cut, cut_streams, cuts, framings, marker_streams

LIMIT = 1000


@dataclass
class Read:
    """What a framer made of a stream."""

    frames: list[bytes] = field(default_factory=list)
    noise: int = 0
    begun: bool = False
    oversize: bytes | None = None


def read(framing: Framing, chunks: list[bytes], limit: int = LIMIT) -> Read:
    framer, found = Framer(framing, limit), Read()
    try:
        for chunk in chunks:
            framer.receive(chunk)
            while (frame := framer.next_frame()) is not None:
                found.frames.append(frame)
    except FrameTooLarge as refusal:
        found.oversize = refusal.head
    found.noise, found.begun = framer.noise, framer.begun
    return found


@given(case=cut_streams())
def test_any_cut_gives_the_same_frames_and_counts_the_same_noise(case: Cut) -> None:
    found = read(case.framing, case.chunks)
    assert (found.frames, found.noise) == (case.contents, case.noise)


@given(case=marker_streams())
def test_markers_cut_anywhere_are_read_as_if_they_came_at_once(case: tuple[Framing, bytes]) -> None:
    framing, stream = case
    single = [stream[place : place + 1] for place in range(len(stream))]
    assert read(framing, [stream]).frames == read(framing, single).frames


@given(framing=framings, stream=st.binary(max_size=200), places=cuts, limit=st.integers(1, 40))
def test_any_bytes_are_read_the_same_however_they_are_cut(
    framing: Framing, stream: bytes, places: list[int], limit: int
) -> None:
    whole, pieces = read(framing, [stream] if stream else [], limit), read(framing, cut(stream, places), limit)
    assert pieces.frames == whole.frames
    assert pieces.oversize == whole.oversize
    assert (pieces.begun, pieces.noise) == (whole.begun, whole.noise) or framing.trailer


@given(framing=framings, contents=st.lists(st.binary(max_size=30), max_size=5), places=cuts)
def test_what_can_be_carried_is_carried(framing: Framing, contents: list[bytes], places: list[int]) -> None:
    carried = [content for content in contents if framing.carries(content + framing.end[:-1])]
    if not framing.start:
        carried = [content for content in carried if not (framing.trailer and content.startswith(framing.trailer))]
    stream = b"".join(framing.wrap(content) for content in carried)
    assert read(framing, cut(stream, places)).frames == carried


@given(pieces=st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=6), framing=framings)
def test_the_work_grows_with_the_chunks_and_not_with_their_square(pieces: list[bytes], framing: Framing) -> None:
    few, many = (calls(partial(read, framing, pieces * times, 10**9)) for times in (10, 100))
    assert many <= 10 * few + 50


@dataclass
class Chunks:
    """A wire that gives the chunks of a stream, then its end; what is written is kept."""

    chunks: list[bytes]
    written: list[bytes] = field(default_factory=list)
    sent: int = 0
    heard: bool = False

    async def read(self) -> bytes:
        await trio.lowlevel.checkpoint()
        return self.chunks.pop(0) if self.chunks else b""

    async def write(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.written.append(data)

    def arrived(self) -> bytes | None:
        return None

    def interrupt(self) -> None:
        raise NotImplementedError  # nobody stops the conversation from outside

    async def linger(self, seconds: float) -> None:
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        self.chunks.clear()


@dataclass
class Engine:
    """Answers each message with its number; the n-th in `closing` is answered and its connection closed."""

    closing: frozenset[int] = frozenset()
    name: str = "IB"
    bind_host: str = "127.0.0.1"
    first_opening: bool = True
    source_ip_allowlist: tuple[()] = ()
    received: list[bytes] = field(default_factory=list)
    refused: list[tuple[bytes, RefusalKind]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
        await trio.lowlevel.checkpoint()
        self.received.append(raw)
        number = len(self.received)
        return Receipt(True, number, b"%d" % number, "AA", close=number in self.closing)

    async def refuse(self, raw: bytes, refusal: Refusal, *, peer: str = "") -> Receipt:
        await trio.lowlevel.checkpoint()
        self.refused.append((raw, refusal.kind))
        return Receipt(False, 0, b"no", "AE")

    async def bookmark(self) -> str:
        await trio.lowlevel.checkpoint()
        return ""

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        self.notes.append(kind)


@given(
    stream=st.lists(st.binary(max_size=12) | st.sampled_from([b"\x0b", b"\x1c", b"\x1c\r", b"\x0bMSH|\x1c\r"])),
    places=cuts,
    closing=st.frozensets(st.integers(1, 5), max_size=1),
)
@example(stream=[b"\x0b", b"x" * 31, b"\x0ba\x1c\r"], places=[], closing=frozenset())
@example(stream=[b"\x0b", b"x" * 31], places=[], closing=frozenset({1}))
def test_a_peer_has_every_frame_received_once_and_answered_in_order_or_refused(
    stream: list[bytes], places: list[int], closing: frozenset[int]
) -> None:
    whole = b"".join(stream)
    expected = read(MLLP_FRAMING, [whole] if whole else [], 30)
    last = min(closing, default=len(expected.frames))
    closed = bool(closing) and last <= len(expected.frames)
    engine, wire = Engine(closing), Chunks(cut(whole, places))
    trio.run(Conversation(Terms(engine, MLLP_FRAMING, 30, 5.0), wire, "peer").run)
    assert engine.received == expected.frames[:last]
    answers = [MLLP_FRAMING.wrap(b"%d" % (number + 1)) for number in range(len(engine.received))]
    too_large = [] if expected.oversize is None or closed else [expected.oversize]
    assert engine.refused == [(head, RefusalKind.TOO_LARGE) for head in too_large]
    assert wire.written == answers + [MLLP_FRAMING.wrap(b"no")] * len(too_large)
    assert "peer dropped" not in engine.notes
