"""Comparing what two loads of a configuration run: a function's code with all that it reaches of the configuration.

Where something stands in a file, and a comment, is no difference. What a function uses of its module is followed by
name: functions, classes and modules of the configuration, and values such as numbers, texts and tables of them. Other
objects count by their type alone: one made anew at each load is not another one for that.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from messagefoundry.wiring.modules import PACKAGE, without_package

WRAPPERS = (staticmethod, classmethod, property, partial, type(lru_cache(repr)))
PLAIN = (str, bytes, int, float, complex, bool, type(None), re.Pattern, Decimal, date, time, timedelta)


def code_print(function: object) -> object:
    """What stands for a function and all that it reaches: equal for two that run the same code."""
    return _Print().of_function(function) if isinstance(function, FunctionType) else _Print().of(function)


class _Print:
    """One walk. What was met before is named by when it was met, so that circles end."""

    def __init__(self) -> None:
        self.met: dict[int, int] = {}

    def of(self, value: Any) -> object:
        if type(value) in PLAIN:
            return type(value).__name__, repr(value)
        if id(value) in self.met:
            return "again", self.met[id(value)]
        self.met[id(value)] = len(self.met)
        if isinstance(value, FunctionType) and _is_ours(value.__globals__.get("__name__")):
            return self.of_function(value)
        if isinstance(value, type) and _is_ours(value.__module__):
            return self.of_class(value)
        if isinstance(value, list | tuple | set | frozenset | dict):
            return self.of_container(value)
        if isinstance(_wrapped(value), FunctionType):
            return type(value).__name__, self.of(_wrapped(value))
        if not isinstance(value, type) and _is_ours(type(value).__module__):
            return "instance", self.of(type(value)), self.of(getattr(value, "__dict__", None))
        return _name(value)

    def of_function(self, function: FunctionType) -> object:
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        around = [self.of(each) for each in (*cells, function.__defaults__, function.__kwdefaults__)]
        names = sorted(set(_names(function.__code__)))
        return self.of_code(function.__code__), tuple(around), self.reached(names, function.__globals__)

    def reached(self, names: list[str], namespace: dict[str, Any]) -> tuple[object, ...]:
        """What stands behind names in a module, and behind the same names in modules of the configuration there."""
        found: list[object] = []
        for name in names:
            value = namespace.get(name)
            if isinstance(value, ModuleType) and _is_ours(value.__name__):
                if id(value) not in self.met:
                    self.met[id(value)] = len(self.met)
                    found.append((name, self.reached(names, vars(value))))
            elif name in namespace:
                found.append((name, self.of(value)))
        return tuple(found)

    def of_code(self, code: CodeType) -> object:
        constants = [self.of_code(each) if isinstance(each, CodeType) else self.of(each) for each in code.co_consts]
        signature = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
        words = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
        return code.co_name, code.co_code, code.co_exceptiontable, signature, words, tuple(constants)

    def of_class(self, value: type) -> object:
        own = [(name, self.of(each)) for name, each in sorted(vars(value).items()) if name not in IN_EVERY_CLASS]
        return value.__name__, tuple(self.of(each) for each in value.__bases__), tuple(own)

    def of_container(self, value: Any) -> object:
        kind = type(value).__name__
        if isinstance(value, dict):
            table = dict(value)
            if all(type(each) in PLAIN for each in (*table, *table.values())):
                return kind, repr(table)
            return kind, tuple((self.of(key), self.of(each)) for key, each in table.items())
        parts = [self.of(each) for each in list(value)]
        return kind, tuple(sorted(parts, key=repr) if isinstance(value, set | frozenset) else parts)


IN_EVERY_CLASS = frozenset({"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__"})


def _wrapped(value: object) -> object:
    """The function inside a method of a class, a property, or what functools made of one."""
    for name in ("__func__", "fget", "__wrapped__", "func"):
        inner = getattr(value, name, None) if isinstance(value, WRAPPERS) else None
        if inner is not None:
            return inner
    return None


def _is_ours(module: object) -> bool:
    return str(module).startswith(PACKAGE)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _names(code: CodeType) -> list[str]:
    inner = [name for each in code.co_consts if isinstance(each, CodeType) for name in _names(each)]
    return [*code.co_names, *inner]


def _name(value: object) -> tuple[str, str]:
    named = value if isinstance(value, type | FunctionType) else type(value)
    return without_package(named.__module__), named.__qualname__
