"""Streams of framed messages, cut anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import strategies as st

from messagefoundry_mllp.framing import MLLP_FRAMING, STX_ETX_FRAMING, VT_FS_FRAMING, Framing

FRAMINGS = [
    MLLP_FRAMING,
    STX_ETX_FRAMING,
    VT_FS_FRAMING,
    Framing(b"", b"\n"),
    Framing(b"", b"\r", b"\n"),
    Framing(b"<<", b">>", b"\r\n"),
    Framing(b"\x0b", b"\x1c\r"),
]
framings = st.sampled_from(FRAMINGS)


@dataclass(frozen=True)
class Cut:
    """A stream in the chunks in which it arrives, what is framed in it, and how many bytes lie between frames."""

    framing: Framing
    chunks: list[bytes]
    contents: list[bytes]
    noise: int


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in chunks, cut at `places`; a place beyond its end is no cut."""
    edges = sorted({0, len(stream), *(place for place in places if place < len(stream))})
    return [stream[start:end] for start, end in pairwise(edges)]


cuts = st.lists(st.integers(0, 400), max_size=12)


@st.composite
def cut_streams(draw: st.DrawFn, framings: st.SearchStrategy[Framing] = framings) -> Cut:
    """Frames with noise between them; trailers may be missing."""
    framing = draw(framings)
    marks = framing.start + framing.end + framing.trailer
    plain = st.binary(max_size=40).map(lambda data: bytes(byte for byte in data if byte not in marks))
    contents = draw(st.lists(plain.filter(bool), max_size=6))
    noises = [draw(plain) if framing.start else b"" for _ in contents]
    trailers = [draw(st.sampled_from([framing.trailer, b""])) for _ in contents]
    stream = b"".join(
        noise + framing.start + content + framing.end + trailer
        for noise, content, trailer in zip(noises, contents, trailers, strict=True)
    )
    return Cut(framing, cut(stream, draw(cuts)), contents, sum(map(len, noises)))


@st.composite
def marker_streams(draw: st.DrawFn) -> tuple[Framing, bytes]:
    """Nothing but markers, halves of markers, and a letter."""
    framing = draw(framings)
    markers = [framing.start, framing.end, framing.trailer]
    pieces = st.sampled_from([piece for marker in markers for piece in (marker, marker[:1], marker[1:])] + [b"a"])
    return framing, b"".join(draw(st.lists(pieces, max_size=20)))
