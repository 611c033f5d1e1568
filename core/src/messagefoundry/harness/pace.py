"""When the generator may send: as fast as answers allow, or at a rate of its own."""

from typing import Protocol

UNBOUNDED = 1 << 62


class Pace(Protocol):
    """Decides how many messages may be offered."""

    def slots(self, now_ns: int) -> int:
        """Return how many may be sent now, beyond what was returned before."""
        ...

    def wait_seconds(self, now_ns: int) -> float:
        """Return how long until there will be another, in seconds."""
        ...


class ClosedLoop:
    """The window is the only limit."""

    def slots(self, now_ns: int) -> int:
        """Return no limit."""
        return UNBOUNDED

    def wait_seconds(self, now_ns: int) -> float:
        """Return a time long enough to cost nothing: an answer wakes the generator."""
        return 0.2


class OpenLoop:
    """`rate` messages a second from `start_ns` on, whatever the receiver does."""

    def __init__(self, rate: float, start_ns: int) -> None:
        self._rate, self._start_ns, self._given = rate, start_ns, 0

    def slots(self, now_ns: int) -> int:
        """Return the slots that have come due since the last call; those that are not used are gone."""
        due = int((now_ns - self._start_ns) * self._rate / 1e9) + 1
        fresh, self._given = due - self._given, due
        return fresh

    def wait_seconds(self, now_ns: int) -> float:
        """Return the time to the next slot."""
        return max(0.0, self._given / self._rate - (now_ns - self._start_ns) / 1e9)
