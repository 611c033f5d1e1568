"""A server that talks TLS: the wheel's is built without it, so this stands before it."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import trustme

SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
"""What a client that wants TLS says first (PostgreSQL's protocol, SSLRequest)."""


@contextmanager
def tls_front(host: str, port: int, authority: trustme.CA, name: str) -> Iterator[int]:
    """The port of a front that has a certificate of this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    class Conversation(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), socket.create_connection((host, port)) as server:
                assert self.request.recv(8) == SSL_REQUEST
                self.request.sendall(b"S")
                with context.wrap_socket(self.request, server_side=True) as client:
                    back = threading.Thread(target=_pump, args=(server, client))
                    back.start()
                    _pump(client, server)
                    back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as front:
        front.daemon_threads = True
        serving = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield front.server_address[1]
        finally:
            front.shutdown()
            serving.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
