"""When a failed delivery is tried again: a pure decision, tested without time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messagefoundry.wiring.values import RetryPolicy


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Wait this many seconds and try again; None: no more attempts."""

    wait_seconds: float | None

    @property
    def exhausted(self) -> bool:
        """Whether the attempts are used up."""
        return self.wait_seconds is None


def decide(policy: RetryPolicy, attempt: int) -> RetryDecision:
    """What follows failed attempt number `attempt` (from 1)."""
    if policy.max_attempts is not None and attempt >= policy.max_attempts:
        return RetryDecision(None)
    exponent = min(attempt - 1, 64)
    wait = policy.backoff_seconds * policy.backoff_multiplier**exponent
    return RetryDecision(min(wait, policy.max_backoff_seconds))
