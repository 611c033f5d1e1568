"""What is asked of a value, and why a file is no TOML, as words for people. A value, maybe a secret, is never shown."""

from __future__ import annotations

from tomllib import TOMLDecodeError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a dict",
    "mapping": "a dict",
    "path": "a path",
    "bytes": "bytes",
}


def _number(limit: Any) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "literal_error": lambda ctx: f"must be one of {ctx['expected']}",
    "enum": lambda ctx: f"must be one of {ctx['expected']}",
    "greater_than": lambda ctx: f"must be more than {_number(ctx['gt'])}",
    "greater_than_equal": lambda ctx: f"must be at least {_number(ctx['ge'])}",
    "less_than": lambda ctx: f"must be less than {_number(ctx['lt'])}",
    "less_than_equal": lambda ctx: f"must be at most {_number(ctx['le'])}",
    "string_too_short": lambda ctx: (
        "must not be empty" if ctx["min_length"] == 1 else f"must have at least {ctx['min_length']} characters"
    ),
    "string_too_long": lambda ctx: f"must have at most {ctx['max_length']} characters",
    "value_error": lambda ctx: str(ctx["error"]),
    "assertion_error": lambda ctx: str(ctx["error"]),
}


def what_it_must_be(kind: str, found: Mapping[str, Any]) -> str:
    """What is asked of a value, going on from its name: "must be a whole number"."""
    if kind in LIMITS:
        return LIMITS[kind](found.get("ctx", {}))
    asked = KINDS.get(kind.partition("_")[0])
    if asked is not None:
        return f"must be {asked}"
    return str(found["msg"]).replace("Input should be", "must be").replace("Value error, ", "")


def why_no_toml(error: ValueError | RecursionError) -> str:
    """Why a file could not be read as TOML, from what reading its text raised."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error) if isinstance(error, TOMLDecodeError | UnicodeDecodeError) else "a number in it is too long"
