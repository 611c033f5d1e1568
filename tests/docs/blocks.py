from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>\w*)(?: (?P<about>[^\n]*))?\n(?P<text>.*?)^(?P=fence)$", re.M | re.S)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what stands behind that, and where it is."""

    page: Path
    line: int
    language: str
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path, text: str | None = None) -> list[Block]:
    text = page.read_text("utf-8") if text is None else text
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found["language"], found["about"] or "", found["text"])
        for found in FENCE.finditer(text)
    ]


def blocks(language: str, about: str | None = None) -> list[Block]:
    """The blocks of all written pages that have this language and, if given, exactly this behind it."""
    every = [block for page in PAGES for block in blocks_of(page)]
    return [each for each in every if each.language == language and about in (None, each.about)]
