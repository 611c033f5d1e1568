"""Durations counted in narrow classes: as many as one likes in little memory."""

from collections import Counter
from collections.abc import Iterator
from math import ceil, log2

from .latency import Latency, rank

_BITS = 7
"""a class is no wider than a 128th of what it holds"""


class Histogram:
    """Counts durations to within 0.8 %, from a microsecond to days; the longest is kept as it is."""

    __slots__ = ("_classes", "_longest_ns", "count")

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()
        self._longest_ns = 0
        self.count = 0

    def add(self, duration_ns: int) -> None:
        """Count one."""
        microseconds = max(0, duration_ns) // 1000
        shift = max(0, microseconds.bit_length() - _BITS - 1)
        self._classes[(shift << _BITS) + (microseconds >> shift)] += 1
        self._longest_ns = max(self._longest_ns, duration_ns)
        self.count += 1

    def merge(self, other: "Histogram") -> None:
        """Add what another has counted."""
        self._classes.update(other._classes)
        self._longest_ns = max(self._longest_ns, other._longest_ns)
        self.count += other.count

    def latency(self) -> Latency:
        """Return the percentiles; all None when nothing was counted."""
        if not self.count:
            return Latency()
        return Latency(self._percentile_ms(0.50), self._percentile_ms(0.99), round(self._longest_ns / 1e6, 3))

    def steps(self) -> Iterator[tuple[float, int]]:
        """Yield the upper bounds in milliseconds of classes four to an octave, ascending, and how many each holds."""
        wide: Counter[int] = Counter()
        for number, count in self._classes.items():
            _, upper = _bounds(number)
            wide[_wide_class(upper)] += count
        for number in range(min(wide, default=0), max(wide, default=-1) + 1):
            yield round(2 ** ((number + 1) / 4) / 1000, 4), wide[number]

    def _percentile_ms(self, share: float) -> float:
        wanted, seen = rank(share, self.count), 0
        for number in sorted(self._classes):
            seen += self._classes[number]
            if seen > wanted:
                lower, upper = _bounds(number)
                return round(min((lower + upper) / 2000, self._longest_ns / 1e6), 3)
        raise AssertionError("the classes hold fewer than were counted")


def _bounds(number: int) -> tuple[int, int]:
    """Return the bounds of a class in microseconds, the upper one excluded."""
    shift = max(0, (number >> _BITS) - 1)
    lower = (number - (shift << _BITS)) << shift
    return lower, lower + (1 << shift)


def _wide_class(microseconds: int) -> int:
    """Return which quarter of an octave holds durations up to so many microseconds."""
    return max(0, ceil(4 * log2(max(1, microseconds))) - 1)
