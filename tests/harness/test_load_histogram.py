import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.harness.bits import Bits
from messagefoundry.harness.histogram import Histogram
from messagefoundry.harness.latency import Latency

DURATIONS = st.lists(st.integers(1_000, 10**13), min_size=1, max_size=300)


def histogram_of(durations: list[int]) -> Histogram:
    histogram = Histogram()
    for each in durations:
        histogram.add(each)
    return histogram


@given(DURATIONS)
def test_percentiles_are_those_of_the_sorted_durations_to_within_a_class(durations: list[int]) -> None:
    exact, found = Latency.of(durations), histogram_of(durations).latency()
    assert found.max == exact.max
    for wanted, got in ((exact.p50, found.p50), (exact.p99, found.p99)):
        assert wanted is not None
        assert got == pytest.approx(wanted, rel=0.008, abs=0.0011)


@given(DURATIONS, DURATIONS)
def test_merged_they_are_as_if_counted_by_one(one: list[int], two: list[int]) -> None:
    merged = histogram_of(one)
    merged.merge(histogram_of(two))
    together = histogram_of([*one, *two])
    assert merged.latency() == together.latency()
    assert list(merged.steps()) == list(together.steps())


@given(DURATIONS)
def test_steps_hold_everything_in_ascending_classes_without_a_gap(durations: list[int]) -> None:
    steps = list(histogram_of(durations).steps())
    bounds = [bound for bound, _ in steps]
    assert sum(count for _, count in steps) == len(durations)
    assert bounds == sorted(set(bounds))
    assert bounds[-1] >= max(durations) / 1e6 * 0.99
    assert steps[0][1] > 0


def test_it_stays_small() -> None:
    histogram = histogram_of([number * 7919 for number in range(200_000)])
    assert histogram.count == 200_000
    assert len(histogram._classes) < 3_000


def test_nothing_counted_has_no_percentiles() -> None:
    assert Histogram().latency() == Latency()
    assert list(Histogram().steps()) == []


@given(st.sets(st.integers(0, 2_000)), st.sets(st.integers(0, 2_000)))
def test_bits_are_a_set(ours: set[int], theirs: set[int]) -> None:
    bits = Bits(ours)
    assert len(bits) == len(ours)
    assert bits.without(Bits(theirs)) == len(ours - theirs)
    assert all((number in bits) == (number in ours) for number in range(2_010))
    assert [bits.add(number) for number in sorted(theirs)] == [number not in ours for number in sorted(theirs)]
