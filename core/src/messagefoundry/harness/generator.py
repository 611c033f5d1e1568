"""The generator's single-threaded event loop: a few microseconds a message, so that it never is what is measured."""

import selectors
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic_ns, time_ns
from typing import Generic, TypeVar

from .admission import admission
from .journal import MISMATCH, Journal, Notes
from .mllp import read_acknowledgment
from .pace import UNBOUNDED, ClosedLoop, OpenLoop, Pace
from .wire import Wire

_TICK_SECONDS = 0.2

N = TypeVar("N", bound=Notes)


def fresh_prefix() -> str:
    """Return the first part of a run's control ids, ten characters; it repeats after two years."""
    return "L" + f"{time_ns() // 1_000_000:x}"[-9:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send. It ends after `seconds` or `count`, whichever comes first; with neither, after 10 seconds."""

    ports: tuple[int, ...]
    """connections are spread over them"""
    host: str = "127.0.0.1"
    connections: int = 1
    window: int = 1
    """messages without an answer that one connection may have"""
    seconds: float | None = None
    count: int | None = None
    rate: float | None = None
    """messages a second over all connections; None: as fast as answers allow. All that come due are sent, if late"""
    size: int = 0
    """pad messages to about this many bytes"""
    prefix: str = field(default_factory=fresh_prefix)
    ack_timeout: float = 30.0
    """seconds without any answer, after the end of sending, before the rest counts as unanswered"""

    @property
    def seconds_at_most(self) -> float:
        """Return the bound on sending time."""
        if self.seconds is not None:
            return self.seconds
        return 10.0 if self.count is None else UNBOUNDED / 1e9


@dataclass(slots=True)
class _Sender:
    wire: Wire
    window: int
    in_flight: deque[int] = field(default_factory=deque)
    open: bool = True

    @property
    def has_room(self) -> bool:
        return self.open and len(self.in_flight) < self.window


def pace_of(load: Load) -> Callable[[int], Pace]:
    """Return what makes the pace of a load from the moment in ns at which sending starts."""
    return partial(OpenLoop, load.rate) if load.rate else ClosedLoop


class Transmitter(Generic[N]):
    """Sends one load at a pace and writes it down; :meth:`run` may be called once.

    The selector may have other keys: the data of each takes the event mask.
    """

    def __init__(self, load: Load, journal: N, pace: Callable[[int], Pace], selector: selectors.BaseSelector) -> None:
        self._load, self._pace_from, self._selector = load, pace, selector
        self._senders: list[_Sender] = []
        self._stopped = False
        self._with_room: deque[_Sender] = deque()
        self._open = 0
        self._answers = 0
        self._late_below = 0
        self.journal = journal
        self.bytes_sent = 0
        self.late = 0
        """messages that had to wait for room when they were due"""
        self.unasked = 0
        """replies that belong to no message"""
        self.connections_lost = 0
        """closed by the peer"""

    def run(self) -> None:
        """Connect, send, await the answers, close. Raises OSError when it cannot connect."""
        try:
            self._connect()
            self.started_ns = monotonic_ns()
            self._send()
            self.journal.sending_ended_ns = monotonic_ns()
            self._await_answers()
        finally:
            for sender in self._senders:
                sender.wire.close()

    def stop(self) -> None:
        """Send no more; what has been sent is still awaited."""
        self._stopped = True

    @property
    def sending(self) -> bool:
        """Return whether there may be more to send and somebody to send it to."""
        return bool(self._open) and not self._stopped

    def _connect(self) -> None:
        for number in range(self._load.connections):
            port = self._load.ports[number % len(self._load.ports)]
            sock = socket.create_connection((self._load.host, port), timeout=10)
            self._with_room.append(self._sender(sock))

    def _sender(self, sock: socket.socket) -> _Sender:
        def on_ready(events: int) -> None:
            self._on_ready(sender, events)

        sender = _Sender(Wire(sock, self._selector, on_ready), self._load.window)
        self._senders.append(sender)
        self._open += 1
        return sender

    def _send(self) -> None:
        until = self.started_ns + int(self._load.seconds_at_most * 1e9)
        most = UNBOUNDED if self._load.count is None else self._load.count
        pace = self._pace_from(self.started_ns)
        while len(self.journal) < most and self.sending and (now := monotonic_ns()) < until:
            self._offer(min(most, pace.allowed(now)), pace)
            if len(self.journal) < most:
                now = monotonic_ns()
                self._turn(min(pace.wait_seconds(now), (until - now) / 1e9))
        if pace.timed:
            self._catch_up(min(most, pace.allowed(min(until, monotonic_ns()) - 1)), pace)

    def _offer(self, up_to: int, pace: Pace) -> None:
        """Send, on the connections that have room, until that many have been sent in all."""
        while len(self.journal) < up_to and self._with_room:
            sender = self._with_room.popleft()
            if sender.open:
                self._send_next(sender, pace)
            if sender.has_room:
                self._with_room.append(sender)
        if pace.timed:
            self.late += max(0, up_to - max(self._late_below, len(self.journal)))
            self._late_below = max(self._late_below, up_to)

    def _catch_up(self, up_to: int, pace: Pace) -> None:
        """Send what came due in time and found no room, as long as answers make room."""
        patience, last_news, before = int(self._load.ack_timeout * 1e9), monotonic_ns(), self._answers
        while len(self.journal) < up_to and self.sending and monotonic_ns() - last_news < patience:
            self._turn(_TICK_SECONDS)
            self._offer(up_to, pace)
            if self._answers != before:
                last_news, before = monotonic_ns(), self._answers

    def _send_next(self, sender: _Sender, pace: Pace) -> None:
        number = len(self.journal)
        data = admission(self.journal.control_id(number), number, self._load.size)
        sender.in_flight.append(number)
        self.bytes_sent += len(data)
        now = monotonic_ns()
        self.journal.note_sent(now, pace.due_ns(number, now))
        sender.wire.send(data)

    def _await_answers(self) -> None:
        patience = int(self._load.ack_timeout * 1e9)
        last_news = monotonic_ns()
        while self._open and self._answers < len(self.journal) and monotonic_ns() - last_news < patience:
            before = self._answers
            self._turn(_TICK_SECONDS)
            if self._answers != before:
                last_news = monotonic_ns()

    def _turn(self, wait_seconds: float) -> None:
        for key, events in self._selector.select(max(0.0, min(wait_seconds, _TICK_SECONDS))):
            key.data(events)

    def _on_ready(self, sender: _Sender, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            sender.wire.flush()
        if events & selectors.EVENT_READ:
            self._receive(sender)

    def _receive(self, sender: _Sender) -> None:
        contents = sender.wire.receive()
        if contents is None:
            self._lose(sender)
            return
        had_room, now = sender.has_room, monotonic_ns()
        for content in contents:
            self._note_answer(sender, content, now)
        if not had_room and sender.has_room:
            self._with_room.append(sender)

    def _note_answer(self, sender: _Sender, content: bytes, now_ns: int) -> None:
        if not sender.in_flight:
            self.unasked += 1
            return
        number = sender.in_flight.popleft()
        code, control_id = read_acknowledgment(content)
        matches = control_id == self.journal.control_id(number)
        self.journal.note_answer(number, now_ns, (code or "?") if matches else MISMATCH)
        self._answers += 1

    def _lose(self, sender: _Sender) -> None:
        """Give up a connection that the peer closed; what it had in flight stays unanswered."""
        sender.open = False
        sender.wire.close()
        self._open -= 1
        self.connections_lost += 1
        self._answers += len(sender.in_flight)
        sender.in_flight.clear()


class Generator(Transmitter[Journal]):
    """A transmitter by itself, which keeps a journal."""

    def __init__(self, load: Load) -> None:
        super().__init__(load, Journal(load.prefix), pace_of(load), selectors.DefaultSelector())

    def run(self) -> None:
        """Connect, send, await the answers, close. Raises OSError when it cannot connect."""
        with self._selector:
            super().run()
