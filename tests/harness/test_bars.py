import pytest

from messagefoundry.harness.bars import BARS, Bar, bar_of, lowered, missed
from messagefoundry.harness.scenarios import SCENARIOS
from messagefoundry.harness.verdict import FIGURES, Comparison, Figure


def comparison(scenario: str, **figures: Figure) -> Comparison:
    named = {name.replace("_", " "): figure for name, figure in figures.items()}
    return Comparison(scenario, 8, "this", "that", None, 1, 0, named)


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: f"{bar.scenario} {bar.figure}")
def test_every_bar_is_of_a_scenario_and_a_figure(bar: Bar) -> None:
    assert bar.scenario in [scenario.name for scenario in SCENARIOS]
    assert bar.figure in FIGURES
    assert (bar.least is None) is not (bar.most is None)


def test_every_scenario_has_a_bar() -> None:
    assert {scenario.name for scenario in SCENARIOS} == {bar.scenario for bar in BARS}


def test_a_ratio_below_its_bar_is_missed() -> None:
    bars = [Bar(scenario="full", figure="peak MB", least=0.6)]
    assert missed(bars, [comparison("full", peak_MB=Figure(60, 100, 0.6, 0.1, 0.9))]) == []
    assert missed(bars, [comparison("full", peak_MB=Figure(59, 100, 0.59, 0.1, 0.9))]) == [
        "full, 8 connections: peak MB this / that is 0.59, the bar is ≥ 0.60"
    ]


def test_a_value_above_its_bar_is_missed() -> None:
    bars = [Bar(scenario="burning", figure="peak MB", of="left", most=250)]
    assert missed(bars, [comparison("burning", peak_MB=Figure(250, 1, 250, 250, 250))]) == []
    assert missed(bars, [comparison("burning", peak_MB=Figure(251, 1, 251, 251, 251))]) == [
        "burning, 8 connections: peak MB is 251, the bar is ≤ 250"
    ]


def test_a_bar_without_a_figure_is_missed() -> None:
    bars = [Bar(scenario="full", figure="CPU ms a message", most=1.6)]
    assert missed(bars, [comparison("full")]) == [
        "full, 8 connections: CPU ms a message this / that was not measured, the bar is ≤ 1.60"
    ]


def test_one_side_alone_is_held_against_no_ratio() -> None:
    assert missed(BARS, [Comparison("full", 8, "engine", None, None, 1, 0, {"msg/s": Figure(5)})]) == []


def test_other_scenarios_are_not_judged() -> None:
    assert missed([Bar(scenario="stored", figure="peak MB", least=0.9)], [comparison("full")]) == []


def test_the_main_bar_can_be_lowered() -> None:
    for least, expected in ((None, 0.6), (0.01, 0.01)):
        bar = bar_of(lowered(BARS, least), "full", "msg/s")
        assert bar is not None
        assert bar.least == expected
    assert len(lowered(BARS, 0.01)) == len(BARS)
