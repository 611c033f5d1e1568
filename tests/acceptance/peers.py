"""Partners as they are, over raw sockets: a sending system that does what a test says, and a scripted receiving one."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from messagefoundry.harness.mllp import Frames, frame, read_acknowledgment, read_header

if TYPE_CHECKING:
    from types import TracebackType

Answer = tuple[str, str]
"""MSA-1 and MSA-2."""

RESET = struct.pack("ii", 1, 0)


class Line:
    """A connected socket on which frames come and go."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over `sock`; nothing on it takes longer than 10 s."""
        sock.settimeout(10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self._frames = Frames()
        self._contents: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def say(self, *pieces: bytes) -> None:
        """Send each piece in a packet of its own."""
        for piece in pieces:
            self.socket.sendall(piece)

    def content(self) -> bytes | None:
        """The content of the next frame; None when the other side sends no more."""
        while not self._contents:
            data = b""
            with suppress(ConnectionError):
                data = self.socket.recv(65536)
            if not data:
                return None
            self._contents += self._frames.feed(data)
        return self._contents.pop(0)

    def answer(self) -> Answer | None:
        """MSA-1 and MSA-2 of the next frame; None when the other side sends no more."""
        content = self.content()
        if content is None:
            return None
        acknowledgment = read_acknowledgment(content)
        return acknowledgment.code, acknowledgment.control_id

    def answers(self, count: int) -> list[Answer | None]:
        """The next `count` answers, as far as they come."""
        return [self.answer() for _ in range(count)]

    def finish(self) -> None:
        """Send no more, and go on reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break off: the other side meets a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()

    def until_left(self) -> None:
        """Read until the other side leaves."""
        with suppress(ConnectionError):
            while self.socket.recv(65536):
                pass


def sender(port: int) -> Line:
    """A sending system that has connected."""
    return Line(socket.create_connection(("127.0.0.1", port), timeout=10))


Script = Callable[[Line, "Receiver"], None]


@dataclass
class Receiver:
    """A receiving system that runs a script with each connection, in turn; the last serves all further ones."""

    scripts: tuple[Script, ...]
    port: int = 0
    connections: int = 0
    received: list[str] = field(default_factory=list)
    """MSH-10 of the messages that came whole."""
    left: threading.Event = field(default_factory=threading.Event)
    """For scripts that end a connection, and tests that wait for it."""
    _open: set[Line] = field(default_factory=set)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def take(self, line: Line) -> str | None:
        """Read a message; its MSH-10, None when the sender has left."""
        content = line.content()
        if content is None:
            return None
        control_id = read_header(content).control_id
        self.received.append(control_id)
        return control_id

    def serve(self, sock: socket.socket) -> None:
        """Run the script whose turn it is."""
        with self._counting:
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
        with Line(sock) as line, suppress(OSError):
            self._open.add(line)
            script(line, self)
        self._open.discard(line)

    def hang_up(self) -> None:
        """End every connection, as the end of a process does."""
        for line in tuple(self._open):
            with suppress(OSError):
                line.socket.shutdown(socket.SHUT_RDWR)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """The script has closed the connection, in its own way."""


@contextmanager
def receiver(*scripts: Script, port: int = 0) -> Iterator[Receiver]:
    """A receiving system for the length of a block."""
    found = Receiver(scripts)

    class Conversation(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            found.serve(self.request)

    with _Server(("127.0.0.1", port), Conversation) as server:
        found.port = server.server_address[1]
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield found
        finally:
            server.shutdown()
            serving.join()
            found.hang_up()


def ack(control_id: str, code: str = "AA") -> bytes:
    """A framed acknowledgment."""
    return frame(f"MSH|^~\\&|C|D|A|B|20260101||ACK|9|T|2.5.1\rMSA|{code}|{control_id}\r".encode())


def answer_all(line: Line, receiver: Receiver) -> None:
    """Acknowledge every message until the sender leaves."""
    while (control_id := receiver.take(line)) is not None:
        line.say(ack(control_id))
