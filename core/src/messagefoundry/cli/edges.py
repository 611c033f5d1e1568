"""What a graph wires, as edges: from inbound to Router to Handlers to outbounds.

What a Router returns and where a Handler sends is Python, known for certain only when it runs. The names that stand as
text in a Router's or Handler's own code are shown as what it may do.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from messagefoundry.wiring.graph import Graph


@dataclass(frozen=True, slots=True)
class Edge:
    """From one part of a graph to another; `kind` is the pair's, such as "router-handler"."""

    kind: str
    source: str
    target: str


def edges(graph: Graph) -> list[Edge]:
    """Every edge of a graph."""
    found = [Edge("inbound-router", inbound.name, inbound.router) for inbound in graph.inbounds.values()]
    for router in graph.routers.values():
        found += [Edge("router-handler", router.name, name) for name in named(router.function, graph.handlers)]
    for handler in graph.handlers.values():
        found += [Edge("handler-outbound", handler.name, name) for name in named(handler.function, graph.outbounds)]
    return found


def named(function: Callable[..., Any], names: Iterable[str]) -> list[str]:
    """Those of `names` that the code of a function has as text: in itself, in what it defines, in globals it uses."""
    mentioned = set(_texts(function))
    return [name for name in names if name in mentioned]


def _texts(function: Callable[..., Any]) -> Iterator[str]:
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
