"""`graph --svg`: what the picture shows, and that it can be looked at."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.cli.graph_picture import letters
from messagefoundry.cli.graph_picture.boxes import Box, Key, Links
from messagefoundry.cli.graph_picture.order import Columns, bands, crossings, neighbours
from messagefoundry.cli.graph_picture.places import GAP, MARGIN, PADDING, WIDEST, Layout, placed
from messagefoundry.cli.graph_picture.untangle import untangled

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Command

SVG = "{http://www.w3.org/2000/svg}"
LONG = "IB_THE_PHARMACY_OF_THE_UNIVERSITY_HOSPITAL_ADT_ADMISSIONS"
NASTY = "<b>\"R&D\" 'x' ]]> é山🏥 \u202e"


# -- the command -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    text: str

    @property
    def root(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.text)

    def boxes(self) -> dict[str, list[str]]:
        """The lines of text in each box, by the first line of its tooltip."""
        return {
            (group.findtext(f"{SVG}title") or "").split("\n")[0]: [text.text or "" for text in group.iter(f"{SVG}text")]
            for group in self.root.iter(f"{SVG}g")
        }

    def links(self) -> set[str]:
        return {path.findtext(f"{SVG}title") or "" for path in self.root.iter(f"{SVG}path")} - {""}


@pytest.fixture
def drawn(repository: Path, command: Command) -> Picture:
    (repository / "config" / "IB_EXAMPLE_ADT.py").write_text(f"""
from messagefoundry import MLLP, File, Send, handler, inbound, outbound, router

inbound({LONG!r}, MLLP(port=2575), router="both", deployed=False)
inbound({NASTY!r}, MLLP(port=2576), router="both", auto_start=False)
outbound("OB_A", MLLP(host="lab.example", port=2577), simulate=True)
outbound("OB_B", File(directory="a&b/<c>"))
inbound("IB_ASKED", MLLP(port=2578, reply_from="OB_A", reply_timeout=30), router="both")
outbound("OB_NOBODY", File(directory="nobody"), simulate=True, deployed=False)

@router("both")
def route(msg):
    return ["one", "two"]

@handler("one")
def one(msg):
    return [Send("OB_A", msg), Send("OB_B", msg)]

@handler("two")
def two(msg):
    return Send("OB_B", msg)
""")
    ran = command("graph", "--svg", "graph.svg")
    assert (ran.code, ran.out) == (0, "wrote graph.svg\n"), ran.err
    return Picture((repository / "graph.svg").read_text("utf-8"))


def test_every_part_is_shown_with_what_is_to_be_known_of_it(drawn: Picture) -> None:
    boxes = drawn.boxes()
    assert boxes["router both"] == ["both"]
    assert boxes["handler one"] == ["one"]
    assert boxes[f"inbound {NASTY}"][1:] == ["MLLP 127.0.0.1:2576", "started by hand"]
    assert boxes[f"inbound {LONG}"][1:] == ["MLLP 127.0.0.1:2575", "not deployed"]
    assert boxes["inbound IB_ASKED"][2:] == ["answers with the reply of OB_A"]
    assert boxes["outbound OB_A"] == ["OB_A", "MLLP lab.example:2577", "simulated"]
    assert boxes["outbound OB_B"][:1] == ["OB_B"]
    assert "a&b/<c>" in boxes["outbound OB_B"][1]
    assert boxes["outbound OB_NOBODY"][2:] == ["simulated", "not deployed"]


def test_an_inbound_that_is_sent_to_is_no_outbound_more(repository: Path, command: Command) -> None:
    (repository / "config" / "IB_EXAMPLE_ADT.py").write_text("""
from messagefoundry import MLLP, PassThrough, File, Send, handler, inbound, outbound, router

inbound("IB", MLLP(port=2575), router="r")
inbound("IB_ON", PassThrough(), router="r")
outbound("OB", File(directory="a"))

@router("r")
def route(msg):
    return "h"

@handler("h")
def h(msg):
    return Send("IB_ON", msg)
""")
    assert command("graph", "--svg", "graph.svg").code == 0
    text = (repository / "graph.svg").read_text("utf-8")
    assert text.count("Outbounds 1, passing on 1<") == 2
    assert ">Inbounds 2<" in text


def test_every_link_is_shown_once(drawn: Picture) -> None:
    found = {f"{LONG} to both", f"{NASTY} to both", "IB_ASKED to both", "both to one", "both to two"}
    assert drawn.links() == {*found, "one to OB_A", "one to OB_B", "two to OB_B"}


def test_a_long_name_keeps_its_beginning_and_its_end(drawn: Picture) -> None:
    shown = drawn.boxes()[f"inbound {LONG}"][0]
    beginning, ellipsis, end = shown.partition("…")
    assert ellipsis
    assert LONG.startswith(beginning)
    assert LONG.endswith(end)
    assert len(end) > 5


def test_what_is_named_nowhere_stands_apart(drawn: Picture) -> None:
    texts = {text.text: float(text.get("y", 0)) for text in drawn.root.iter(f"{SVG}text")}
    sentence = texts["Named by no Router's or Handler's own code:"]
    assert [name for name, y in texts.items() if y > sentence and name and name.startswith("OB_")] == ["OB_NOBODY"]


def test_the_picture_is_for_light_and_dark_and_needs_nothing_else(drawn: Picture) -> None:
    style = drawn.root.findtext(f"{SVG}style") or ""
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for role in re.findall(r'class="(\w+)', drawn.text):
        assert f".{role}" in light
    coloured = {"page", "inbound", "router", "handler", "outbound", "link", "tip", "mark", "small", "heading"}
    assert coloured <= set(re.findall(r"\.(\w+)[ ,:]", dark))
    assert light.count("{") == light.count("}")
    assert not re.search(r"href|<script|<image|@import|url\(|http(?!://www\.w3\.org/2000/svg)", drawn.text)


def test_a_scale_is_given_and_everything_lies_within(drawn: Picture) -> None:
    root = drawn.root
    wide, tall = float(root.get("width", 0)), float(root.get("height", 0))
    assert root.get("viewBox") == f"0 0 {wide:.0f} {tall:.0f}"
    for rectangle in root.iter(f"{SVG}rect"):
        right = float(rectangle.get("x", 0)) + float(rectangle.get("width", 0))
        assert right <= wide
        assert float(rectangle.get("y", 0)) + float(rectangle.get("height", 0)) <= tall


@pytest.mark.usefixtures("repository")
def test_the_picture_comes_beside_what_is_printed(command: Command) -> None:
    assert json.loads(command("graph", "--json", "--svg", "a.svg").out)["edges"]
    assert command("graph", "--mermaid", "--svg", "b.svg").out.startswith("flowchart LR")


def test_a_place_that_cannot_be_written_is_a_wrong_call(repository: Path, command: Command) -> None:
    for place in ("nowhere/graph.svg", "config"):
        ran = command("graph", "--svg", place)
        assert ran.code == 2
        assert ran.err.startswith(f"Error: {place}: cannot be written: ")
    assert not (repository / "nowhere").exists()


# -- letters ---------------------------------------------------------------------------------------------------------

HELVETICA_BOLD = {
    " ": 278, "!": 333, '"': 474, "#": 556, "$": 556, "%": 889, "&": 722, "'": 238, "(": 333, ")": 333, "*": 389,
    "+": 584,
    ",": 278, "-": 333, ".": 278, "/": 278, ":": 333, ";": 333, "<": 584, "=": 584, ">": 584, "?": 611, "@": 975,
    "[": 333, "\\": 278, "]": 333, "^": 584, "_": 556, "`": 333, "{": 389, "|": 280, "}": 389, "~": 584,
    **dict.fromkeys("0123456789", 556),
    **dict.fromkeys("ABCDHKNRU", 722), **dict.fromkeys("EPSVXY", 667), **dict.fromkeys("FLTZ", 611),
    **dict.fromkeys("GOQ", 778), "I": 278, "J": 556, "M": 833, "W": 944,
    **dict.fromkeys("acekvsxy", 556), **dict.fromkeys("bdghnopqu", 611), **dict.fromkeys("ijl", 278),
    "f": 333, "m": 889, "r": 389, "t": 333, "w": 778, "z": 500,
}  # fmt: skip
"""Widths in thousandths of an em, of the font's own metrics."""


@pytest.mark.parametrize("character", [chr(code) for code in range(32, 127)])
def test_no_character_is_wider_than_measured(character: str) -> None:
    assert letters.measured(character)
    assert letters.width(character, 1000) >= HELVETICA_BOLD[character]


@given(text=st.text(max_size=60), room=st.floats(30, 300))
def test_shortened_text_has_room(text: str, room: float) -> None:
    shown = letters.shortened(text, 13, room)
    assert letters.width(shown, 13) <= room
    assert shown == text or letters.ELLIPSIS in shown


def test_marks_take_no_room_and_wide_characters_more() -> None:
    assert letters.width("e\u0301", 10) == letters.width("e", 10) == letters.width("é", 10)
    assert letters.width("山", 10) > letters.width("M", 10)


# -- order and places ------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[list[Key]], Links]:
    columns = [[(number, f"{number}.{each}") for each in range(draw(st.integers(0, 6)))] for number in range(4)]
    possible = [(source, target) for left, right in pairwise(columns) for source in left for target in right]
    return columns, draw(st.lists(st.sampled_from(possible), max_size=20, unique=True)) if possible else []


def counted(columns: list[list[Key]], links: Links) -> int:
    """Crossings, by looking at every two links."""
    place = {key: number for column in columns for number, key in enumerate(column)}
    return sum(
        (place[a] - place[c]) * (place[b] - place[d]) < 0 for (a, b), (c, d) in combinations(links, 2) if a[0] == c[0]
    )


@given(graphs())
def test_crossings_are_counted_right(graph: tuple[list[list[Key]], Links]) -> None:
    columns, links = graph
    near = neighbours(links)
    linked = [[key for key in column if key in near] for column in columns]
    assert crossings(linked, near) == counted(linked, links)
    assert counted(untangled(linked, near), links) <= counted(linked, links)


@given(graphs())
def test_every_part_has_one_place_and_order_is_not_made_worse(graph: tuple[list[list[Key]], Links]) -> None:
    columns, links = graph
    found = bands(columns, links)
    together = [[key for band in found for key in band[number]] for number in range(4)]
    assert [sorted(column) for column in together] == [sorted(column) for column in columns]
    near = neighbours(links)
    for band in found:
        inside = {key for column in band for key in column}
        assert all(set(near.get(key, ())) <= inside for key in inside), "what hangs together is one band"
        declared = [[key for key in column if key in inside] for column in columns]
        within = [link for link in links if link[0] in inside]
        assert counted(band, within) <= counted(declared, within)


@given(st.tuples(*[st.permutations(range(12))] * 3))
def test_feeds_that_have_nothing_in_common_do_not_cross(shuffles: tuple[list[int], ...]) -> None:
    columns: list[list[Key]] = [[(0, f"{number:02}") for number in range(12)]]
    columns += [[(column, f"{number:02}") for number in shuffle] for column, shuffle in enumerate(shuffles, start=1)]
    links: Links = [((column, f"{n:02}"), (column + 1, f"{n:02}")) for column in range(3) for n in range(12)]
    found = bands(columns, links)
    assert found == [[[(column, f"{number:02}")] for column in range(4)] for number in range(12)]


@given(st.permutations(range(9)), st.permutations(range(3)))
def test_a_tree_does_not_cross(leaves: list[int], branches: list[int]) -> None:
    columns: list[list[Key]] = [[(0, "root")], [(1, str(n)) for n in branches], [(2, str(n)) for n in leaves], []]
    links: Links = [((0, "root"), (1, str(n))) for n in range(3)] + [((1, str(n % 3)), (2, str(n))) for n in range(9)]
    (band,) = bands(columns, links)
    assert counted(band, links) == 0


@given(st.permutations(range(10)), st.permutations(range(10)))
def test_a_chain_does_not_cross(handlers: list[int], outbounds: list[int]) -> None:
    columns: list[list[Key]] = [[], [], [(2, str(n)) for n in handlers], [(3, str(n)) for n in outbounds]]
    links: Links = [((2, str(n)), (3, str(n))) for n in range(10)] + [((2, str(n + 1)), (3, str(n))) for n in range(9)]
    (band,) = bands(columns, links)
    assert counted(band, links) == 0


def hidden(seed: int, size: int = 8) -> tuple[list[list[Key]], Links]:
    """A graph that can be drawn without a crossing, in another order."""
    dice = random.Random(seed)
    links: Links = []
    for column in range(3):
        left = right = 0
        while left < size and right < size:
            links.append(((column, str(left)), (column + 1, str(right))))
            lower = left == size - 1 or (right < size - 1 and dice.random() < 0.5)
            left, right = (left, right + 1) if lower else (left + 1, right)
    columns: list[list[Key]] = [[(column, str(number)) for number in range(size)] for column in range(4)]
    assert counted(columns, links) == 0
    for keys in columns:
        dice.shuffle(keys)
    dice.shuffle(links)
    return columns, links


def test_most_crossings_that_need_not_be_are_not() -> None:
    """No order is certain to be the best one; these are the crossings of 40 graphs that need none."""
    before = [counted(columns, links) for columns, links in map(hidden, range(40))]
    after = [sum(counted(band, links) for band in bands(columns, links)) for columns, links in map(hidden, range(40))]
    assert sum(before) > 4000
    assert sum(after) <= 55
    assert after.count(0) >= 30


def stand(boxes: list[list[Box]], order: list[Columns], links: Links) -> Layout:
    """The layout, in which no two boxes touch and all of them lie on the page."""
    layout = placed(boxes, order, links)
    assert set(layout.rectangles) == {box.key for column in boxes for box in column}
    for number, (x, wide) in enumerate(layout.columns):
        assert wide <= WIDEST
        here = [layout.rectangles[key] for band in order for key in band[number]]
        assert all(each.x == x and each.width == wide for each in here)
        assert all(below.y >= above.y + above.height + GAP - 1e-6 for above, below in pairwise(here))
        assert all(each.y >= MARGIN and each.y + each.height <= layout.height - MARGIN + 1e-6 for each in here)
        assert x + wide <= layout.width - MARGIN + 1e-6
    assert all(right >= left + wide + PADDING for (left, wide), (right, _) in pairwise(layout.columns))
    return layout


@given(graphs(), st.data())
def test_no_two_boxes_touch_and_all_lie_on_the_page(graph: tuple[list[list[Key]], Links], data: st.DataObject) -> None:
    columns, links = graph
    names = st.text(min_size=1, max_size=50)
    marks = st.lists(st.sampled_from(["simulated", "not deployed"]), unique=True).map(tuple)
    boxes = [[Box(key, data.draw(st.just("") | names), data.draw(marks)) for key in column] for column in columns]
    stand(boxes, bands(columns, links), links)


@pytest.mark.parametrize("crowded", [0, 5])
def test_many_that_want_one_place_stay_on_the_page(crowded: int) -> None:
    columns: list[list[Key]] = [[], [], [(2, str(n)) for n in range(4)], [(3, str(n)) for n in range(6)]]
    links: Links = [((2, "0" if crowded else "3"), (3, str(n))) for n in range(6)]
    links += [(handler, (3, str(crowded))) for handler in columns[2]]
    stand([[Box(key, "endpoint") for key in column] for column in columns], [columns], sorted(set(links)))


def test_a_feed_alone_is_one_straight_line() -> None:
    columns: list[list[Key]] = [[(number, "x")] for number in range(4)]
    links: Links = [((number, "x"), (number + 1, "x")) for number in range(3)]
    boxes = [[Box(key, "endpoint" if key[0] in (0, 3) else "")] for (key,) in columns]
    layout = placed(boxes, bands(columns, links), links)
    assert len({rectangle.middle for rectangle in layout.rectangles.values()}) == 1
