"""An engine of a few lines with a fault of one's choice: MLLP in, MLLP out, and the pages that a load is counted by."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, ThreadingTCPServer

from messagefoundry.harness.mllp import Frames, acknowledge, read_header
from messagefoundry.harness.partner import deliver

Fault = Callable[[int, bytes], list[bytes]]
"""is given the number of a message, from 1, and what is delivered for it"""


@dataclass
class FaultyEngine:
    """What it has done; tests set what it says."""

    fault: Fault
    sink_port: int
    code: str = "AA"
    read: int = 0
    delivered: int = 0
    unread: int = 0
    """what it does not say it has read"""
    backlog: int = 0
    foreign: int = 0
    """another program has the port of its API"""
    lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0
    api_port: int = 0

    def take(self, content: bytes) -> bytes:
        """Deliver, then answer."""
        with self.lock:
            self.read += 1
            if self.code == "AA":
                altered = self.fault(self.read, content)
                self.delivered += 1
                assert all(reply.code == "AA" for reply in deliver(altered, self.sink_port))
        return acknowledge(read_header(content).control_id, self.code)

    def page(self, path: str) -> dict[str, object]:
        """Answer as the engine's API does."""
        if self.foreign:
            return {"status": "ok"}
        other = max(0, self.read - self.delivered - self.unread)
        pages: dict[str, dict[str, object]] = {
            "/stats": {"messages": {"PROCESSED": self.delivered, "REFUSED": other}},
            "/connections": {"connections": [{"name": "OB", "waiting": self.backlog}]},
            "/dead-letters": {"count": 0},
        }
        return pages[path.partition("?")[0]]


@contextmanager
def faulty_engine(fault: Fault, sink_port: int, **said: int | str) -> Iterator[FaultyEngine]:
    engine = FaultyEngine(fault, sink_port, **said)  # type: ignore[arg-type]

    class Mllp(BaseRequestHandler):
        def handle(self) -> None:
            frames = Frames()
            while data := self.request.recv(65536):
                for content in frames.feed(data):
                    self.request.sendall(engine.take(content))

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(engine.page(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ExitStack() as stack:
        servers = [
            stack.enter_context(ThreadingTCPServer(("127.0.0.1", 0), Mllp)),
            stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Pages)),
        ]
        engine.port, engine.api_port = (server.server_address[1] for server in servers)
        for server in servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            stack.callback(server.shutdown)
        yield engine


def honest(number: int, content: bytes) -> list[bytes]:
    return [content]


def with_another_id(content: bytes) -> bytes:
    return content.replace(read_header(content).control_id.encode(), b"SOMEBODY-ELSE")
