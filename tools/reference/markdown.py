"""Small pieces of Markdown, and docstrings as prose."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar or a line break in a cell is made harmless."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    """Inline code; text with backticks gets longer ones around it."""
    return f"`` {text} ``" if "`" in str(text) else f"`{text}`"


def prose(owner: object) -> str:
    """The docstring of something, one line a paragraph; indented blocks stay as they are, as code."""
    return text_of(inspect.getdoc(owner) or "")


def text_of(docstring: str) -> str:
    """A docstring as Markdown."""
    return "\n\n".join(_paragraph(part) for part in re.split(r"\n\s*\n", docstring.strip("\n")))


def _paragraph(part: str) -> str:
    indented = all(line.startswith("    ") for line in part.splitlines())
    return f"```text\n{textwrap.dedent(part)}\n```" if indented else " ".join(part.split())
