"""Names that stand as text in the code of Routers and Handlers, in whatever they do with them."""

from __future__ import annotations

from contextlib import suppress
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def named(function: Callable[..., Any], names: Iterable[str]) -> list[str]:
    """Those of `names` that the code of a function has as text: in itself, in what it defines, in globals it uses."""
    mentioned = set(texts(function))
    return [name for name in names if name in mentioned]


def texts(function: Callable[..., Any]) -> Iterator[str]:
    """Every text in the code of a function, in globals that it uses, and in functions of its module that it names."""
    code = getattr(function, "__code__", None)
    if code is None:
        return
    yield from _constants(code)
    module = getattr(function, "__globals__", {})
    for name in code.co_names:
        value = module.get(name)
        if isinstance(value, str | list | tuple | set | frozenset | dict):
            yield from _strings(value)
        elif isinstance(value, FunctionType) and value.__module__ == function.__module__:
            yield from _constants(value.__code__)


def tabled_texts(function: Callable[..., Any]) -> Iterator[str]:
    """The texts in lists and tables among the globals that a function uses."""
    code, module = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    for name in code.co_names if code is not None else ():
        if isinstance(value := module.get(name), list | tuple | set | frozenset | dict):
            yield from _strings(value)


def _constants(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _constants(constant)
        else:
            yield from _strings(constant)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _strings([*value, *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _strings(each)


def reached(functions: Iterable[Callable[..., Any]]) -> list[FunctionType]:
    """These functions and, through all modules of their configuration, those that they name and so may call."""
    waiting: list[object] = list(functions)
    found: dict[int, FunctionType] = {}
    while waiting:
        each = waiting.pop()
        if isinstance(each, FunctionType) and id(each) not in found:
            found[id(each)] = each
            waiting += [value for value in named_by(each) if _family(value) == _family(each)]
        elif isinstance(each, type):
            waiting += vars(each).values()
    return list(found.values())


def named_by(function: FunctionType) -> list[object]:
    """What the names in a function's code stand for, members of modules and what it closes over among them."""
    names = list(_names(function.__code__))
    found: list[object] = [function.__globals__[name] for name in names if name in function.__globals__]
    modules = [vars(each) for each in found if isinstance(each, ModuleType)]
    found += [module[name] for module in modules for name in names if name in module]
    return [*found, *_closed_over(function)]


def _closed_over(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # a cell that is not filled yet
            yield cell.cell_contents


def _family(value: object) -> str:
    """The package, which all modules of a configuration have in common."""
    return str(getattr(value, "__module__", "")).partition(".")[0]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
