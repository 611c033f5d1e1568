"""The charts of a load report: SVG that a browser draws without a script and without a network."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from messagefoundry.cli.markup import Html, element

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 960, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 28, 26, 34
CHARACTER = 6.6
"""width of a small letter"""


@dataclass(frozen=True, slots=True)
class Band:
    """A phase, in seconds from the beginning."""

    name: str
    begins: float
    ends: float
    measured: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One series; None leaves a gap."""

    name: str
    style: str
    points: Sequence[tuple[float, float | None]]

    @property
    def values(self) -> list[float]:
        """What is there."""
        return [value for _, value in self.points if value is not None]


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places between two others, evenly or by their logarithms."""

    low: float
    high: float
    begin: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value is drawn."""
        low, high, value = (self._measure(each) for each in (self.low, self.high, max(value, self.low)))
        return round(self.begin + (value - low) / (high - low) * (self.end - self.begin), 1)

    def _measure(self, value: float) -> float:
        return log10(value) if self.logarithmic else value

    def ticks(self, parts: int) -> list[float]:
        """Round values, the lower bound among them, that make about so many parts; powers of ten by logarithm."""
        if self.logarithmic:
            return [10.0**power for power in range(round(log10(self.low)), round(log10(self.high)) + 1)]
        step = round_step((self.high - self.low) / parts)
        return [self.low + step * number for number in range(int((self.high - self.low) / step + 1e-9) + 1)]


def round_step(wanted: float) -> float:
    """1, 2 or 5 times a power of ten, at least what is wanted."""
    power = 10.0 ** floor(log10(wanted))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= wanted * 0.999)


def even_scale(values: Sequence[float]) -> Scale:
    """From 0 to a round value above all."""
    most = max([*values, 1e-9])
    step = round_step(most / 4)
    return Scale(0, step * ceil(most / step - 1e-9), HEIGHT - BOTTOM, TOP)


def logarithmic_scale(values: Sequence[float]) -> Scale:
    """Between powers of ten."""
    low, high = max(1e-3, min(values, default=1.0)), max([*values, 1e-3])
    lowest = floor(log10(low))
    return Scale(10.0**lowest, 10.0 ** max(lowest + 1, ceil(log10(high))), HEIGHT - BOTTOM, TOP, logarithmic=True)


def over_time(title: str, lines: Sequence[Line], bands: Sequence[Band], *, logarithmic: bool = False) -> Html:
    """Lines over the seconds of a run, the phases behind them. Lines without a value are left out."""
    lines = [line for line in lines if line.values]
    seconds = max([band.ends for band in bands] + [at for line in lines for at, _ in line.points])
    across = Scale(0, seconds, LEFT, WIDTH - RIGHT)
    values = [value for line in lines for value in line.values]
    up = logarithmic_scale(values) if logarithmic else even_scale(values)
    drawn = [each for band in bands for each in _band(band, across)]
    drawn += _grid(up)
    drawn += _foot(across, " s")
    drawn += [each for line in lines for each in _line(line, across, up)]
    return _figure(title, [(line.name, line.style) for line in lines], drawn)


def histogram(title: str, name: str, style: str, steps: Sequence[Sequence[float]]) -> Html:
    """How many durations fell between the bounds of each class, in milliseconds."""
    ratio = 2**0.25
    bounds = [bound for bound, _ in steps]
    across = logarithmic_scale([bounds[0] / ratio, bounds[-1]])
    across = Scale(across.low, across.high, LEFT, WIDTH - RIGHT, logarithmic=True)
    up = even_scale([count for _, count in steps])
    drawn = [*_grid(up), *_foot(across, " ms")]
    for bound, count in steps:
        if count:
            left, right, top = across.place(bound / ratio), across.place(bound), up.place(count)
            words = f"up to {bound:.3g} ms: {count:,.0f}"
            drawn.append(_rectangle(left, top, right - left - 1, up.begin - top, style, words))
    return _figure(title, [(name, style)], drawn)


def _figure(title: str, legend: Sequence[tuple[str, str]], drawn: Sequence[Html]) -> Html:
    names = [element("span", element("i", class_=style), name) for name, style in legend]
    caption = element("figcaption", element("strong", title), *names)
    picture = element("svg", *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title)
    return element("figure", caption, picture)


def _band(band: Band, across: Scale) -> Iterator[Html]:
    left, right = across.place(band.begins), across.place(band.ends)
    style = "band measured" if band.measured else "band"
    yield _rectangle(left, TOP, right - left, HEIGHT - BOTTOM - TOP, style, band.name)
    if len(band.name) * CHARACTER < right - left:
        yield _text((left + right) / 2, TOP - 8, band.name, "middle")


def _grid(up: Scale) -> Iterator[Html]:
    for value in up.ticks(4):
        y = up.place(value)
        yield element("line", x1=str(LEFT), x2=str(WIDTH - RIGHT), y1=str(y), y2=str(y), class_="grid")
        yield _text(LEFT - 8, y + 4, f"{value:,.10g}", "end")


def _foot(across: Scale, unit: str) -> Iterator[Html]:
    for value in across.ticks(8):
        yield _text(across.place(value), HEIGHT - BOTTOM + 18, f"{value:,.10g}{unit}", "middle")


def _line(line: Line, across: Scale, up: Scale) -> Iterator[Html]:
    for there, points in groupby(line.points, key=lambda point: point[1] is not None):
        if there:
            places = [f"{across.place(at)},{up.place(value or 0.0)}" for at, value in points]
            if len(places) == 1:  # a line of one point would not be seen
                places *= 2
            yield element("polyline", points=" ".join(places), class_=line.style)


def _rectangle(x: float, y: float, width: float, height: float, style: str, words: str) -> Html:
    size = {"width": f"{max(0.5, width):.1f}", "height": f"{max(0.0, height):.1f}"}
    return element("rect", element("title", words), x=f"{x:.1f}", y=f"{y:.1f}", class_=style, **size)


def _text(x: float, y: float, words: str, anchor: str) -> Html:
    return element("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)
