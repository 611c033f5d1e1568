"""The values that stand in declarations: every mistake in one is a sentence, and hides none that come after it."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry import BatchConfig, BuildupThreshold, Dedupe, RetryPolicy, StallThreshold, env

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wiring.conftest import Configuration

BY_KEYWORD = "the options of Dedupe are given by keyword (write Dedupe(window_seconds=...))"
NO_ENV = "write the Connection in connections.toml, or choose the value with current_environment()"

WRONG = {
    "Dedupe(window=5)": "Dedupe has no option 'window' (did you mean 'window_seconds'?)",
    "Dedupe(3600)": BY_KEYWORD,
    "Dedupe('MSH-10', 3600)": BY_KEYWORD,
    "Dedupe()": "Dedupe needs the option 'window_seconds' (add window_seconds=...)",
    "Dedupe(key=10, window_seconds=5)": "option 'key' of Dedupe must be text",
    "BatchConfig(max_count=5)": "BatchConfig needs the option 'max_wait_ms' (add max_wait_ms=...)",
    "BatchConfig(True, 5)": "option 'max_count' of BatchConfig must be a whole number",
    "StallThreshold(second=5)": "StallThreshold has no option 'second' (known are max_oldest_seconds)",
    "RetryPolicy(backoff_seconds='1')": "option 'backoff_seconds' of RetryPolicy must be a number",
    "RetryPolicy(2.5)": "option 'max_attempts' of RetryPolicy must be a whole number or None",
    "RetryPolicy(3, max_attempts=4)": "option 'max_attempts' of RetryPolicy is given twice (leave one out)",
    "RetryPolicy(max_attempts=env('a'))": f"option 'max_attempts' of RetryPolicy cannot be env() ({NO_ENV})",
    "RetryPolicy(1, 2, 3, 4, 5)": (
        "the options of RetryPolicy are given by keyword (write RetryPolicy(max_attempts=...))"
    ),
    "BuildupThreshold(depth=5)": "BuildupThreshold has no option 'depth' (did you mean 'max_depth'?)",
}
OUT_OF_RANGE = {
    "Dedupe(window_seconds=0)": "Dedupe: window_seconds must be a number of seconds above 0, at most 31,622,400",
    "BatchConfig(1, 5)": "BatchConfig: max_count must be a whole number from 2 to 1000",
    "StallThreshold(-1)": "StallThreshold: max_oldest_seconds must be a number above 0",
    "RetryPolicy(0)": "RetryPolicy: max_attempts must be at least 1, or None to retry for ever",
}
EVERYTHING_SAID = """
inbound("IB", Pipe(port=1), router="adt", dedupe=Dedupe(window=5))
outbound("OB", Drop(password="x"), retry=RetryPolicy(attempts=3, backoff_seconds="1"),
         stall=StallThreshold(0), batch=BatchConfig(max_count=5))
inbound("IB2", Pipe(prot=2), router="atd")
"""


def made(call: str) -> object:
    values: list[Callable[..., Any]] = [BatchConfig, BuildupThreshold, Dedupe, RetryPolicy, StallThreshold, env]
    return eval(call, {each.__name__: each for each in values})


@pytest.mark.parametrize("call", [*WRONG, *OUT_OF_RANGE])
def test_a_mistake_is_one_sentence_where_it_stands(configuration: Configuration, call: str) -> None:
    configuration.feed(f"wrong = {call}")
    assert configuration.problems() == [f"feed.py:5: {ALL[call]}"]


ALL = {**WRONG, **OUT_OF_RANGE}


@pytest.mark.parametrize("call", WRONG)
def test_outside_of_a_configuration_it_is_a_type_error(call: str) -> None:
    with pytest.raises(TypeError) as caught:
        made(call)
    assert str(caught.value) == WRONG[call]


@pytest.mark.parametrize("call", OUT_OF_RANGE)
def test_outside_of_a_configuration_a_range_is_a_value_error(call: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its whole text is compared
        made(call)
    assert str(caught.value) == OUT_OF_RANGE[call]


def test_no_mistake_hides_another(configuration: Configuration) -> None:
    configuration.feed(EVERYTHING_SAID)
    assert configuration.problems() == [
        "feed.py:6: Dedupe has no option 'window' (did you mean 'window_seconds'?)",
        "feed.py:7: RetryPolicy has no option 'attempts' (did you mean 'max_attempts'?)",
        "feed.py:7: option 'backoff_seconds' of RetryPolicy must be a number",
        "feed.py:7: OB: option 'batch' is not supported by Drop (leave it out)",
        "feed.py:8: StallThreshold: max_oldest_seconds must be a number above 0",
        "feed.py:8: BatchConfig needs the option 'max_wait_ms' (add max_wait_ms=...)",
        "feed.py:9: IB2: Pipe needs the option 'port' (add port=...)",
        "feed.py:9: IB2: Pipe has no option 'prot' (did you mean 'port'?)",
        "feed.py:9: IB2: its Router 'atd' is not declared (did you mean 'adt'?)",
    ]


def test_a_reference_by_position_hides_nothing(configuration: Configuration) -> None:
    configuration.feed('Reference("p", FileRef(path="p.csv"))\nReference(source=FileRef(path="p.csv"))\nDedupe()')
    assert configuration.problems() == [
        "feed.py:5: p: Reference() takes a name; all else is given by keyword (write source=FileRef(...))",
        "feed.py:6: the name of a reference set is text without spaces around it (give it a name)",
        "feed.py:7: Dedupe needs the option 'window_seconds' (add window_seconds=...)",
    ]


def test_they_are_the_frozen_values_that_their_signatures_say() -> None:
    assert str(inspect.signature(Dedupe)).startswith("(*, key: 'str' = 'MSH-10', window_seconds: 'float')")
    assert RetryPolicy(3, 1, 2.5) == RetryPolicy(max_attempts=3, backoff_seconds=1, backoff_multiplier=2.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        RetryPolicy().max_attempts = 4  # type: ignore[misc]
    assert dataclasses.replace(BatchConfig(2, 5), max_count=3) == BatchConfig(3, 5)
