"""Python text as ruff formats it: literals, calls, comments and names. Pure."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from dataclasses import dataclass

WIDTH = 88
"""Ruff's own default. Nothing is broken in a way that a wider limit would undo: arguments end with a comma."""

STEP = 4
LONGEST_SLUG = 30

Value = "str | Call"


def quoted(text: str) -> str:
    """`text` as a literal; what does not print, or is wide, is written as an escape."""
    quote = '"' if text.count('"') <= text.count("'") else "'"
    return quote + "".join(_in_literal(char, quote) for char in text) + quote


def _in_literal(char: str, quote: str) -> str:
    if char in (quote, "\\"):
        return "\\" + char
    return char if _plain(char) else char.encode("unicode_escape").decode()


def _plain(char: str) -> bool:
    """Whether a character prints, takes one column, and joins with none beside it."""
    if char.isascii():
        return char.isprintable()
    narrow = unicodedata.east_asian_width(char) not in ("W", "F")
    return narrow and char.isprintable() and not unicodedata.category(char).startswith("M")


def on_one_line(text: str) -> str:
    """`text` for comments and reports: line breaks and what does not print as escapes, tabs as spaces."""
    return "".join(char if _plain(char) else char.encode("unicode_escape").decode() for char in text.expandtabs(4))


def kept(text: str, indent: int = 0) -> list[str]:
    """Foreign text as comment lines. The bar keeps it from being read as a directive of a tool."""
    pad = " " * indent
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    return [f"{pad}# | {on_one_line(line)}".rstrip() for line in lines]


def remark(text: str, indent: int = 0) -> str:
    """One comment line of our own."""
    return f"{' ' * indent}# {on_one_line(text)}".rstrip()


def docstring(text: str, indent: int) -> str:
    """A docstring of one line; what would end it early, or be an escape, is replaced."""
    shown = on_one_line(text).replace("\\", "/").replace('"', "'").strip()
    return f'{" " * indent}"""{shown}"""'


@dataclass(frozen=True, slots=True)
class Call:
    """A call, or a list when `brackets` are square: on one line when it fits, else one argument a line."""

    name: str
    arguments: tuple[tuple[str, str | Call], ...]
    brackets: str = "()"

    def flat(self) -> str:
        """The call on one line."""
        inner = ", ".join(
            _led(word) + (each if isinstance(each, str) else each.flat()) for word, each in self.arguments
        )
        return f"{self.name}{self.brackets[0]}{inner}{self.brackets[1]}"

    def lines(self, indent: int = 0, before: str = "", after: str = "") -> list[str]:
        """The call at an indentation, with what stands before and after it."""
        pad = " " * indent
        line = f"{pad}{before}{self.flat()}{after}"
        if len(line) <= WIDTH:
            return [line]
        inner: list[str] = []
        for word, each in self.arguments:
            if isinstance(each, Call):
                inner += each.lines(indent + STEP, _led(word), ",")
            else:
                inner.append(f"{pad}{' ' * STEP}{_led(word)}{each},")
        return [f"{pad}{before}{self.name}{self.brackets[0]}", *inner, f"{pad}{self.brackets[1]}{after}"]


def _led(word: str) -> str:
    return f"{word}=" if word else ""


def call(name: str, *positional: str | Call, **keywords: str | Call) -> Call:
    """A call with its arguments in order."""
    return Call(name, (*(("", each) for each in positional), *keywords.items()))


def listed(items: list[str]) -> Call:
    """A list of expressions."""
    return Call("", tuple(("", item) for item in items), "[]")


def raised(text: str, indent: int) -> list[str]:
    """The statement that fails where something is not translated."""
    return call("NotTranslated", quoted(text)).lines(indent, "raise ")


def slug(text: str, fallback: str) -> str:
    """`text` as lower_snake_case of ASCII letters, digits and underscores that begins with a letter."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "_", folded).strip("_")[:LONGEST_SLUG].strip("_") or fallback
    return found if found[0].isalpha() else f"{fallback}_{found}"


class Names:
    """Names already taken, so that each is given once."""

    def __init__(self, *taken: str) -> None:
        self.taken = {*taken}

    def fresh(self, wanted: str) -> str:
        """`wanted`, or with a number behind it."""
        name, number = wanted, 1
        while name.casefold() in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        self.taken.add(name.casefold())
        return name


RESERVED = frozenset(
    {*keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
    | {"msg", "tmp", "channel_map", "connector_map", "removed", "met", "put", "route"}
    | {"env", "handler", "inbound", "outbound", "router"}
)


def local_name(name: str) -> str:
    """A JavaScript variable's name for Python."""
    clean = re.sub(r"[^0-9A-Za-z_]", "_", name)
    mine = clean in RESERVED or clean.startswith(("to_", "source_", "_")) or clean[:1].isupper() or clean[:1].isdigit()
    return f"js_{clean}" if mine else clean
