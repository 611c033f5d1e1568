"""The rows of a reference set as bytes, to be kept sealed in the store, and back.

Each row is a line of JSON, `["code", value]`: a set may be large, and one call over all of it would stop every other
thread of the engine. What JSON has no word for is a list of its kind and its text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from messagefoundry.contracts.errors import SourceUnreadable

PLAIN = (str, int, float, type(None))
"""What JSON has itself; a truth value is an int."""

KINDS: Mapping[str, tuple[type[Any], Callable[[str], Any]]] = {
    "datetime": (datetime, datetime.fromisoformat),
    "date": (date, date.fromisoformat),
    "time": (time, time.fromisoformat),
    "decimal": (Decimal, Decimal),
}
"""The others, by the word that they are marked with; a datetime is a date too, so it comes first."""

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def content_of(values: Mapping[str, Any]) -> bytes:
    """The rows of a source as bytes, once each of them is found sound. Raises SourceUnreadable."""
    try:
        return b"\n".join(_JSON([_code(code), _row(value)]).encode() for code, value in values.items())
    except UnicodeEncodeError:
        raise SourceUnreadable("a row has text that is no Unicode") from None


def values_of(content: bytes) -> dict[str, Any]:
    """The rows that `content_of` turned into bytes. Raises ValueError for other bytes."""
    try:
        rows = [json.loads(line) for line in content.split(b"\n")] if content else []
        return {code: _value(row) for code, row in rows}
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise ValueError("these are not the rows of a reference set") from None


def _code(code: object) -> str:
    if not isinstance(code, str):
        raise SourceUnreadable(f"a code is text, and one is of the kind {type(code).__name__}")
    if not code:
        raise SourceUnreadable("a row has no code")
    return code


def _row(value: object) -> object:
    if not isinstance(value, Mapping):
        return _cell(value)
    if not all(isinstance(column, str) for column in value):
        raise SourceUnreadable("the name of a column is text")
    return {column: _cell(cell) for column, cell in value.items()}


def _cell(cell: object) -> object:
    if isinstance(cell, PLAIN):
        return cell
    for word, (kind, _) in KINDS.items():
        if isinstance(cell, kind):
            return [word, str(cell) if kind is Decimal else cell.isoformat()]
    text = "a row has a value of the kind {}, and a set holds text, numbers, truth values, dates and times"
    raise SourceUnreadable(text.format(type(cell).__name__))


def _value(row: object) -> object:
    return {column: _read(cell) for column, cell in row.items()} if isinstance(row, dict) else _read(row)


def _read(cell: object) -> object:
    if not isinstance(cell, list):
        return cell
    word, text = cell
    return KINDS[word][1](text)
