"""The retry policy as a pure decision."""

from __future__ import annotations

import pytest

from messagefoundry.pipeline.retry import decide
from messagefoundry.wiring.values import RetryPolicy


def test_back_off_grows_to_its_ceiling_and_stays_there() -> None:
    policy = RetryPolicy(backoff_seconds=5, backoff_multiplier=2, max_backoff_seconds=300)
    waits = [decide(policy, attempt).wait_seconds for attempt in range(1, 9)]
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]


def test_for_ever_by_default_even_after_very_many_attempts() -> None:
    assert decide(RetryPolicy(), 100_000).wait_seconds == 300


@pytest.mark.parametrize(("attempt", "exhausted"), [(1, False), (2, False), (3, True), (4, True)])
def test_attempts_are_used_up(attempt: int, exhausted: bool) -> None:
    assert decide(RetryPolicy(max_attempts=3), attempt).exhausted is exhausted


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"backoff_seconds": -1}, {"backoff_multiplier": 0.5}])
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        RetryPolicy(**wrong)  # type: ignore[arg-type]
