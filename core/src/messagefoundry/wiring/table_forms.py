"""JSON schemas of keywords whose default does not say what they take; any value may be one of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.wiring.values import (
    LONGEST_WINDOW_SECONDS,
    AckAfter,
    AckOnDeadline,
    InternalErrorPolicy,
    OrderingMode,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

OR_ENV = {"$ref": "#/$defs/env"}


def _value(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, OR_ENV]}


def _table(keys: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": keys, "required": list(required), "additionalProperties": False}


def _choice(choices: type[StrEnum], default: StrEnum) -> dict[str, Any]:
    return {**_value({"enum": [str(each) for each in choices]}), "default": str(default)}


def _number(kind: str = "number", **limits: Any) -> dict[str, Any]:
    return _value({"type": kind, **limits})


SECONDS = _number(exclusiveMinimum=0)
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
        **_table({"max_oldest_seconds": SECONDS}),
    },
    "buildup": {
        "description": "Alert when more messages wait, or when the oldest has waited longer.",
        **_table({"max_depth": _number("integer"), "max_oldest_seconds": _number(default=300)}),
    },
    "retry": {
        "description": "How failed deliveries are tried again; without max_attempts for ever.",
        **_table(
            {
                "max_attempts": _number("integer", minimum=1),
                "backoff_seconds": _number(minimum=0, default=5),
                "backoff_multiplier": _number(minimum=1, default=2),
                "max_backoff_seconds": _number(minimum=0, default=300),
            }
        ),
    },
    "batch": {
        "description": "Messages go out in HL7 batches: so many, or what has come in so many milliseconds.",
        **_table(
            {
                "max_count": _number("integer", minimum=2, maximum=1000),
                "max_wait_ms": _number("integer", minimum=1),
            },
            ["max_count", "max_wait_ms"],
        ),
    },
    "ack_after": _choice(AckAfter, AckAfter.INGEST),
    "ack_deadline_seconds": SECONDS,
    "ack_on_deadline": _choice(AckOnDeadline, AckOnDeadline.AE),
    "ordering": _value({"enum": [str(each) for each in OrderingMode]}),
    "internal_error": _value({"enum": [str(each) for each in InternalErrorPolicy]}),
    "strict_timeout_s": SECONDS,
    "max_message_bytes": _number("integer", minimum=1),
    "router": _value({"type": "string"}),
    "hl7_version": _value({"type": "string"}),
    "bind_address": _value({"type": "string"}),
    "source_ip_allowlist": _value({"type": ["array", "string"], "items": {"type": "string"}}),
}
"""By the keyword's name."""
