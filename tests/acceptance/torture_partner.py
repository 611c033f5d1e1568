"""A receiving system that notes every message it ever saw and what it answered, whatever its mood."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from messagefoundry.harness.mllp import Frames, acknowledge, read_header

Mood = Callable[[str, int], str]
"""MSA-1 for a control id that came so many times before; "" closes the connection without an answer."""

ACCEPTED = "AA"
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message, once. `at` is in microseconds since the epoch."""

    at: int
    control_id: str
    code: str


def agreeable(control_id: str, earlier: int) -> str:
    """Takes everything."""
    return ACCEPTED


class TorturePartner:
    """Listens at one port for as long as it is there; `leave` and `come_back` any number of times."""

    def __init__(self) -> None:
        self.mood: Mood = agreeable
        self.arrivals: list[Arrival] = []
        self.largest_batch = 0
        self._seen: Counter[str] = Counter()
        self._conversations: set[socket.socket] = set()
        self._changing = threading.Lock()
        self._server: _Server | None = None
        self._open(0)

    @property
    def port(self) -> int:
        return self._port

    def come_back(self) -> None:
        """Listen again, at the same port; nothing when it is there."""
        with self._changing:
            if self._server is None:
                self._open(self._port)

    def leave(self) -> None:
        """Close the port and every connection; nothing when it is away."""
        with self._changing:
            server, self._server = self._server, None
            if server is None:
                return
            server.shutdown()
            for conversation in list(self._conversations):
                _hang_up(conversation)
            server.server_close()

    def _open(self, port: int) -> None:
        partner = self

        class Conversation(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                partner._converse(self.request)

        self._server = server = _Server(("127.0.0.1", port), Conversation)
        self._port: int = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        self._conversations.add(connection)
        frames = Frames()
        try:
            # `leave` clears the server before it looks at the conversations: one of the two sees the other.
            while self._server is not None and (data := connection.recv(1 << 16)):
                for content in frames.feed(data):
                    answer = self._answered(content)
                    if not answer:
                        return
                    connection.sendall(answer)
        except OSError:
            return  # the engine is dead, or this partner leaves
        finally:
            self._conversations.discard(connection)

    def _answered(self, content: bytes) -> bytes:
        """The answer to a message or, one for all, to a batch; nothing to hang up."""
        if not content.startswith(b"BHS"):
            control_id = read_header(content).control_id
            code = self._judge(control_id)
            return acknowledge(control_id, code) if code else b""
        members = [read_header(b"MSH" + member).control_id for member in content.split(b"\rMSH")[1:]]
        self.largest_batch = max(self.largest_batch, len(members))
        codes = {self._judge(control_id) for control_id in members}
        batch_id = content.split(b"\r")[0].split(b"|")[10].decode()
        return acknowledge(batch_id, codes.pop()) if len(codes) == 1 and codes != {""} else b""

    def _judge(self, control_id: str) -> str:
        code = self.mood(control_id, self._seen[control_id])
        self._seen[control_id] += 1
        self.arrivals.append(Arrival(time.time_ns() // 1000, control_id, code))
        return code


class _Server(socketserver.ThreadingTCPServer):
    """Joins its conversations when it is closed, so that all that came is noted then."""

    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself
