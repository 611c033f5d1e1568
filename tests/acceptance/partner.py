"""Receiving systems: one that answers AA, counts and remembers the order; one that answers what it is told to."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from messagefoundry.harness.arrivals import Arrivals
from messagefoundry.harness.mllp import Frames, frame
from messagefoundry.harness.receiver import Answering, Sink

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
    """A partner that answers each message with `reply(content)`, None for silence; gives its port."""

    class Conversation(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            frames = Frames()
            while data := self._read():
                for content in frames.feed(data):
                    answer = reply(content)
                    if answer is not None:
                        self.request.sendall(frame(answer))

        def _read(self) -> bytes:
            try:
                data: bytes = self.request.recv(65536)
            except OSError:
                return b""
            return data

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            serving.join()


def exchange(port: int, contents: list[bytes], *, within: float = 20) -> list[bytes]:
    """Send each content on one connection and await its answer; the answers, fewer when the engine closes."""
    answers: list[bytes] = []
    with socket.create_connection(("127.0.0.1", port), timeout=within) as sock:
        frames = Frames()
        for content in contents:
            sock.sendall(frame(content))
            while not (found := frames.feed(data)) if (data := sock.recv(65536)) else False:
                pass
            if not data:
                break
            answers += found
    return answers
