"""Relative links of Markdown pages: whether the file is there, and the heading that an anchor names."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FENCED = re.compile(r"^(`{3,})[^\n]*\n.*?^\1`*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def dead_links(page: Path) -> Iterator[str]:
    """The links of a page that lead to no file, or to no heading in it. Links to other hosts are not looked at."""
    for link in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / unquote(place)).resolve() if place else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            yield link


def links(text: str) -> list[str]:
    """The targets of a page's links, without those in code."""
    return _LINK.findall(_CODE.sub("", _FENCED.sub("", text)))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, made as GitHub makes them."""
    counts = Counter(map(slug, _HEADING.findall(_FENCED.sub("", text))))
    again = {f"{anchor}-{number}" for anchor, count in counts.items() for number in range(1, count)}
    return {*counts, *again}


def slug(heading: str) -> str:
    """The anchor of one heading: lower case, words joined by hyphens, no punctuation."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
