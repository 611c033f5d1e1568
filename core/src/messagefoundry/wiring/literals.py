"""Names that stand as text where a Router returns them or a Handler sends to them.

What a function really does is known only when it runs; a name written as text is one that it may come to.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import Problem
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.values import Send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from messagefoundry.wiring.graph import Graph

NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Written:
    """A name as text, and where it stands."""

    name: str
    file: str
    line: int


def undeclared(graph: Graph) -> tuple[Problem, ...]:
    """A warning for each name that a Router returns, or a Handler sends to, and that nothing declared has."""
    found = [
        _warning(written, router.name, f"returns {written.name!r}, and no Handler has this name", graph.handlers)
        for router in graph.routers.values()
        for written in returned(router.function)
        if written.name not in graph.handlers
    ]
    found += [
        _warning(written, handler.name, f"sends to {written.name!r}, and no outbound has this name", graph.outbounds)
        for handler in graph.handlers.values()
        for written in sent_to(handler.function)
        if written.name not in graph.outbounds
    ]
    return tuple(dict.fromkeys(found))


def unreturned(graph: Graph) -> tuple[Problem, ...]:
    """A warning for each Send in a Handler that stands as a statement, so that nothing is sent."""
    found = [
        Problem(f"the Send at line {line} is not returned: it sends nothing", "return it", file, line, handler.name)
        for handler in graph.handlers.values()
        for file, line in lost_sends(handler.function)
    ]
    return tuple(dict.fromkeys(found))


def lost_sends(function: Callable[..., Any]) -> Iterator[tuple[str, int]]:
    """File and line of each Send that a function itself makes and drops."""
    source = _Source.of(function)
    if source is None:
        return
    for node in _own_nodes(source.definition):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _is_send(node.value.func, function):
            yield source.file, source.before + node.lineno


def _warning(written: Written, who: str, text: str, known: Iterable[str]) -> Problem:
    mend = did_you_mean(written.name, known)
    return Problem(f"{text}: such messages end in ERROR", mend, written.file, written.line, who)


def returned(function: Callable[..., Any]) -> Iterator[Written]:
    """The names that a function itself returns or yields: alone, in a list, or as one of the ways of a condition."""
    source = _Source.of(function)
    if source is None:
        return
    for node in _own_nodes(source.definition):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield from source.written(node.value)


def sent_to(function: Callable[..., Any]) -> Iterator[Written]:
    """The names that Sends have as text, in a function and in those of its module that it calls."""
    functions: list[Callable[..., Any]] = [function, *_called(function)]
    for each in functions:
        source = _Source.of(each)
        if source is None:
            continue
        for node in ast.walk(source.definition):
            if isinstance(node, ast.Call) and _is_send(node.func, each):
                targets = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "to")]
                for target in targets:
                    yield from source.written(target)


@dataclass(frozen=True, slots=True)
class _Source:
    """The text of one function."""

    definition: ast.FunctionDef
    file: str
    before: int
    """Lines of the file before it."""

    @classmethod
    def of(cls, function: Callable[..., Any]) -> _Source | None:
        """None for what was not written as a plain `def`."""
        try:
            lines, first = inspect.getsourcelines(function)
            (definition,) = ast.parse(textwrap.dedent("".join(lines))).body
        except (OSError, TypeError, SyntaxError, ValueError):
            return None
        file = inspect.getsourcefile(function) or ""
        return cls(definition, file, first - 1) if isinstance(definition, ast.FunctionDef) else None

    def written(self, value: ast.expr) -> Iterator[Written]:
        """The names that an expression has as text."""
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield Written(value.value, self.file, self.before + value.lineno)
        for part in _parts(value):
            yield from self.written(part)


def _parts(value: ast.expr) -> list[ast.expr]:
    """What an expression may be, or has in it as names."""
    if isinstance(value, ast.IfExp):
        return [value.body, value.orelse]
    if isinstance(value, ast.BoolOp):
        return value.values
    return value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else []


def _own_nodes(definition: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, those of functions in it left out."""
    for node in ast.iter_child_nodes(definition):
        if not isinstance(node, NESTED):
            yield node
            yield from _own_nodes(node)


def _called(function: Callable[..., Any]) -> list[FunctionType]:
    code, module = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    named = [module.get(name) for name in code.co_names] if code is not None else []
    return [each for each in named if isinstance(each, FunctionType) and each.__module__ == function.__module__]


def _is_send(called: ast.expr, function: Callable[..., Any]) -> bool:
    if isinstance(called, ast.Attribute):
        return called.attr == Send.__name__
    return isinstance(called, ast.Name) and getattr(function, "__globals__", {}).get(called.id) is Send
