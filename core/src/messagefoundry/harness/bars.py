"""What is demanded: the least or most of one figure in one scenario."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .verdict import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bound on the ratio of the sides, or on the left side itself, in the figure's own unit."""

    scenario: str
    figure: str
    of: Literal["ratio", "left"] = "ratio"
    least: float | None = None
    most: float | None = None

    @property
    def text(self) -> str:
        """Return the bound in a few characters, such as `≥ 0.60`."""
        sign, bound = ("≥", self.least) if self.least is not None else ("≤", self.most)
        return f"{sign} {bound:.2f}" if self.of == "ratio" else f"{sign} {bound:g}"

    def value(self, comparison: Comparison) -> float | None:
        """Return what is held against the bound; None when it was not measured."""
        figure = comparison.figures.get(self.figure)
        return None if figure is None else getattr(figure, self.of)

    def met(self, value: float) -> bool:
        """Return whether a value satisfies it."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


BARS = (
    Bar(scenario="full", figure="msg/s", least=0.60),
    Bar(scenario="full", figure="CPU ms a message", most=1.6),
    Bar(scenario="half-load", figure="ACK p99 ms", most=2.0),
    Bar(scenario="stored", figure="msg/s", least=0.90),
    Bar(scenario="fan-out", figure="msg/s", least=0.45),
    Bar(scenario="dedupe", figure="msg/s", least=0.90),
    Bar(scenario="hundred", figure="msg/s", least=0.70),
    Bar(scenario="burning", figure="msg/s", least=0.15),
    Bar(scenario="burning", figure="ACK p99 ms", of="left", most=250),
    Bar(scenario="document", figure="CPU ms a message", most=6.5),
    Bar(scenario="backlog", figure="added MB", of="left", most=50),
    Bar(scenario="stores", figure="msg/s", least=0.60),
    Bar(scenario="far", figure="intake/s", least=0.50),
)
"""Ratios are left / right. Five times the bytes may cost 6.5 times the time: linear, and some for the noise."""


def lowered(bars: Iterable[Bar], least: float | None) -> list[Bar]:
    """Return the bars with another least ratio of messages/s for `full`, if one is given."""
    wanted = ("full", "msg/s")
    own = Bar(scenario="full", figure="msg/s", least=least)
    return [own if least is not None and (bar.scenario, bar.figure) == wanted else bar for bar in bars]


def bar_of(bars: Iterable[Bar], scenario: str, figure: str) -> Bar | None:
    """Return the bar of a figure, if it has one."""
    return next((bar for bar in bars if (bar.scenario, bar.figure) == (scenario, figure)), None)


def missed(bars: Sequence[Bar], comparisons: Iterable[Comparison]) -> list[str]:
    """Return a sentence for every bar that a comparison of its scenario does not meet; one side alone has no ratio."""
    return [
        sentence
        for comparison in comparisons
        for bar in bars
        if bar.scenario == comparison.scenario and (sentence := _shortfall(bar, comparison))
    ]


def _shortfall(bar: Bar, comparison: Comparison) -> str:
    value = bar.value(comparison)
    alone = bar.of == "ratio" and comparison.right is None
    if alone or (value is not None and bar.met(value)):
        return ""
    reached = "was not measured" if value is None else f"is {value:g}"
    sides = f" {comparison.left} / {comparison.right}" if bar.of == "ratio" else ""
    return f"{bar.scenario}, {comparison.connections} connections: {bar.figure}{sides} {reached}, the bar is {bar.text}"
