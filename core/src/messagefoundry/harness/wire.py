"""One non-blocking MLLP connection in a selector."""

import selectors
import socket
from collections.abc import Callable

from .mllp import Frames

OnReady = Callable[[int], None]


class Wire:
    """Sends and receives without ever blocking; `on_ready` gets the selector's event mask."""

    __slots__ = ("_frames", "_on_ready", "_selector", "_sock", "_unsent")

    def __init__(self, sock: socket.socket, selector: selectors.BaseSelector, on_ready: OnReady) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock, self._selector, self._on_ready = sock, selector, on_ready
        self._frames, self._unsent = Frames(), b""
        selector.register(sock, selectors.EVENT_READ, on_ready)

    @property
    def is_open(self) -> bool:
        """Return whether :meth:`close` has not been called."""
        return self._sock.fileno() >= 0

    def send(self, data: bytes) -> None:
        """Send now what the socket takes, the rest when :meth:`flush` is called."""
        if self._unsent:
            self._unsent += data
            return
        taken = self._offer(data)
        if taken < len(data):
            self._unsent = data[taken:]
            self._watch(selectors.EVENT_READ | selectors.EVENT_WRITE)

    def flush(self) -> None:
        """Send more of what was left; call it when the socket is writable."""
        if self._unsent:
            self._unsent = self._unsent[self._offer(self._unsent) :]
            if not self._unsent:
                self._watch(selectors.EVENT_READ)

    def receive(self) -> list[bytes] | None:
        """Return the contents that have become complete, or None when the peer has closed."""
        try:
            data = self._sock.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            return None
        return self._frames.feed(data) if data else None

    def close(self) -> None:
        """Leave the selector and close the socket; harmless when repeated."""
        if self.is_open:
            self._selector.unregister(self._sock)
            self._sock.close()

    def _offer(self, data: bytes) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:  # the peer has gone: the next receive says so
            return len(data)

    def _watch(self, events: int) -> None:
        self._selector.modify(self._sock, events, self._on_ready)
