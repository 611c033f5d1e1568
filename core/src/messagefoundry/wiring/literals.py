"""Names that stand as text where a Router returns them or a Handler sends to them.

What a function really does is known only when it runs; a name written as text is one that it may come to.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from tokenize import TokenError
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from messagefoundry.wiring.codesets import code_set, mend_for, no_such
from messagefoundry.wiring.graph import Place
from messagefoundry.wiring.mentions import tabled_texts
from messagefoundry.wiring.running import response_get
from messagefoundry.wiring.values import Send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from messagefoundry.wiring.graph import Handler, Router
    from messagefoundry.wiring.recording import Recording

NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Written:
    """A name as text, and where it stands."""

    name: str
    file: str
    line: int


def dropped(
    function: Callable[..., Any], wanted: Iterable[Callable[..., Any]]
) -> Iterator[tuple[Callable[..., Any], Place]]:
    """Each call of one of `wanted` that a function itself makes and drops, and where."""
    source = _Source.of(function)
    for node in _own_nodes(source.definition) if source is not None else ():
        if source is not None and isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            for each in wanted:
                if _is_call_of(each, node.value.func, function):
                    yield each, Place(source.file, source.before + node.lineno)


def returned(function: Callable[..., Any]) -> Iterator[Written]:
    """The names that a function itself returns or yields: alone, in a list, or as one of the ways of a condition."""
    source = _Source.of(function)
    if source is None:
        return
    for node in _own_nodes(source.definition):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield from source.written(node.value)


@lru_cache(maxsize=512)
def names_in(places: Callable[[Callable[..., Any]], Iterator[Written]], function: Callable[..., Any]) -> frozenset[str]:
    """The names that `returned` or `sent_to` finds in a function, read once: messages that fail ask again and again."""
    return frozenset(written.name for written in places(function))


def sent_to(function: Callable[..., Any]) -> Iterator[Written]:
    """The names that Sends have as text, in a function and in those of its module that it calls."""
    for source, target in _first_arguments(function, Send, "to"):
        yield from source.written(target)


def looked_up(function: Callable[..., Any], called: Callable[[str], Any] = code_set) -> Iterator[Written]:
    """The names that calls of code_set() or reference() have as text, in a function and in those it calls beside it."""
    for source, name in _first_arguments(function, called, "name"):
        yield from source.written(name)


def only_asked(function: Callable[..., Any]) -> set[str]:
    """The texts that a function, and those beside it that it calls, use for nothing but to name whom to response_get().

    A text in a list or table that one of them uses may serve for more.
    """
    asked = Counter(
        written.name
        for source, name in _first_arguments(function, response_get, "outbound")
        for written in source.written(name)
    )
    if not asked:
        return set()
    functions: list[Callable[..., Any]] = [function, *called_by(function)]
    everywhere = Counter(text for each in functions for text in _occurrences(each))
    tabled = {text for each in functions for text in tabled_texts(each)}
    return {name for name, count in asked.items() if count == everywhere[name] and name not in tabled}


def _occurrences(function: Callable[..., Any]) -> Iterator[str]:
    """Every text in the source of a function as often as it stands there, itself or as a global."""
    source = _Source.of(function)
    for node in ast.walk(source.definition) if source is not None else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Name) and source is not None and node.id in source.constants:
            yield source.constants[node.id]


def computed(function: Callable[..., Any], called: Callable[..., Any], keyword: str) -> Iterator[Place]:
    """Where the calls of Send, code_set() or reference() stand whose name is known only when they run.

    A function that has no source to read is one such place itself.
    """
    if _Source.of(function) is None and (not hasattr(function, "__code__") or _may_call(function, called)):
        yield _place_of(function)
    for source, argument in _first_arguments(function, called, keyword):
        if not source.is_known(argument):
            yield Place(source.file, source.before + argument.lineno)


def computed_returns(function: Callable[..., Any]) -> Iterator[Place]:
    """Where a Router returns names that are known only when it runs."""
    source = _Source.of(function)
    if source is None:
        yield _place_of(function)
        return
    for node in _own_nodes(source.definition):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None and not source.is_known(node.value):
            yield Place(source.file, source.before + node.lineno)


def _place_of(function: Callable[..., Any]) -> Place:
    code = getattr(function, "__code__", None)
    return Place() if code is None else Place(code.co_filename, code.co_firstlineno)


def check_code_sets(parts: Iterable[Router | Handler], record: Recording) -> None:
    """Put down every name that a Router or Handler looks up with code_set() as text and that no code set has."""
    for part in parts:
        for written in looked_up(part.function):
            if written.name not in record.code_sets:
                place, mend = Place(written.file, written.line), mend_for(written.name, record.code_sets)
                record.problem(place, part.name, no_such(written.name), mend)


def _first_arguments(
    function: Callable[..., Any], called: Callable[..., Any], keyword: str
) -> Iterator[tuple[_Source, ast.expr]]:
    """The first argument of each call of `called`, in a function and in those of its module that it calls."""
    functions: list[Callable[..., Any]] = [function, *called_by(function)]
    for each in functions:
        source = _Source.of(each) if _may_call(each, called) else None
        if source is None:
            continue
        for node in ast.walk(source.definition):
            if isinstance(node, ast.Call) and _is_call_of(called, node.func, each):
                for argument in [*node.args[:1], *(word.value for word in node.keywords if word.arg == keyword)]:
                    yield source, argument


@dataclass(frozen=True, slots=True)
class _Source:
    """The text of one function."""

    definition: ast.FunctionDef
    file: str
    before: int
    """Lines of the file before it."""
    constants: Mapping[str, str]
    """The globals that it uses and that are text."""

    @classmethod
    def of(cls, function: Callable[..., Any]) -> _Source | None:
        """None for what was not written as a plain `def`."""
        try:
            lines, first = inspect.getsourcelines(function)
            (definition,) = ast.parse(textwrap.dedent("".join(lines))).body
        except (OSError, TypeError, SyntaxError, ValueError, TokenError):
            return None
        file = inspect.getsourcefile(function) or ""
        if not isinstance(definition, ast.FunctionDef):
            return None
        return cls(definition, file, first - 1, dict(_global_texts(function)))

    def written(self, value: ast.expr) -> Iterator[Written]:
        """The names that an expression has as text, itself or through a global."""
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield Written(value.value, self.file, self.before + value.lineno)
        if isinstance(value, ast.Name) and value.id in self.constants:
            yield Written(self.constants[value.id], self.file, self.before + value.lineno)
        for part in _parts(value):
            yield from self.written(part)

    def is_known(self, value: ast.expr) -> bool:
        """Whether an expression is text, None, or one of several such; a global that is text counts as that."""
        if isinstance(value, ast.Name):
            return value.id in self.constants
        parts = _parts(value)
        is_text = isinstance(value, ast.Constant) and isinstance(value.value, str | None)
        return all(map(self.is_known, parts)) if parts else is_text or isinstance(value, ast.List | ast.Tuple)


def _parts(value: ast.expr) -> list[ast.expr]:
    """What an expression may be, or has in it as names."""
    if isinstance(value, ast.IfExp):
        return [value.body, value.orelse]
    if isinstance(value, ast.BoolOp):
        return value.values
    return value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else []


def _global_texts(function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    code, module = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    for name in code.co_names if code is not None else ():
        value = module.get(name)
        if isinstance(value, str):
            yield name, value


def _own_nodes(definition: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, those of functions in it left out."""
    for node in ast.iter_child_nodes(definition):
        if not isinstance(node, NESTED):
            yield node
            yield from _own_nodes(node)


def called_by(function: Callable[..., Any]) -> list[FunctionType]:
    """The functions of its own module that a function names, and so may call."""
    code, module = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    named = [module.get(name) for name in code.co_names] if code is not None else []
    return [each for each in named if isinstance(each, FunctionType) and each.__module__ == function.__module__]


def _may_call(function: Callable[..., Any], called: Callable[..., Any]) -> bool:
    """Whether the code of a function names `called` at all: to read its source costs a millisecond."""
    module, codes = getattr(function, "__globals__", {}), [getattr(function, "__code__", None)]
    for code in filter(None, codes):
        if any(name == called.__name__ or module.get(name) is called for name in code.co_names):
            return True
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return False


def _is_call_of(wanted: Callable[..., Any], called: ast.expr, function: Callable[..., Any]) -> bool:
    if isinstance(called, ast.Attribute):
        return called.attr == wanted.__name__
    return isinstance(called, ast.Name) and getattr(function, "__globals__", {}).get(called.id) is wanted
