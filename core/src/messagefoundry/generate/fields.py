"""Writing segments, fields and components with the delimiters of HL7 v2.5.1 §2.5.4."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"})


def segment(name: str, fields: Mapping[int, str]) -> str:
    """A segment of the fields that are given by sequence number; nothing stands after the last one with a value."""
    last = max((number for number, value in fields.items() if value), default=0)
    return "|".join([name, *(fields.get(number, "") for number in range(1, last + 1))])


def components(*parts: str) -> str:
    """A field of components, those at its end left out while they are empty."""
    return "^".join(parts).rstrip("^")


def repeated(values: Iterable[str]) -> str:
    """A field of repetitions."""
    return "~".join(values)


def escaped(text: str) -> str:
    """Text with its delimiters escaped (§2.7)."""
    return text.translate(_ESCAPES)


def coded(code: str, text: str, system: str) -> str:
    """A code with its text and coding system (CE, CWE)."""
    return components(code, escaped(text), system)


def day(value: date) -> str:
    """A day (DT)."""
    return f"{value:%Y%m%d}"


def minute(value: datetime) -> str:
    """A time to the minute, as people write it (TS)."""
    return f"{value:%Y%m%d%H%M}"


def second(value: datetime) -> str:
    """A time to the second, as machines write it (TS)."""
    return f"{value:%Y%m%d%H%M%S}"
