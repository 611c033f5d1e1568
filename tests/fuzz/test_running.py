"""The runner stops when its time is over, and shows what it finds so that it can be kept."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.fuzz.running import Property, properties


def holds() -> Property:
    @given(number=st.integers())
    def test_holds(number: int) -> None:
        assume(number % 2)

    return Property("test_numbers", test_holds)


def breaks() -> Property:
    @given(number=st.integers(), text=st.text())
    def test_breaks(number: int, text: str) -> None:
        assert number < 1000

    return Property("test_numbers", test_breaks)


def test_a_property_that_holds_is_run_until_its_time_is_over() -> None:
    shown: list[float] = []
    each = holds()
    assert 0.1 <= each.run(0.1, lambda _, spent: shown.append(spent)) < 5
    assert each.found is None
    assert each.examples > 1


def test_a_finding_is_shown_with_its_least_example() -> None:
    each = breaks()
    each.run(30, lambda *_: None)
    assert isinstance(each.found, AssertionError)
    told = each.report().splitlines()
    assert told[0] == "test_numbers::test_breaks does not hold:"
    assert told[-1] == "  @example(number=1000, text='')"


def test_every_property_is_found() -> None:
    names = [each.name for each in properties(())]
    assert len(names) == len(set(names)) > 25
    assert [each.name for each in properties(["no_value_creates"])] == [
        "test_messages::test_no_value_creates_a_segment_or_a_field"
    ]
