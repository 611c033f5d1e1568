"""What of an edited configuration makes a Handler run other code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.engine.reload import changes
from messagefoundry.plugins import Installed
from messagefoundry.wiring.load import load_graph

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.wiring.graph import Graph

FEED = """
import functools
import re
import _segments
from _segments import Tidy, tidy
from messagefoundry import handler, router

LAB = {"A": "B"}
KIND = re.compile("x")
LATE = []

@router("adt")
def route(msg):
    return ["lab", "ward", "shape", "made"]

@handler("lab", accepts=lambda msg: KIND.match("x"))
def lab(msg):
    return LAB[tidy(msg)]

@handler("ward")
def ward(msg):
    return helped(msg)

def helped(msg):
    return ward, _segments.deeper(msg)

@handler("shape")
def shape(msg):
    return Tidy().of(msg), [each for each in msg if each == "inner"]

def twice(function):
    @functools.wraps(function)
    def both(msg):
        return function(msg)
    return both

@handler("made")
@twice
def made(msg):
    LATE.append(object())
    return {"one", "two"}, cached(msg)

@functools.lru_cache
def cached(msg):
    return "kept"
"""
SEGMENTS = """
DEPTH = 1

def tidy(msg):
    return "tidy"

def deeper(msg):
    return DEPTH

class Tidy:
    @staticmethod
    def of(msg):
        return "static"
"""


def loaded(folder: Path, feed: str, segments: str) -> Graph:
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "feed.py").write_text(feed)
    (folder / "_segments.py").write_text(segments)
    return load_graph(folder, installed=Installed(), environment="dev", values={})


@pytest.mark.parametrize(
    ("old", "new", "routers", "handlers"),
    [
        ("import re\n", "import re\n\n# a comment\n\n", (), ()),
        ('"B"}', '"C"}', (), ("lab",)),
        ('compile("x")', 'compile("y")', (), ("lab",)),
        ('match("x")', 'match("z")', (), ("lab",)),
        ('return "tidy"', 'return "tidied"', (), ("lab",)),
        ("DEPTH = 1", "DEPTH = 2", (), ("ward",)),
        ('"static"', '"dynamic"', (), ("shape",)),
        ('"inner"', '"outer"', (), ("shape",)),
        ('"one", "two"', '"one", "three"', (), ("made",)),
        ('"kept"', '"lost"', (), ("made",)),
        ("    return function(msg)", "    return function(msg) or 1", (), ("made",)),
        ('["lab", ', '["ward", ', ("adt",), ()),
        ('@handler("ward")', '@handler("yard")', (), ("yard", "ward")),
    ],
)
def test_what_differs_is_named(
    tmp_path: Path, old: str, new: str, routers: tuple[str, ...], handlers: tuple[str, ...]
) -> None:
    before = loaded(tmp_path / "config", FEED, SEGMENTS)
    assert old in FEED + SEGMENTS
    after = loaded(tmp_path / "config", FEED.replace(old, new), SEGMENTS.replace(old, new))
    found = changes(before, after)
    assert (found.routers, found.handlers) == (routers, handlers)
