"""The Python and TOML examples of the specification, which lies beside the project and is not part of it.

Its pages come from a typesetter: many examples have lost their line breaks, and some stand partly in the running text.
What belongs together is put together here; where the line breaks were is said by whoever runs the example.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPECIFICATION = ROOT.parent / "shared" / "spec"
FENCE = re.compile(r"^```\n(.*?)^```$", re.M | re.S)
INLINE = re.compile(r"`(python|toml)\b([^`]*)`")
REST = re.compile(r" ``.*", re.S)
"""What follows an example in the same block: its closing marks, and running text."""


@dataclass(frozen=True)
class Snippet:
    """One example: the heading that it stands under and its number there, from 1."""

    page: str
    heading: str
    number: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.heading} ({self.language} {self.number})"


def snippets(folder: Path = SPECIFICATION) -> list[Snippet]:
    """Every example of every page, in order."""
    return [snippet for page in sorted(folder.glob("*.md")) for snippet in snippets_of(page)]


def snippets_of(page: Path) -> Iterator[Snippet]:
    text = page.read_text("utf-8")
    counted: dict[tuple[str, str], int] = {}
    for place, language, code in _examples(text):
        heading = _heading(text[:place])
        counted[heading, language] = number = counted.get((heading, language), 0) + 1
        yield Snippet(page.name, heading, number, language, code)


def _examples(text: str) -> Iterator[tuple[int, str, str]]:
    """Place, language and text of each example. One that begins in the running text goes on in the blocks behind it."""
    begun: tuple[int, str, list[str]] | None = None
    end = 0
    for part in re.finditer(f"{INLINE.pattern}|{FENCE.pattern}", text, re.M | re.S):
        if begun is not None and (part[3] is None or text[end : part.start()].strip()):
            yield begun[0], begun[1], "\n".join(begun[2])
            begun = None
        end = part.end()
        if part[3] is None:
            begun = (part.start(), part[1], [part[2].strip()])
        elif begun is not None:
            begun[2].append(REST.sub("", part[3]))
        elif language := _language(part[3]):
            yield part.start(), language, part[3].removeprefix(f"{language} ")
    if begun is not None:
        yield begun[0], begun[1], "\n".join(begun[2])


def _language(block: str) -> str:
    """What a block is: it says so itself, or begins as such text does. "" for commands and the like."""
    lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
    first = lines[0] if lines else ""
    if re.match(r"toml |\[", first):
        return "toml"
    return "python" if re.match(r"python (?!-)|from messagefoundry|@\w", first) else ""


def _heading(before: str) -> str:
    """The last short line that stands alone."""
    alone = re.findall(r"(?:\A|\n\n)(?![-`|_>]|\s)([^\n\t]{3,80}[^\n.:,])(?=\n\n)", before)
    return next((line for line in reversed(alone) if not re.match(r"\d+\. ", line)), "") if alone else ""
