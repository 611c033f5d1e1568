"""JSON schemas of connections.toml and of a connector's options, for editors and for programs that write the file."""

from __future__ import annotations

import ast
import inspect
import textwrap
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.settings import ConnectorSettings, Direction
from messagefoundry.contracts.specs import ConnectorSpec, load
from messagefoundry.wiring.connections_file import KINDS, TABLES, TYPES
from messagefoundry.wiring.declare import KEYWORDS
from messagefoundry.wiring.options import NOT_YET
from messagefoundry.wiring.table_forms import FORMS, OR_ENV

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENV = {
    "type": "object",
    "description": "A value of the active environment.",
    "properties": {
        "env": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "cast": {"enum": list(TYPES)},
        "default": {},
    },
    "required": ["env"],
    "additionalProperties": False,
}


def options_schema(spec: ConnectorSpec, direction: Direction | None = None) -> dict[str, Any]:
    """The schema of a connector's options, of one direction's alone if given."""
    model: type[ConnectorSettings] = load(spec.settings)
    return {"$schema": DIALECT, "title": spec.name, **_options(model, direction), "$defs": {"env": ENV, **_defs(model)}}


def file_schema(specs: Iterable[ConnectorSpec]) -> dict[str, Any]:
    """The schema of connections.toml, with the connectors that are installed."""
    specs = list(specs)
    models = [(spec, load(spec.settings)) for spec in specs]
    defs = {name: each for _, model in models for name, each in _defs(model).items()}
    return {
        "$schema": DIALECT,
        "title": "connections.toml",
        "type": "object",
        "properties": {kind: {"type": "array", "items": _entry(kind, specs)} for kind in KINDS},
        "additionalProperties": False,
        "$defs": {"env": ENV, **defs},
    }


def _entry(kind: Direction, specs: Iterable[ConnectorSpec]) -> dict[str, Any]:
    able = [spec for spec in specs if getattr(spec, kind) is not None]
    keywords = {name: _keyword(name, default) for name, default in KEYWORDS[kind].items() if name not in NOT_YET}
    own = {"name": {"type": "string"}, "transport": {"enum": [spec.name for spec in able]}, "settings": {}}
    return {
        "type": "object",
        "properties": {**own, **keywords},
        "required": [
            "name",
            "transport",
            *(name for name in keywords if KEYWORDS[kind][name] is inspect.Parameter.empty),
        ],
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"properties": {"transport": {"const": spec.name}}},
                "then": {"properties": {"settings": _options(load(spec.settings), kind)}},
            }
            for spec in able
        ],
    }


def _keyword(name: str, default: Any) -> dict[str, Any]:
    """A keyword of inbound() or outbound(), as far as its default says what it is."""
    if name in FORMS:
        return FORMS[name]
    if name in TABLES:
        return {"type": "object"}
    if isinstance(default, StrEnum):
        return {"anyOf": [{"enum": [str(each) for each in type(default)]}, OR_ENV], "default": str(default)}
    if isinstance(default, bool):
        return {"anyOf": [{"type": "boolean"}, OR_ENV], "default": default}
    return {}


def _options(model: type[ConnectorSettings], direction: Direction | None) -> dict[str, Any]:
    schema = model.model_json_schema(mode="validation")
    names = list(model.model_fields) if direction is None else model.options_for(direction)
    said = dict(_notes(model))
    properties = {name: _option(schema["properties"][name], said.get(name, "")) for name in names}
    return {
        "type": "object",
        "description": inspect.getdoc(model) or "",
        "properties": properties,
        "required": [name for name in schema.get("required", ()) if name in properties],
        "additionalProperties": False,
    }


def _defs(model: type[ConnectorSettings]) -> dict[str, Any]:
    found: dict[str, Any] = model.model_json_schema(mode="validation").get("$defs", {})
    return found


def _option(schema: dict[str, Any], note: str) -> dict[str, Any]:
    """One option: what it takes without null, which TOML has not, or a value of the environment instead."""
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default", "title", "description"}}
    takes = [each for each in schema.get("anyOf", [rest]) if each.get("type") != "null"]
    default = {"default": schema["default"]} if schema.get("default") is not None else {}
    return {**({"description": note} if note else {}), "anyOf": [*takes, OR_ENV], **default}


def _notes(model: type[ConnectorSettings]) -> Iterator[tuple[str, str]]:
    """The docstring below each field, of the class itself or of one that it inherits from."""
    for owner in reversed(model.__mro__):
        if issubclass(owner, ConnectorSettings) and owner is not ConnectorSettings:
            yield from _notes_of(owner)


def _notes_of(owner: type) -> Iterator[tuple[str, str]]:
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return
    for field, below in pairwise(getattr(definition, "body", [])):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            yield ast.unparse(field.target), str(below.value.value)


def secrets(model: type[ConnectorSettings]) -> frozenset[str]:
    """The options that are never shown: those of a secret type, and those kept out of the model's repr."""
    properties = model.model_json_schema(mode="validation")["properties"]
    typed = {name for name, schema in properties.items() if "password" in _formats(schema)}
    return frozenset({*typed, *(name for name, field in model.model_fields.items() if not field.repr)})


def _formats(schema: dict[str, Any]) -> set[str]:
    return {str(each.get("format")) for each in (schema, *schema.get("anyOf", ()))}
