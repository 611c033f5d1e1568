"""A network between engine and database: slow, cut, or a black hole.

    python -m tests.postgres.proxy 5432 5

adds five milliseconds to every round trip to that port of this machine. It prints its own port and ends with its input.
"""

from __future__ import annotations

import heapq
import os
import selectors
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from types import TracebackType

Fate = Literal["pass", "lose requests", "lose answers"]
CHUNK = 1 << 20


@dataclass(eq=False)
class Link:
    """One connection of a client, and the one to the server that belongs to it."""

    client: socket.socket
    server: socket.socket
    fate: Fate = "pass"
    open: bool = True

    def other(self, end: socket.socket) -> socket.socket:
        return self.server if end is self.client else self.client


class Proxy:
    """Forwards TCP connections in a thread. `delay` is in seconds, one way of a round trip."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.delay = 0.0
        self._hole = False
        self._refusing = False
        self._links: list[Link] = []
        self._queue: list[tuple[float, int, Link, socket.socket, bytes]] = []
        self._counter = 0
        self._selector = selectors.SelectSelector()  # epoll counts in whole milliseconds
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._waker, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._orders: list[str] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="proxy")
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._order("stop")
        self._thread.join()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        self._refusing = True
        self._order("cut")

    def cut_once(self) -> None:
        """End all connections; new ones are made."""
        self._order("cut")

    def black_hole(self) -> None:
        """Let nothing through, and tell nobody."""
        self._hole = True

    def heal(self) -> None:
        """Let everything through again; what was swallowed is lost, and so are the connections of then."""
        if self._hole:
            self._order("cut")
        self._refusing = self._hole = False

    def lose_requests(self) -> None:
        """Swallow what the clients of now send next, and end their connections."""
        self._order("lose requests")

    def lose_answers(self) -> None:
        """Pass on what the clients of now send next, swallow the answer, and end their connections."""
        self._order("lose answers")

    def _order(self, order: str) -> None:
        done = threading.Event()
        self._orders.append(order)
        self._done = done
        self._waker.send(b"x")
        done.wait(5)

    def _run(self) -> None:
        while not self._stopping:
            pause = max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else None
            for key, _ in self._selector.select(pause):
                self._ready(key)
            while self._queue and self._queue[0][0] <= time.monotonic():
                _, _, link, end, data = heapq.heappop(self._queue)
                self._deliver(link, end, data)
        for link in list(self._links):
            self._end(link)
        self._listener.close()
        self._selector.close()
        self._waker.close()
        self._woken.close()

    def _ready(self, key: selectors.SelectorKey) -> None:
        if key.fileobj is self._listener:
            self._accept()
        elif key.fileobj is self._woken:
            self._woken.recv(1)
            self._obey(self._orders.pop(0))
            self._done.set()
        else:
            link, end = key.data
            if link.open:
                self._read(link, end)

    def _obey(self, order: str) -> None:
        if order == "stop":
            self._stopping = True
        for link in list(self._links):
            if order == "cut":
                self._end(link)
            elif order in ("lose requests", "lose answers"):
                link.fate = "lose requests" if order == "lose requests" else "lose answers"

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._refusing:
            client.close()
            return
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            client.close()
            return
        link = Link(client, server)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end, selectors.EVENT_READ, (link, end))
        self._links.append(link)

    def _read(self, link: Link, end: socket.socket) -> None:
        try:
            data = end.recv(CHUNK)
        except OSError:
            data = b""
        lost = (link.fate == "lose requests" and end is link.client) or (
            link.fate == "lose answers" and end is link.server
        )
        if lost:
            self._end(link)
        elif self._hole:
            if not data:
                self._selector.unregister(end)
        elif self.delay:
            self._counter += 1
            heapq.heappush(self._queue, (time.monotonic() + self.delay, self._counter, link, end, data))
        else:
            self._deliver(link, end, data)

    def _deliver(self, link: Link, end: socket.socket, data: bytes) -> None:
        if not link.open:
            return
        try:
            if not data:
                raise ConnectionResetError
            link.other(end).sendall(data)
        except OSError:
            self._end(link)

    def _end(self, link: Link) -> None:
        link.open = False
        for end in (link.client, link.server):
            with suppress(KeyError, ValueError):
                self._selector.unregister(end)
            end.close()
        if link in self._links:
            self._links.remove(link)


def main(port: int, added_ms: float) -> None:
    """Be a slow network until the input ends; one that waits for no processor, where the system lets it."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    with Proxy("127.0.0.1", port) as proxy:
        proxy.delay = added_ms / 2 / 1000
        print(proxy.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
