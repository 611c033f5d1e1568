"""The picture itself: SVG 1.1 with its own style sheet, no script and nothing from elsewhere."""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from messagefoundry.cli.graph_picture.boxes import COLUMNS, HEADINGS, boxes, heading, links
from messagefoundry.cli.graph_picture.letters import measured, shortened, width
from messagefoundry.cli.graph_picture.order import bands
from messagefoundry.cli.graph_picture.places import HEADING, LEADING, LINE, MARGIN, NAME, PADDING, SMALL, placed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.cli.graph_picture.boxes import Box, Links
    from messagefoundry.cli.graph_picture.places import Layout, Rectangle
    from messagefoundry.wiring.graph import Graph

ALONE = "Named by no Router's or Handler's own code:"
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

STYLE = """
text { font-family: "Segoe UI", system-ui, -apple-system, Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #1f2328 }
.name { font-size: 13px; font-weight: 600 }
.small { font-size: 11px; fill: #57606a }
.mark { font-size: 11px; fill: #9a3412; font-weight: 600 }
.heading { font-size: 12px; fill: #57606a }
.page { fill: #ffffff }
.box { stroke-width: 1 }
.off { stroke-dasharray: 5 3 }
.inbound { fill: #eef5ff; stroke: #5b8def }
.router { fill: #f5f0ff; stroke: #9a76e0 }
.handler { fill: #edf9f1; stroke: #4fa96f }
.outbound { fill: #fff5ea; stroke: #d98a34 }
.link { fill: none; stroke: #8c959f; stroke-width: 1.4; stroke-opacity: .75 }
.link:hover { stroke: #cf222e; stroke-width: 3; stroke-opacity: 1 }
.tip { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small, .heading { fill: #9da7b3 }
  .mark { fill: #ffb77c }
  .page { fill: #0d1117 }
  .inbound { fill: #10233f; stroke: #5b8def }
  .router { fill: #231a38; stroke: #9a76e0 }
  .handler { fill: #10291a; stroke: #4fa96f }
  .outbound { fill: #33220f; stroke: #d98a34 }
  .link { stroke: #768390 }
  .link:hover { stroke: #ff7b72 }
  .tip { fill: #768390 }
}
"""


def picture(graph: Graph) -> str:
    """The whole file."""
    columns, linked = boxes(graph), links(graph)
    order = bands([[box.key for box in column] for column in columns], linked)
    layout = placed(columns, order, linked)
    return "\n".join(_lines(graph, columns, linked, layout)) + "\n"


def _lines(graph: Graph, columns: list[list[Box]], linked: Links, layout: Layout) -> Iterator[str]:
    wide, tall = f"{layout.width:.0f}", f"{layout.height:.0f}"
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}" viewBox="0 0 {wide} {tall}" '
        'role="img" aria-labelledby="title">'
    )
    headings = [heading(column, name) for name, column in zip(HEADINGS, columns, strict=True)]
    counts = ", ".join(headings)
    environment = f" in the environment {graph.environment}" if graph.environment else ""
    yield f'<title id="title">{_plain(f"What is wired{environment}: {counts}")}</title>'
    yield f"<style>{STYLE}</style>"
    yield f'<rect class="page" width="{wide}" height="{tall}"/>'
    for (x, _), said in zip(layout.columns, headings, strict=True):
        yield _text("heading", x, MARGIN + HEADING, HEADING, said)
    if layout.apart is not None:
        yield _text("heading", MARGIN, layout.apart, HEADING, ALONE)
    for source, target in linked:
        yield from _link(layout.rectangles[source], layout.rectangles[target], f"{source[1]} to {target[1]}")
    for column in columns:
        for box in column:
            yield from _box(box, layout.rectangles[box.key])
    yield "</svg>"


def _link(source: Rectangle, target: Rectangle, title: str) -> Iterator[str]:
    """A curve that leaves and arrives level, and its tip."""
    start, end = source.x + source.width, target.x - 6
    bend = (end - start) / 2
    curve = (
        f"M{start:.1f} {source.middle:.1f}C{start + bend:.1f} {source.middle:.1f} "
        f"{end - bend:.1f} {target.middle:.1f} {end:.1f} {target.middle:.1f}"
    )
    yield f'<path class="link" d="{curve}"><title>{_plain(title)}</title></path>'
    yield f'<path class="tip" d="M{target.x:.1f} {target.middle:.1f}l-7 -3.5v7z"/>'


def _box(box: Box, here: Rectangle) -> Iterator[str]:
    kind = COLUMNS[box.key[0]]
    off = " off" if {"simulated", "not deployed"} & set(box.marks) else ""
    about = "\n".join(filter(None, (f"{kind} {box.name}", box.endpoint, ", ".join(box.marks), box.place)))
    yield f"<g><title>{_plain(about)}</title>"
    yield (
        f'<rect class="box {kind}{off}" x="{here.x:.1f}" y="{here.y:.1f}" width="{here.width:.1f}" '
        f'height="{here.height:.1f}" rx="6"/>'
    )
    texts = [("name", NAME, box.name), *(("small", SMALL, text) for text in (box.endpoint,) if text)]
    texts += [("mark", SMALL, mark) for mark in box.marks]
    room = here.width - 2 * PADDING
    for number, (role, size, text) in enumerate(texts):
        yield _text(role, here.x + PADDING, here.y + LEADING + LINE * number + 11.5, size, text, room)
    yield "</g>"


def _text(role: str, x: float, y: float, size: float, text: str, room: float = inf) -> str:
    """One line of text that takes no more than `room`, whatever the font."""
    shown = shortened(NOT_IN_XML.sub("\ufffd", text), size, room)
    exact = "" if measured(shown) else f' textLength="{width(shown, size):.1f}" lengthAdjust="spacingAndGlyphs"'
    return f'<text class="{role}" x="{x:.1f}" y="{y:.1f}"{exact}>{_plain(shown)}</text>'


def _plain(text: str) -> str:
    """Text for XML: what has a meaning there escaped, what cannot stand there replaced."""
    return escape(NOT_IN_XML.sub("\ufffd", text))
