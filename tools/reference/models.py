"""Pydantic models as tables: what each field takes, its default, and the docstring below it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tools.reference.markdown import code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

KINDS = {
    "integer": "whole number",
    "number": "number",
    "boolean": "`True`, `False`",
    "string": "text",
    "array": "list",
    "object": "dict",
    "null": "`None`",
}
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


def takes(model: type[BaseModel]) -> dict[str, str]:
    """What each field of a model takes, in words."""
    properties: dict[str, Any] = model.model_json_schema(mode="validation")["properties"]
    return {name: _words(schema) for name, schema in properties.items()}


def _words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_words(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(code(repr(each)) for each in schema.get("enum", [schema.get("const")]))
    kind = "bytes" if schema.get("format") == "binary" else KINDS.get(schema.get("type", ""), "anything")
    limits = [words.format(_number(schema[key])) for key, words in LIMITS.items() if key in schema]
    not_empty = ["not empty"] if schema.get("minLength") == 1 else []
    return ", ".join([kind, *limits, *not_empty])


def _number(limit: float) -> str:
    return f"{int(limit):,}" if float(limit).is_integer() else f"{limit:g}"


def defaults(model: type[BaseModel]) -> dict[str, Any]:
    """The default of each field that has one."""
    fields = model.model_fields.items()
    return {
        name: field.get_default(call_default_factory=True, validated_data={})
        for name, field in fields
        if not field.is_required()
    }


def notes(model: type[BaseModel]) -> dict[str, str]:
    """The docstring below each field, of the class itself or of one that it inherits from."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner.__module__.startswith("messagefoundry"):
            found.update(_notes_of(owner))
    return found


def _notes_of(owner: type) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    body = getattr(definition, "body", [])
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            yield ast.unparse(field.target), str(below.value.value)
