"""Percentiles of durations."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Latency:
    """Durations in milliseconds; all None when nothing was measured."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, durations_ns: Iterable[int]) -> Self:
        """Summarise durations given in nanoseconds."""
        ordered = sorted(durations_ns)
        if not ordered:
            return cls()
        return cls(*(_milliseconds(ordered[rank(share, len(ordered))]) for share in (0.50, 0.99, 1.0)))


def rank(share: float, count: int) -> int:
    """Return the place, from 0, at which a share of so many ordered values ends."""
    return min(count - 1, int(share * count))


def _milliseconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)
