"""The sink's single-threaded event loop."""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from .arrivals import Arrivals
from .mllp import acknowledge, read_header
from .wire import Wire

_TICK_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """How a sink answers, and what it demands."""

    code: str = "AA"
    delay_seconds: float = 0.0
    receiver: str | None = None
    """the MSH-5 every message must have; None: any"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """When a sink has seen enough; it always ends when stopped."""

    expect: int | None = None
    """unique messages a port must have"""
    linger: float = 0.3
    """seconds without an arrival after the expected ones, so that a late duplicate is still seen"""
    idle: float | None = None
    """seconds without an arrival after which it gives up, counted from :meth:`Sink.end` or the latest arrival"""
    at_most: float | None = None
    """seconds from :meth:`Sink.end`, whatever arrives"""


class Sink:
    """Listens from construction on; every message is counted and answered while :meth:`run` runs."""

    def __init__(
        self,
        ports: Sequence[int],
        answering: Answering | None = None,
        host: str = "127.0.0.1",
        *,
        selector: selectors.BaseSelector | None = None,
        counting: Callable[[], Arrivals] = Arrivals,
    ) -> None:
        """Bind; port 0 picks a free one. Raises OSError when a port is taken.

        Who gives a selector may serve it too: the data of every key takes the event mask. `counting` is called once a
        port, in their order.
        """
        self._answering, self._counting = answering or Answering(), counting
        self._selector = selector or selectors.DefaultSelector()
        self._due: deque[tuple[int, Wire, bytes]] = deque()
        self._ending, self._ending_since, self._stopped = Ending(), time.monotonic(), False
        self.arrivals: dict[int, Arrivals] = {}
        self._listeners = [self._listen(host, port) for port in ports]

    @property
    def ports(self) -> tuple[int, ...]:
        """Return the ports it listens on, in the order asked for."""
        return tuple(self.arrivals)

    def run(self) -> None:
        """Serve until the ending is reached or :meth:`stop`; closes every socket."""
        try:
            self.serve()
        finally:
            self.close()

    def serve(self) -> bool:
        """Serve until the ending is reached; False when it was :meth:`stop`. Sockets stay open."""
        while not self.is_over():
            self.turn()
        return not self._stopped

    def turn(self) -> None:
        """Serve what is ready, waiting at most 0.1 s for it."""
        for key, events in self._selector.select(self._patience()):
            key.data(events)
        self._answer_due()

    def begin_anew(self) -> None:
        """Forget what has arrived and the ending; connections stay."""
        self._ending = Ending()
        for arrivals in self.arrivals.values():
            arrivals.clear()

    def end(self, ending: Ending) -> None:
        """Say when to end, from any thread, before or during :meth:`run`; takes effect within 0.1 s."""
        self._ending_since = time.monotonic()
        self._ending = ending

    def stop(self) -> None:
        """End within 0.1 s; safe from any thread and from a signal handler."""
        self._stopped = True

    def _listen(self, host: str, port: int) -> socket.socket:
        listener = socket.create_server((host, port), backlog=512)
        listener.setblocking(False)
        arrivals = self.arrivals[listener.getsockname()[1]] = self._counting()
        self._selector.register(listener, selectors.EVENT_READ, partial(self._accept, listener, arrivals))
        return listener

    def _accept(self, listener: socket.socket, arrivals: Arrivals, _events: int) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:  # the peer has left again
            return

        def on_ready(events: int) -> None:
            self._serve(wire, arrivals, number, events)

        arrivals.connections += 1
        number = arrivals.connections
        wire = Wire(sock, self._selector, on_ready)

    def _serve(self, wire: Wire, arrivals: Arrivals, number: int, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            wire.flush()
        if not events & selectors.EVENT_READ:
            return
        contents = wire.receive()
        if contents is None:
            wire.close()
        elif contents:
            self._answer(wire, self._note(arrivals, number, contents))

    def _note(self, arrivals: Arrivals, number: int, contents: list[bytes]) -> bytes:
        now, answering = time.monotonic_ns(), self._answering
        replies = []
        for content in contents:
            header = read_header(content)
            arrivals.note(header, now, answering.receiver, number)
            replies.append(acknowledge(header.control_id, answering.code))
        return b"".join(replies)

    def _answer(self, wire: Wire, replies: bytes) -> None:
        if self._answering.delay_seconds:
            self._due.append((time.monotonic_ns() + int(self._answering.delay_seconds * 1e9), wire, replies))
        else:
            wire.send(replies)

    def _answer_due(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic_ns():
            _, wire, replies = self._due.popleft()
            if wire.is_open:
                wire.send(replies)

    def _patience(self) -> float:
        if not self._due:
            return _TICK_SECONDS
        return max(0.0, min(_TICK_SECONDS, (self._due[0][0] - time.monotonic_ns()) / 1e9))

    def is_over(self) -> bool:
        """Return whether the ending is reached, or :meth:`stop` was called."""
        if self._stopped:
            return True
        ending, now = self._ending, time.monotonic()
        if ending.at_most is not None and now - self._ending_since > ending.at_most:
            return True
        if ending.expect is None and ending.idle is None:
            return False
        last = max(arrivals.last_ns for arrivals in self.arrivals.values()) / 1e9
        if ending.idle is not None and now - max(last, self._ending_since) > ending.idle:
            return True
        complete = ending.expect is not None and all(a.unique >= ending.expect for a in self.arrivals.values())
        return complete and not self._due and now - last > ending.linger

    def close(self) -> None:
        """Close every socket."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
