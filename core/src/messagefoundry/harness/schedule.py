"""The pace of a load with phases."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import ceil, sqrt

from .pace import ClosedLoop
from .profiles import Phase


class Timeline:
    """Which phase it is; a time before the first belongs to the first."""

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._ends = list(accumulate(phase.seconds for phase in phases))
        self.start_ns = 0
        """CLOCK_MONOTONIC; set it when sending begins"""

    def at(self, now_ns: int) -> int:
        """Return the number of the phase; beyond the last, how many there are."""
        return bisect_right(self._ends, (now_ns - self.start_ns) / 1e9)


class Schedule:
    """An open loop whose rate changes from phase to phase, or within one, whatever the receiver does.

    As in :class:`OpenLoop`, a message that finds no room keeps its due time.
    """

    timed = True

    def __init__(self, phases: Sequence[Phase], start_ns: int) -> None:
        self._phases, self._start_ns = phases, start_ns
        self._starts = [0.0, *accumulate(phase.seconds for phase in phases)]
        self._before = [0.0, *accumulate(phase.offers for phase in phases)]

    def allowed(self, now_ns: int) -> int:
        """Return how many have come due."""
        seconds = max(0, now_ns - self._start_ns) / 1e9
        if seconds >= self._starts[-1]:
            return ceil(self._before[-1])
        place = bisect_right(self._starts, seconds) - 1
        since = seconds - self._starts[place]
        first, growth = _first_and_growth(self._phases[place])
        return int(self._before[place] + first * since + growth * since * since / 2) + 1

    def due_ns(self, number: int, now_ns: int) -> int:
        """Return the message's place in time."""
        place = min(bisect_right(self._before, number), len(self._phases)) - 1
        behind = number - self._before[place]
        first, growth = _first_and_growth(self._phases[place])
        since = (sqrt(first * first + 2 * growth * behind) - first) / growth if growth else behind / first
        return self._start_ns + int((self._starts[place] + since) * 1e9)

    def wait_seconds(self, now_ns: int) -> float:
        """Return the time to the next place; after the last, to the end."""
        allowed = self.allowed(now_ns)
        if allowed >= self._before[-1]:
            return max(0.0, self._starts[-1] - (now_ns - self._start_ns) / 1e9)
        return max(0.0, (self.due_ns(allowed, now_ns) - now_ns) / 1e9)


def _first_and_growth(phase: Phase) -> tuple[float, float]:
    """Return a phase's first rate, and by how much it grows a second."""
    first = phase.rate if phase.rate_from is None else phase.rate_from
    return first, (phase.rate - first) / phase.seconds


class InFlight(ClosedLoop):
    """A closed loop from the sender to the sink: the next message is sent when one has arrived.

    It does not run ahead of what is delivered, as a loop does that only waits for acknowledgements.
    """

    def __init__(self, phases: Sequence[Phase], timeline: Timeline, done: Callable[[], int]) -> None:
        """`done` says how many messages are on their way no longer."""
        super().__init__()
        self._phases, self._timeline, self._done = phases, timeline, done

    def allowed(self, now_ns: int) -> int:
        """Return how many leave as many on their way as the phase has."""
        place = min(self._timeline.at(now_ns), len(self._phases) - 1)
        return self._done() + self._phases[place].in_flight
