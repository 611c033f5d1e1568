"""A token bucket."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class TokenBucket:
    """Lets `rate` messages a second through, and up to `burst` at once after a quiet time."""

    __slots__ = ("_burst", "_clock", "_filled_at", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int | None, clock: Callable[[], float]) -> None:
        """Begin full. `burst` None is one second's worth; `clock` gives seconds and never runs backwards."""
        self._rate = rate
        self._burst = float(burst or max(1, math.ceil(rate)))
        self._clock = clock
        self._tokens = self._burst
        self._filled_at = clock()

    def take(self) -> bool:
        """Let one message through, or not."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
