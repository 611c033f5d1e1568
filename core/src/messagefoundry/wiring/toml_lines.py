"""Where tables and keys stand in the text of a TOML file: `tomllib` gives what it reads without line numbers.

The text is one that `tomllib` has read: nothing here judges it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.wiring.graph import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[\]{}=\n]"
    r"|[^\[\]{}=\n\"'#]+",
    re.DOTALL,
)
BARE = re.compile(r"[A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*\Z")
BRACKETS = {"[": 1, "{": 1, "]": -1, "}": -1}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """The lines of a header, of a key with its value, of a comment or of nothing; `start` and `end` are offsets."""

    text: str
    line: int
    start: int
    end: int

    @property
    def tokens(self) -> list[str]:
        """Its tokens, spaces around them removed, comments left out."""
        found = (token.strip() for token in TOKEN.findall(self.text))
        return [token for token in found if token and not token.startswith("#")]

    @property
    def is_comment(self) -> bool:
        """Whether it says something to people alone."""
        return self.text.lstrip().startswith("#")

    @property
    def is_header(self) -> bool:
        """Whether a table begins here."""
        return self.text.lstrip().startswith("[")

    @property
    def opens_array(self) -> bool:
        """Whether it is the header of one more table of an array."""
        return self.is_header and self.tokens[:2] == ["[", "["]

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the header or key."""
        tokens = self.tokens
        if self.is_header:
            return names("".join(token for token in tokens if token not in "[]"))
        return names("".join(tokens[: tokens.index("=")]))


def statements(text: str) -> Iterator[Statement]:
    """The text in pieces of whole lines, each what belongs together."""
    start, first, line, depth = 0, 1, 1, 0
    for token in TOKEN.finditer(text):
        depth += BRACKETS.get(token[0], 0)
        line += token[0].count("\n")
        if token[0] == "\n" and depth == 0:
            yield Statement(text[start : token.end()], first, start, token.end())
            start, first = token.end(), line
    if start < len(text):
        yield Statement(text[start:], first, start, len(text))


def names(key: str) -> tuple[str, ...]:
    """The names of a dotted key."""
    if BARE.match(key):
        return tuple(part.strip() for part in key.split("."))
    found: list[str] = []
    table = tomllib.loads(f"{key} = 0")
    while isinstance(table, dict):
        ((name, table),) = table.items()
        found.append(name)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Lines:
    """The line of every table and key; the tables of an array are counted from 0."""

    by_path: Mapping[Path, int]

    @classmethod
    def of(cls, text: str) -> Lines:
        """Read the places in a text."""
        found: dict[Path, int] = {}
        arrays: dict[Path, int] = {}
        table: Path = ()
        for statement in statements(text):
            if statement.is_comment or not statement.text.strip():
                continue
            key, header = statement.key, statement.is_header
            at: Path = () if header else table
            opens_array = header and statement.opens_array
            for name in key[:-1] if opens_array else key:
                at = _inside((*at, name), arrays)
                found.setdefault(at, statement.line)
            if opens_array:
                array = (*at, key[-1])
                arrays[array] = arrays.get(array, -1) + 1
                found.setdefault(array, statement.line)
                at = (*array, arrays[array])
                found[at] = statement.line
            table = at if header else table
        return cls(found)

    def line(self, path: Path) -> int:
        """The line of what is named, or of the nearest table around it that has one; 0 for none."""
        while path and path not in self.by_path:
            path = path[:-1]
        return self.by_path.get(path, 0)


def _inside(path: Path, arrays: Mapping[Path, int]) -> Path:
    """The table that a name means: of an array, the last one so far."""
    return (*path, arrays[path]) if path in arrays else path


@dataclass(frozen=True, slots=True)
class Entry:
    """One table of a file, and where its keys stand."""

    file: str
    lines: Lines
    path: Path

    def place(self, *keys: str) -> Place:
        """Where a key of it stands, or else the table."""
        return Place(self.file, self.lines.line((*self.path, *keys)))
