"""Changing keys in the text of one table of an array, statement by statement: what is not changed keeps its bytes.

A table may have its parts as `[array.part]`, as `part.key = …` and as `part = { … }`; each stays as it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit

from messagefoundry.wiring.toml_lines import TOKEN, Statement, statements

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement of a table with its path inside of it; `header` is that of the part in which it stands."""

    statement: Statement
    path: Path
    header: Path

    @property
    def says_something(self) -> bool:
        """Whether it is more than a comment or an empty line."""
        return bool(self.statement.text.strip()) and not self.statement.is_comment


def placed(block: str, array: str) -> list[Placed]:
    """The statements of one table of `array`, its own header first."""
    found: list[Placed] = []
    header: Path = ()
    for each in statements(block):
        if each.is_comment or not each.text.strip():
            found.append(Placed(each, header, header))
            continue
        header = each.key[1:] if each.is_header else header
        found.append(Placed(each, header if each.is_header else (*header, *each.key), header))
    return found


def with_value(block: str, array: str, path: Path, value: Any) -> str:
    """The block with `value` at `path`, one or two names deep."""
    pieces = placed(block, array)
    keys = [each for each in pieces if each.says_something and not each.statement.is_header]
    for each in keys:
        if each.path == path and not is_table(value):
            return _spliced(block, each.statement, _valued(each.statement.text, rendered(value)))
        if len(path) == 2 and each.path == path[:1]:
            return _spliced(
                block, each.statement, _valued(each.statement.text, _inside(each.statement.text, path[1], value))
            )
    if any(each.says_something and each.path[: len(path)] == path for each in pieces):
        return with_value(without(block, array, path), array, path, value)
    return _added(block, array, path, value)


def without(block: str, array: str, path: Path) -> str:
    """The block without what is at `path`, a whole part if it is one."""
    for each in placed(block, array):
        if not each.says_something or each.statement.is_header:
            continue
        if len(path) == 2 and each.path == path[:1]:
            return _spliced(
                block, each.statement, _valued(each.statement.text, _inside(each.statement.text, path[1], None))
            )
    kept = [
        each
        for each in placed(block, array)
        if not (each.path[: len(path)] == path and (each.says_something or each.header[: len(path)] == path))
    ]
    return "".join(each.statement.text for each in kept)


def _added(block: str, array: str, path: Path, value: Any) -> str:
    if is_table(value):
        part = ".".join(key_of(name) for name in (array, *path))
        lines = "".join(f"{key_of(key)} = {rendered(each)}\n" for key, each in value.items())
        return f"{_ended(block)}\n[{part}]\n{lines}"
    said = [each for each in placed(block, array) if each.says_something]
    inside = [each for each in said if each.header == path[:-1]]
    dotted = [each for each in said if len(path) == 2 and each.header == () and each.path[:1] == path[:1]]
    if dotted:
        return _after(block, dotted[-1].statement, f"{key_of(path[0])}.{key_of(path[1])} = {rendered(value)}\n")
    if inside:
        return _after(block, inside[-1].statement, f"{key_of(path[-1])} = {rendered(value)}\n")
    return _added(block, array, path[:-1], {path[-1]: value})


def _after(block: str, statement: Statement, line: str) -> str:
    first = statement.text.lstrip("\r\n")
    indentation = first[: len(first) - len(first.lstrip(" \t"))]
    return f"{_ended(block[: statement.end])}{indentation}{line}{block[statement.end :]}"


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _spliced(block: str, statement: Statement, text: str) -> str:
    return block[: statement.start] + text + block[statement.end :]


# -- one value -------------------------------------------------------------------------------------------------------


def is_table(value: Any) -> bool:
    """Whether a value is written as a part of its own; one of the environment is not."""
    return isinstance(value, Mapping) and "env" not in value


def rendered(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        pairs = [f"{key_of(key)} = {rendered(each)}" for key, each in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(rendered, value))}]"
    return str(tomlkit.item(value).as_string())


def key_of(name: str) -> str:
    """A key, in quotes if it needs them."""
    return tomlkit.key(name).as_string()


def _value_span(text: str) -> tuple[int, int]:
    """Where the value of a statement begins and ends: behind the first `=`, before a comment."""
    begin, end, depth = -1, -1, 0
    for token in TOKEN.finditer(text):
        if begin < 0:
            begin = token.end() if token[0] == "=" else -1
        elif token[0].strip() and (depth or not token[0].startswith("#")):
            end = token.start() + len(token[0].rstrip())
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
    return begin, end


def _valued(text: str, value: str) -> str:
    begin, end = _value_span(text)
    return f"{text[:begin]} {value}{text[end:]}"


def _inside(text: str, key: str, value: Any) -> str:
    """The inline table of a statement with another value of one key, None for none."""
    begin, end = _value_span(text)
    table: Any = tomlkit.value(text[begin:end].strip())
    if value is None:
        table.pop(key, None)
    else:
        table[key] = tomlkit.value(rendered(value))
    return str(table.as_string())
