"""What a graph wires, as edges: from inbound to Router to Handlers to outbounds.

What a Router returns and where a Handler sends is Python, known for certain only when it runs. The names that stand as
text in a Router's or Handler's own code are shown as what it may do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messagefoundry.wiring.literals import only_asked
from messagefoundry.wiring.mentions import named

if TYPE_CHECKING:
    from collections.abc import Callable

    from messagefoundry.wiring.graph import Graph


@dataclass(frozen=True, slots=True)
class Edge:
    """From one part of a graph to another; `kind` is the pair's, such as "router-handler"."""

    kind: str
    source: str
    target: str


def destinations_named(graph: Graph, function: Callable[..., Any]) -> list[str]:
    """Where a Handler may send: the destinations that its code names, other than those whose reply it only asks for."""
    asked = only_asked(function)
    return [name for name in named(function, graph.destinations) if name not in asked]


def edges(graph: Graph) -> list[Edge]:
    """Every edge of a graph."""
    found = [Edge("inbound-router", inbound.name, inbound.router) for inbound in graph.inbounds.values()]
    for router in graph.routers.values():
        found += [Edge("router-handler", router.name, name) for name in named(router.function, graph.handlers)]
    for handler in graph.handlers.values():
        for name in destinations_named(graph, handler.function):
            kind = "handler-outbound" if name in graph.outbounds else "handler-inbound"
            found.append(Edge(kind, handler.name, name))
    for outbound in graph.outbounds.values():
        if (target := outbound.settings.reply_target()) is not None:
            found.append(Edge("outbound-inbound", outbound.name, target))
    return found
