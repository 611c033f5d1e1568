"""Cutting a byte stream into frames, and wrapping contents into them: bytes in, bytes out, no I/O.

A frame is `start content end`, followed by `trailer` (MLLP Release 1: VT, content, FS, CR). The trailer may be missing:
a frame is complete at its `end`. Bytes that stand between frames are noise: dropped, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 65_536
"""How much of an oversize frame is kept: enough for any MSH, and the same bytes however they arrived."""

NOISE_HEAD_BYTES = 4


@dataclass(frozen=True, slots=True)
class Framing:
    """What stands around a content. An empty `start` means that a frame begins at its first byte."""

    start: bytes
    end: bytes
    trailer: bytes = b""

    def wrap(self, content: bytes) -> bytes:
        """The frame that carries `content`."""
        return b"".join((self.start, content, self.end, self.trailer))

    def carries(self, content: bytes) -> bool:
        """Whether `content` can be framed: it must not hold what ends a frame."""
        return self.end not in content


MLLP_FRAMING = Framing(b"\x0b", b"\x1c", b"\r")
STX_ETX_FRAMING = Framing(b"\x02", b"\x03")
VT_FS_FRAMING = Framing(b"\x0b", b"\x1c")


class FrameTooLarge(Exception):
    """A frame exceeds the limit; `head` is its first bytes (at most 64 KiB). The stream cannot be read any further."""

    def __init__(self, head: bytes, limit: int) -> None:
        self.head = head
        super().__init__(f"a frame exceeds max_frame_bytes = {limit}")


class Framer:
    """Reads the frames of one stream. Linear in the bytes received, however they are cut.

    `noise` counts the bytes dropped so far; `noise_head` keeps the first four, from which a wrong protocol is known.
    """

    __slots__ = (
        "_buffer",
        "_end",
        "_limit",
        "_open",
        "_position",
        "_scanned",
        "_start",
        "_trailer",
        "_trailing",
        "noise",
        "noise_head",
    )

    def __init__(self, framing: Framing, limit: int) -> None:
        """Read frames whose contents have at most `limit` bytes."""
        self._start, self._end, self._trailer = framing.start, framing.end, framing.trailer
        self._limit = limit
        self._buffer: bytes | bytearray = b""
        self._position = 0  # of the content while a frame is open, else of the first byte not looked at
        self._scanned = 0  # before this no end of the open frame begins
        self._open = False
        self._trailing = False
        self.noise = 0
        self.noise_head = b""

    @property
    def begun(self) -> bool:
        """Whether `next_frame` has seen the beginning of a frame and not yet its end."""
        return self._open

    def receive(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        if self._position == len(self._buffer):
            self._buffer = data
            self._position = self._scanned = 0
        else:
            self._append(data)

    def _append(self, data: bytes) -> None:
        if isinstance(self._buffer, bytes):
            self._buffer = bytearray(self._buffer[self._position :])
        else:
            del self._buffer[: self._position]
        self._scanned = max(0, self._scanned - self._position)
        self._position = 0
        self._buffer += data

    def next_frame(self) -> bytes | None:
        """The content of the next complete frame, or None when more bytes are needed.

        Raises FrameTooLarge as soon as the open frame exceeds the limit, complete or not.
        """
        if not (self._open or self._begin()):
            return None
        found = self._buffer.find(self._end, self._scanned)
        if found < 0:
            self._scanned = max(self._position, len(self._buffer) - len(self._end) + 1)
        if (found if found >= 0 else self._scanned) - self._position > self._limit:
            raise FrameTooLarge(self._slice(self._position + min(self._limit, HEAD_BYTES)), self._limit)
        if found < 0:
            return None
        content = self._slice(found)
        self._position = found + len(self._end)
        self._open, self._trailing = False, bool(self._trailer)
        return content

    def _slice(self, end: int) -> bytes:
        buffer = self._buffer
        if isinstance(buffer, bytes):
            return buffer[self._position : end]
        return bytes(memoryview(buffer)[self._position : end])

    def _begin(self) -> bool:
        """Skip to the content of the next frame; False when its beginning has not come yet."""
        waiting = self._trailing and self._skip_trailer()
        if self._position == len(self._buffer):
            self._buffer, self._position = b"", 0  # an idle connection holds no buffer
            return False
        if waiting:
            return False
        found = self._buffer.find(self._start, self._position)
        if found < 0:
            self._drop(max(self._position, len(self._buffer) - len(self._start) + 1))
            return False
        self._drop(found)
        self._position = self._scanned = found + len(self._start)
        self._open = True
        return True

    def _skip_trailer(self) -> bool:
        """Pass over the trailer; True while what came may still become one."""
        rest = bytes(self._buffer[self._position : self._position + len(self._trailer)])
        if rest == self._trailer:
            self._position += len(rest)
        elif self._trailer.startswith(rest):
            return True
        self._trailing = False
        return False

    def _drop(self, end: int) -> None:
        if end > self._position:
            if len(self.noise_head) < NOISE_HEAD_BYTES:
                self.noise_head = (self.noise_head + self._slice(end))[:NOISE_HEAD_BYTES]
            self.noise += end - self._position
            self._position = end
