"""JSON schemas of the keywords that are tables of known keys; any value may be one of the environment instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.wiring.values import LONGEST_WINDOW_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OR_ENV = {"$ref": "#/$defs/env"}


def _value(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, OR_ENV]}


def _table(keys: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": keys, "required": list(required), "additionalProperties": False}


CLOCK = _value({"type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$|^24:00$"})
DAY = _value({"type": "integer", "minimum": 0, "maximum": 6})
WINDOW = {"days": {"type": "array", "items": DAY, "minItems": 1}, "start": CLOCK, "end": CLOCK}
OF_ALL_WINDOWS = {"timezone": _value({"type": "string"}), "invert": _value({"type": "boolean", "default": False})}
WINDOWS = {"type": "array", "items": _table(WINDOW, WINDOW), "minItems": 1}

FORMS: Mapping[str, dict[str, Any]] = {
    "schedule": {
        "description": "Weekly windows in a time zone: days from 0 for Monday, times of the wall clock.",
        "oneOf": [
            _table({**OF_ALL_WINDOWS, **WINDOW}, ["timezone", *WINDOW]),
            _table({**OF_ALL_WINDOWS, "windows": WINDOWS}, ["timezone", "windows"]),
        ],
    },
    "dedupe": {
        "description": "A message that comes again within the window is acknowledged and not routed.",
        **_table(
            {
                "key": _value({"type": "string", "default": "MSH-10"}),
                "window_seconds": _value({"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_WINDOW_SECONDS}),
            },
            ["window_seconds"],
        ),
    },
    "stall": {
        "description": "Alert when the oldest undelivered message is older.",
        **_table({"max_oldest_seconds": _value({"type": "number", "exclusiveMinimum": 0})}),
    },
}
"""By the keyword's name."""
