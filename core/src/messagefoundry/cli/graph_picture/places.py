"""Where the boxes stand: columns side by side, bands below each other, boxes near what they are linked to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.cli.graph_picture.boxes import HEADINGS, heading
from messagefoundry.cli.graph_picture.letters import width
from messagefoundry.cli.graph_picture.order import neighbours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.cli.graph_picture.boxes import Box, Key, Links
    from messagefoundry.cli.graph_picture.order import Columns

NAME, SMALL, HEADING = 13.0, 11.0, 12.0
"""Sizes of letters, in pixels as all lengths here."""

MARGIN, HEAD, GAP, BAND = 24.0, 40.0, 10.0, 16.0
PADDING, LINE, LEADING = 12.0, 15.0, 7.0
NARROWEST, WIDEST = 120.0, 270.0
WAY = (70.0, 170.0)
"""The least and the most room between two columns, for links."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Where one box stands."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Where links begin and end."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands. `columns` has the left edge and the width of each column.

    `apart` is the line for a sentence above the band of what is linked to nothing, None without one.
    """

    width: float
    height: float
    columns: tuple[tuple[float, float], ...]
    rectangles: Mapping[Key, Rectangle]
    apart: float | None = None


def placed(columns: Sequence[Sequence[Box]], order: Sequence[Columns], links: Links) -> Layout:
    """The layout for boxes in this order."""
    heights = {box.key: height(box) for column in columns for box in column}
    near = neighbours(links)
    middles: dict[Key, float] = {}
    top, apart = HEAD + MARGIN, None
    for band in order:
        if not any(key in near for column in band for key in column):
            apart = top + LINE
            top += 2 * LINE
        tall = max(_stacked(column, heights) for column in band)
        middles.update(_middles(band, heights, near, top, top + tall))
        top += tall + BAND
    edges = _edges(columns, [_leaving(number, order, near) for number in range(len(columns))])
    rectangles = {key: _rectangle(edges[key[0]], middle, heights[key]) for key, middle in middles.items()}
    right, wide = edges[-1]
    return Layout(right + wide + MARGIN, max(top - BAND, HEAD) + MARGIN, edges, rectangles, apart)


def _rectangle(edge: tuple[float, float], middle: float, tall: float) -> Rectangle:
    x, wide = edge
    return Rectangle(x, middle - tall / 2, wide, tall)


def height(box: Box) -> float:
    """The height of a box: a line for the name, and one each for endpoint and marks."""
    return LINE * (1 + bool(box.endpoint) + len(box.marks)) + 2 * LEADING


def _edges(columns: Sequence[Sequence[Box]], leaving: Sequence[int]) -> tuple[tuple[float, float], ...]:
    found = []
    x = MARGIN
    for number, column in enumerate(columns):
        wide = _width(column, HEADINGS[number])
        found.append((x, wide))
        x += wide + min(WAY[1], WAY[0] + 4 * leaving[number])
    return tuple(found)


def _leaving(number: int, order: Sequence[Columns], near: Mapping[Key, Sequence[Key]]) -> int:
    """How many links go on from a column, in the band that has the most of them."""
    links = (sum(each[0] > number for key in band[number] for each in near.get(key, ())) for band in order)
    return max(links, default=0)


def _width(column: Sequence[Box], name: str) -> float:
    texts = [width(heading(column, name), HEADING)]
    for box in column:
        texts += [width(box.name, NAME), *(width(text, SMALL) for text in (box.endpoint, *box.marks))]
    return min(WIDEST, max(NARROWEST, max(texts) + 2 * PADDING))


def _stacked(column: Sequence[Key], heights: Mapping[Key, float]) -> float:
    return sum(heights[key] for key in column) + GAP * max(0, len(column) - 1)


def _middles(
    band: Columns, heights: Mapping[Key, float], near: Mapping[Key, Sequence[Key]], top: float, bottom: float
) -> dict[Key, float]:
    """The middle of every box of a band: the tallest column first, the others beside it, from near to far."""
    found: dict[Key, float] = {}
    tallest = max(range(len(band)), key=lambda number: _stacked(band[number], heights))
    for number in sorted(range(len(band)), key=lambda number: abs(number - tallest)):
        wanted = _wanted(band[number], found, near, top)
        found.update(_spread(band[number], wanted, heights, top, bottom))
    return found


def _wanted(
    column: Sequence[Key], found: Mapping[Key, float], near: Mapping[Key, Sequence[Key]], top: float
) -> list[float]:
    """The mean place of what each box is linked to and stands already; without any, that of the box above."""
    wanted: list[float] = []
    for key in column:
        beside = [found[each] for each in near.get(key, ()) if each in found]
        wanted.append(sum(beside) / len(beside) if beside else wanted[-1] if wanted else top)
    return wanted


def _spread(
    column: Sequence[Key], wanted: Sequence[float], heights: Mapping[Key, float], top: float, bottom: float
) -> dict[Key, float]:
    """The places nearest to the wanted ones that keep order and distance, between top and bottom.

    Seen from where each box would stand if all stood close together, order and distance mean "never less than the one
    above": a regression that pools neighbours, and the ends are cut off.
    """
    close: list[float] = []
    y = 0.0
    for key in column:
        close.append(y + heights[key] / 2)
        y += heights[key] + GAP
    room = bottom - top - _stacked(column, heights)
    shifts = _never_falling([want - top - at for want, at in zip(wanted, close, strict=True)])
    kept = (min(max(shift, 0.0), max(room, 0.0)) for shift in shifts)
    return {key: top + at + shift for key, at, shift in zip(column, close, kept, strict=True)}


def _never_falling(values: Sequence[float]) -> list[float]:
    """The nearest sequence (least squares) in which no value is less than the one before it."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, size = value, 1
        while pools and pools[-1][0] > mean:
            before, count = pools.pop()
            mean = (before * count + mean * size) / (count + size)
            size += count
        pools.append((mean, size))
    return [mean for mean, size in pools for _ in range(size)]
