"""Receiving systems: one that answers AA, counts and remembers the order; one that answers what it is told to."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from messagefoundry.harness.mllp import Frames, frame
from messagefoundry.harness.receiver import Answering, Sink

if TYPE_CHECKING:
    from messagefoundry.harness.arrivals import Arrivals

Reply = Callable[[bytes], bytes | None]


class Partner:
    """A sink of the harness in a thread."""

    def __init__(self, port: int = 0, *, answers_after: float = 0) -> None:
        """Listen; port 0 picks a free one."""
        self._sink = Sink([port], Answering(delay_seconds=answers_after))
        self._thread = threading.Thread(target=self._sink.run)
        (self.port,) = self._sink.ports
        self._thread.start()

    @property
    def arrivals(self) -> Arrivals:
        """What has come so far; its order only once the partner has been closed."""
        return self._sink.arrivals[self.port]

    def count(self) -> int:
        """Different messages so far."""
        return len(self.arrivals.first_ns)

    def first_seen(self) -> list[str]:
        """Control ids in the order of first arrival, once the partner has been closed."""
        return list(self.arrivals.first_ns)

    def close(self) -> None:
        self._sink.stop()
        self._thread.join()


@contextmanager
def partner(port: int = 0, *, answers_after: float = 0) -> Iterator[Partner]:
    """A partner for the length of a block."""
    opened = Partner(port, answers_after=answers_after)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def answering(reply: Reply) -> Iterator[int]:
    """A partner that answers each message with `reply(content)`, or closes when that is None; gives its port."""

    class Conversation(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            frames = Frames()
            while data := _received(self.request):
                for content in frames.feed(data):
                    answer = reply(content)
                    if answer is None:
                        return
                    self.request.sendall(frame(answer))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            serving.join()


def exchange(port: int, contents: Iterable[bytes], *, within: float = 20) -> list[bytes]:
    """Send each content on one connection and await its answer; fewer answers when the engine closes before."""
    with socket.create_connection(("127.0.0.1", port), timeout=within) as sock:
        answers: list[bytes] = []
        for content in contents:
            sock.sendall(frame(content))
            answer = _answer(sock)
            if answer is None:
                break
            answers.append(answer)
    return answers


def _answer(sock: socket.socket) -> bytes | None:
    frames = Frames()
    while data := _received(sock):
        for content in frames.feed(data):
            return content
    return None


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except ConnectionError:
        return b""
