"""The page of hooks: their signatures, the specs that they return, and the Protocols behind these."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts import hookspecs
from messagefoundry.contracts.hookspecs import CONTRACT, ENTRY_POINT_GROUP, Hooks
from tools.reference.markdown import code, prose, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

INTRODUCTION = f"""\
# Hooks and Protocols

What plugins implement and what they are given: package `messagefoundry.contracts`, contract {CONTRACT}, entry-point
group `{ENTRY_POINT_GROUP}`. How to write a plugin: [Plugins](../plugins.md)."""

MODULES = ("specs", "transport", "settings", "inbound", "outbound", "codecs", "references", "alerts", "stores")


def hooks() -> dict[str, Any]:
    """Every hook by name."""
    return {name: hook for name, hook in vars(Hooks).items() if not name.startswith("_")}


def signature(function: Any) -> str:
    """Arguments and result of a function as they are written, without `self`."""
    text = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
    return re.sub(r"'([^']*)'", r"\1", text)


def page() -> str:
    """The text of the page."""
    parts = [INTRODUCTION, f"## Hooks\n\n{text_of(hookspecs.__doc__ or '')}"]
    parts += [f"### {name}\n\n{_shown(f'{name}{signature(hook)}')}\n\n{prose(hook)}" for name, hook in hooks().items()]
    for name in MODULES:
        parts += described(importlib.import_module(f"messagefoundry.contracts.{name}"))
    return "\n\n".join(parts)


def described(module: ModuleType) -> Iterator[str]:
    """A module of the contract: its own words, its classes, its functions."""
    yield f"## {module.__name__.rpartition('.')[2]}\n\n{text_of(module.__doc__ or '')}"
    for name, each in vars(module).items():
        if getattr(each, "__module__", "") != module.__name__ or name.startswith("_"):
            continue
        if inspect.isclass(each):
            yield f"### {name}\n\n{prose(each)}"
            yield from _members(each)
        elif inspect.isfunction(each):
            yield f"### {name}\n\n{_shown(f'{name}{signature(each)}')}\n\n{prose(each)}"


def _members(owner: type) -> Iterator[str]:
    if dataclasses.is_dataclass(owner):
        yield _shown("\n".join(_field(field) for field in dataclasses.fields(owner)))
    methods = [each for each in vars(owner).items() if _documented(*each)]
    rows = [f"- {code(_call(name, each))}: {prose(each)}" for name, each in methods]
    if rows:
        yield "\n".join(" ".join(row.split()) for row in rows)


def _documented(name: str, member: object) -> bool:
    public = not name.startswith("_") or name in ("__aenter__", "__aexit__")
    return public and (inspect.isfunction(member) or isinstance(member, property)) and bool(member.__doc__)


def _call(name: str, member: Any) -> str:
    if isinstance(member, property):
        return name
    return f"{'async ' if inspect.iscoroutinefunction(member) else ''}{name}{signature(member)}"


def _field(field: dataclasses.Field[Any]) -> str:
    default = "" if field.default is dataclasses.MISSING else f" = {field.default!r}"
    return f"{field.name}: {field.type}{default or _made(field)}"


def _made(field: dataclasses.Field[Any]) -> str:
    return "" if field.default_factory is dataclasses.MISSING else f" = {field.default_factory()!r}"


def _shown(text: str) -> str:
    return f"```text\n{text}\n```"
