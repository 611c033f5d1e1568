"""Changing one Connection in the text of `connections.toml`; every other line, comment and blank stays as it is.

Only the statements of the one table are touched: tomlkit, given a whole file, moves tables that are written in turns.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import MessageFoundryError
from messagefoundry.wiring.toml_edit import is_table, with_value, without
from messagefoundry.wiring.toml_lines import Statement, statements

if TYPE_CHECKING:
    from messagefoundry.wiring.connections_file import Kind, Written

FIRST = ("name", "transport", "router")


class UneditableError(MessageFoundryError):
    """The table is written in a way that cannot be changed line by line: edit the file by hand."""


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets of one table's lines, the comment directly above included, and of the end of what is in it."""

    start: int
    filled: int
    end: int


def upserted(written: Written, kind: Kind, name: str, patch: Mapping[str, Any]) -> str:
    """The text with a Connection added, or changed by a JSON merge patch (RFC 7396): None takes a key away."""
    number = number_of(written, kind, name)
    if number is None:
        return _checked(
            added(written.text, kind, {"name": name, **merged({}, patch)}), written, kind, None, patch, name
        )
    span = span_of(written.text, kind, number)
    block, rest = written.text[span.start : span.filled], written.text[span.filled :]
    text = written.text[: span.start] + changed(block, kind, written.tables[kind][number], patch) + rest
    return _checked(text, written, kind, number, patch, name)


def removed(written: Written, kind: Kind, name: str) -> str:
    """The text without a Connection that is there, nor the comment directly above it."""
    number = number_of(written, kind, name)
    if number is None:
        raise UneditableError
    span = span_of(written.text, kind, number)
    before, after = written.text[: span.start], written.text[span.end :]
    text = before + after if after.strip() else before.rstrip() + "\n" * bool(before.strip())
    expected = {key: list(value) for key, value in written.tables.items()}
    del expected[kind][number]
    return _as_expected(text, {key: value for key, value in expected.items() if value})


def number_of(written: Written, kind: Kind, name: str) -> int | None:
    """Where in the file's array of this kind a Connection is."""
    return next(
        (number for each, number, table in written.entries() if (each, table.get("name")) == (kind, name)), None
    )


def span_of(text: str, kind: Kind, number: int) -> Span:
    """The lines of one table. Raises UneditableError for one that is no block of its own."""
    pieces = list(statements(text))
    heads = [at for at, piece in enumerate(pieces) if _begins_a_table(piece)]
    ours = [at for at in heads if pieces[at].key == (kind,)]
    if number >= len(ours):
        raise UneditableError
    first, beyond = ours[number], next((at for at in heads if at > ours[number]), len(pieces))
    start, end = _with_comment(pieces, first), _with_comment(pieces, beyond)
    last = max(at for at in range(first, beyond) if pieces[at].text.strip() and not pieces[at].is_comment)
    while last + 1 < end and pieces[last + 1].is_comment:
        last += 1
    offset_of_end = pieces[end].start if end < len(pieces) else len(text)
    return Span(pieces[start].start, pieces[last].end, offset_of_end)


def _begins_a_table(piece: Statement) -> bool:
    """Whether something begins here that is no part of the Connection above."""
    return piece.is_header and len(piece.key) == 1


def _with_comment(pieces: list[Statement], head: int) -> int:
    while head > 0 and pieces[head - 1].is_comment:
        head -= 1
    return head


# -- one table -------------------------------------------------------------------------------------------------------


def changed(block: str, kind: Kind, before: Mapping[str, Any], patch: Mapping[str, Any]) -> str:
    """The lines of one table after a merge patch, in the line ends that they have."""
    after, text = merged(before, patch), block
    for key, value in patch.items():
        if is_table(before.get(key)) and is_table(after.get(key)):
            for each in value:
                text = _changed_at(text, kind, (key, each), before[key].get(each), after[key].get(each))
        else:
            text = _changed_at(text, kind, (key,), before.get(key), after.get(key))
    return with_line_ends_of(block, text)


def _changed_at(text: str, kind: Kind, path: tuple[str, ...], before: Any, after: Any) -> str:
    if same(before, after) or (before is None and after == {}):
        return text
    return without(text, kind, path) if after is None else with_value(text, kind, path, after)


def same(one: Any, other: Any) -> bool:
    """Whether two values are written alike: true is not 1."""
    return type(one) is type(other) and bool(one == other)


def with_line_ends_of(old: str, text: str) -> str:
    """`text` with the line ends of an old one."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in old else text


def added(text: str, kind: Kind, entry: Mapping[str, Any]) -> str:
    """The text with one more table at its end."""
    block = f"[[{kind}]]\n"
    for key in sorted(entry, key=lambda key: (is_table(entry[key]), FIRST.index(key) if key in FIRST else len(FIRST))):
        block = with_value(block, kind, (key,), entry[key])
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    return with_line_ends_of(text, before + block)


def merged(table: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A table after a merge patch. A value of the environment is replaced as a whole."""
    found = dict(table)
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            old = found.get(key)
            found[key] = merged(old if isinstance(old, Mapping) and is_table(old) and is_table(value) else {}, value)
        else:
            found[key] = value
    return found


# -- proof -----------------------------------------------------------------------------------------------------------


def _checked(text: str, written: Written, kind: Kind, number: int | None, patch: Mapping[str, Any], name: str) -> str:
    """`text`, once it says what the change asked for and nothing else."""
    expected = {key: list(value) for key, value in written.tables.items()}
    if number is None:
        expected.setdefault(kind, []).append({"name": name, **merged({}, patch)})
    else:
        expected[kind][number] = merged(expected[kind][number], patch)
    return _as_expected(text, expected)


def _as_expected(text: str, expected: Mapping[str, Any]) -> str:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise UneditableError from None
    if _filled(found) != _filled(expected):
        raise UneditableError
    return text


def _filled(tables: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The entries without parts that are empty: one of dotted keys is gone with the last of them."""
    return {
        kind: [{key: part for key, part in each.items() if part != {}} for each in many]
        for kind, many in tables.items()
    }
