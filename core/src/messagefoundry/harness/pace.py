"""When the generator may send: as fast as answers allow, or at a rate of its own."""

from typing import Protocol

UNBOUNDED = 1 << 62


class Pace(Protocol):
    """Decides how many messages may be offered, and when each was due."""

    timed: bool
    """whether messages are due at times of their own: then all that came due are sent, if late"""

    def allowed(self, now_ns: int) -> int:
        """Return how many may have been sent by now, in all."""
        ...

    def due_ns(self, number: int, now_ns: int) -> int:
        """Return when the message of that number, counted from 0, was to be sent; `now_ns` is when it is sent."""
        ...

    def wait_seconds(self, now_ns: int) -> float:
        """Return how long until one more is allowed, in seconds."""
        ...


class ClosedLoop:
    """The window is the only limit."""

    timed = False

    def __init__(self, start_ns: int = 0) -> None:
        """A start means nothing here."""

    def allowed(self, now_ns: int) -> int:
        """Return no limit."""
        return UNBOUNDED

    def due_ns(self, number: int, now_ns: int) -> int:
        """Return now: a message is due when there is room for it."""
        return now_ns

    def wait_seconds(self, now_ns: int) -> float:
        """Return a time long enough to cost nothing: an answer wakes the generator."""
        return 0.2


class OpenLoop:
    """`rate` messages a second from `start_ns` on, whatever the receiver does.

    A message that finds no room is sent later and keeps its due time: its latency is counted from then, so that a
    receiver which stalls cannot hide the messages that it has kept from being sent.
    """

    timed = True

    def __init__(self, rate: float, start_ns: int) -> None:
        self._rate, self._start_ns = rate, start_ns

    def allowed(self, now_ns: int) -> int:
        """Return how many have come due."""
        return int((now_ns - self._start_ns) * self._rate / 1e9) + 1

    def due_ns(self, number: int, now_ns: int) -> int:
        """Return the message's place in time."""
        return self._start_ns + int(number / self._rate * 1e9)

    def wait_seconds(self, now_ns: int) -> float:
        """Return the time to the next place."""
        return max(0.0, self.allowed(now_ns) / self._rate - (now_ns - self._start_ns) / 1e9)
