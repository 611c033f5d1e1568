"""A network inside the process: places that are listened at, connections that carry whole messages both ways."""

from __future__ import annotations

import errno
import math
import os
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class MemoryConnection:
    """One end of a connection. A message arrives whole or not at all."""

    def __init__(self, send: trio.MemorySendChannel[bytes], receive: trio.MemoryReceiveChannel[bytes]) -> None:
        self._send = send
        self._receive = receive

    def send(self, message: bytes) -> None:
        """Send; never waits. Raises OSError when the other end is closed."""
        try:
            self._send.send_nowait(message)
        except trio.BrokenResourceError:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE)) from None

    async def receive(self) -> bytes | None:
        """The next message; None when the other end is closed and everything it sent has been read."""
        try:
            return await self._receive.receive()
        except trio.EndOfChannel:
            return None

    def close(self) -> None:
        """Close this end; what was sent before can still be read at the other."""
        self._send.close()
        self._receive.close()


class MemoryListener:
    """A place that is listened at, until it is closed."""

    def __init__(self, network: MemoryNetwork, place: str) -> None:
        self._network = network
        self._place = place
        self._arrivals, self._waiting = trio.open_memory_channel[MemoryConnection](math.inf)

    def admit(self) -> MemoryConnection:
        """Make a connection; the end of who connects."""
        there, here = connected()
        self._arrivals.send_nowait(here)
        return there

    def __aiter__(self) -> AsyncIterator[MemoryConnection]:
        """The connections, as they come."""
        return self._waiting.__aiter__()

    def close(self) -> None:
        """Listen no more; connections that nobody has taken are closed."""
        self._network.places.pop(self._place, None)
        self._arrivals.close()
        while True:
            try:
                self._waiting.receive_nowait().close()
            except (trio.EndOfChannel, trio.WouldBlock):
                break
        self._waiting.close()


class MemoryNetwork:
    """Places by name; two networks know nothing of each other."""

    def __init__(self) -> None:
        self.places: dict[str, MemoryListener] = {}

    def listen(self, place: str) -> MemoryListener:
        """Listen at a place. Raises OSError when somebody does already."""
        if place in self.places:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self.places[place] = MemoryListener(self, place)
        return self.places[place]

    def connect(self, place: str) -> MemoryConnection:
        """Connect to a place. Raises OSError when nobody listens there."""
        if place not in self.places:
            raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        return self.places[place].admit()


def connected() -> tuple[MemoryConnection, MemoryConnection]:
    """The two ends of a new connection."""
    to_there, from_here = trio.open_memory_channel[bytes](math.inf)
    to_here, from_there = trio.open_memory_channel[bytes](math.inf)
    return MemoryConnection(to_there, from_there), MemoryConnection(to_here, from_here)
