from __future__ import annotations

import pytest

from messagefoundry_mllp.rate import TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("rate", "burst", "at_once"), [(5, None, 5), (2.5, None, 3), (0.1, None, 1), (5, 20, 20)])
def test_a_burst_passes_and_then_the_rate_counts(rate: float, burst: int | None, at_once: int) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, burst, clock)

    assert [bucket.take() for _ in range(at_once + 2)] == [True] * at_once + [False] * 2
    clock.now += 1 / rate * 1.001
    assert [bucket.take(), bucket.take()] == [True, False]


def test_a_quiet_time_fills_the_bucket_no_further_than_its_burst() -> None:
    clock = Clock()
    bucket = TokenBucket(10, 3, clock)
    clock.now += 3600

    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
