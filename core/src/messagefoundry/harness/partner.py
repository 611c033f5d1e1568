"""A sending partner for demonstrations: one connection, one message at a time."""

import socket
from collections.abc import Iterable, Iterator

from .mllp import Acknowledgment, Frames, frame, read_acknowledgment


def deliver(
    messages: Iterable[bytes], port: int, host: str = "127.0.0.1", timeout: float = 30.0
) -> Iterator[Acknowledgment]:
    """Send each message and yield its answer before the next is sent; `timeout` is in seconds, for every step.

    Raises ConnectionError when the peer closes instead of answering, TimeoutError and OSError otherwise. The connection
    is closed when the iterator ends or is closed.
    """
    with socket.create_connection((host, port), timeout=timeout) as sock:
        frames = Frames()
        for message in messages:
            sock.sendall(frame(message))
            yield read_acknowledgment(_answer(sock, frames))


def _answer(sock: socket.socket, frames: Frames) -> bytes:
    while data := sock.recv(65536):
        if contents := frames.feed(data):
            return contents[0]
    raise ConnectionError("the peer closed the connection instead of answering")
