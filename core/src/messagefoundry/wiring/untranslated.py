"""Steps of an imported channel that nobody has written in Python yet: what fails there, and a warning of each."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import FunctionType
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from messagefoundry.wiring.graph import Graph


class NotTranslated(Exception):
    """A step of an imported channel is not written in Python yet.

    `messagefoundry import` puts `raise NotTranslated("...")` where a channel does something that it cannot translate.
    The message becomes a dead letter, which can be replayed once the step is written and the statement gone. The text
    names the step and is shown anywhere: it is never made of a message.
    """


def untranslated(graph: Graph) -> tuple[Problem, ...]:
    """A warning for each such statement that a message can come to."""
    roots: list[Callable[..., Any]] = [each.function for each in graph.routers.values()]
    roots += [each.function for each in graph.handlers.values()]
    roots += [each.accepts for each in graph.handlers.values() if each.accepts is not None]
    found = [problem for function in _reached(roots) for problem in _statements(function)]
    return tuple(sorted(dict.fromkeys(found), key=lambda problem: (problem.file, problem.line)))


def _reached(roots: list[Callable[..., Any]]) -> list[FunctionType]:
    """These functions and, transitively, those of their modules that they name."""
    waiting = [each for each in roots if isinstance(each, FunctionType)]
    seen: dict[int, FunctionType] = {}
    while waiting:
        function = waiting.pop()
        if id(function) in seen:
            continue
        seen[id(function)] = function
        named = (function.__globals__.get(name) for name in function.__code__.co_names)
        waiting += [each for each in named if isinstance(each, FunctionType) and each.__module__ == function.__module__]
    return list(seen.values())


def _statements(function: FunctionType) -> Iterator[Problem]:
    if NotTranslated.__name__ not in function.__code__.co_names:
        return
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return
    file = inspect.getsourcefile(function) or ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _is_ours(node.exc.func, function):
            text = "this is not translated: messages that come to it end in ERROR"
            mend = "write it in Python and remove the raise"
            yield Problem(text, mend, file, first - 1 + node.lineno, _name(node.exc, function))


def _is_ours(called: ast.expr, function: FunctionType) -> bool:
    if isinstance(called, ast.Attribute):
        return called.attr == NotTranslated.__name__
    return isinstance(called, ast.Name) and function.__globals__.get(called.id) is NotTranslated


def _name(call: ast.Call, function: FunctionType) -> str:
    """The text of the statement, which names the step; the function's name when it has none."""
    text = call.args[0] if call.args else None
    return text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else function.__name__
