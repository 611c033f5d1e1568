"""Who refers to what in a graph, as far as it stands in its declarations and in the text of its functions.

A name that a Router or Handler computes is known only when it runs: it is told apart as one that may be meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from messagefoundry.cli.edges import destinations_named
from messagefoundry.wiring.codesets import CodeSet, code_set
from messagefoundry.wiring.graph import Place
from messagefoundry.wiring.literals import (
    Written,
    called_by,
    computed,
    computed_returns,
    looked_up,
    returned,
    sent_to,
)
from messagefoundry.wiring.mentions import named
from messagefoundry.wiring.reference_sets import reference
from messagefoundry.wiring.values import Send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from messagefoundry.wiring.graph import Graph

Kind = Literal["inbound", "outbound", "router", "handler", "codeset", "reference", "module"]


@dataclass(frozen=True, slots=True)
class Part:
    """Something that has a name."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Link:
    """One part refers to another: how, going on from its name, and where."""

    source: Part
    target: Part
    how: str
    place: Place


def links(graph: Graph) -> list[Link]:
    """Every reference that is written down, each once."""
    found = [
        *_of_inbounds(graph),
        *_of_outbounds(graph),
        *_of_routers(graph),
        *_of_handlers(graph),
        *_of_modules(graph),
        *_of_references(graph),
    ]
    return list({(each.source, each.target): each for each in reversed(found)}.values())[::-1]


def doubts(graph: Graph, target: Part) -> list[Link]:
    """References that may be to `target`, because their name is computed."""
    certain = {each.source for each in links(graph) if each.target == target}
    found = [
        Link(part, target, how, place)
        for part, how, places in _computing(graph, target)
        if part not in certain
        for place in places
    ]
    return list(dict.fromkeys(found))


def _computing(graph: Graph, target: Part) -> Iterator[tuple[Part, str, Iterator[Place]]]:
    """The parts that could refer to such a target, and where they compute a name."""
    if target.kind == "handler":
        for router in graph.routers.values():
            yield Part("router", router.name), "returns names that are computed", computed_returns(router.function)
    elif target.kind == "codeset":
        for part, function in _functions(graph):
            yield part, "looks up a name that is computed", computed(function, code_set, "name")
    elif target.kind == "reference":
        for part, function in _functions(graph):
            yield part, "looks up a name that is computed", computed(function, reference, "name")
    elif target.kind == "outbound" or _is_sent_to(graph, target):
        for handler in graph.handlers.values():
            places = computed(handler.function, Send, "to")
            yield Part("handler", handler.name), "sends to a name that is computed", places


def _is_sent_to(graph: Graph, target: Part) -> bool:
    """Whether it is an inbound that Handlers send to."""
    return target.kind == "inbound" and target.name in graph.destinations


def upstream(found: Iterable[Link], target: Part) -> list[Part]:
    """All parts from which references lead to `target`."""
    return _reached(target, [(each.target, each.source) for each in found])


def downstream(found: Iterable[Link], target: Part) -> list[Part]:
    """All parts to which references lead from `target`."""
    return _reached(target, [(each.source, each.target) for each in found])


def _reached(begin: Part, steps: list[tuple[Part, Part]]) -> list[Part]:
    reached = [begin]
    for part in reached:
        reached += dict.fromkeys(there for here, there in steps if here == part and there not in reached)
    return reached[1:]


# -- what is written where -------------------------------------------------------------------------------------------


def _of_inbounds(graph: Graph) -> Iterator[Link]:
    for inbound in graph.inbounds.values():
        source = Part("inbound", inbound.name)
        yield Link(source, Part("router", inbound.router), "has this Router", inbound.place)
        replier = inbound.settings.reply_source()
        if replier is not None:
            yield Link(source, Part("outbound", replier), "answers with its reply", inbound.place)


def _of_outbounds(graph: Graph) -> Iterator[Link]:
    for outbound in graph.outbounds.values():
        receiver = outbound.settings.reply_target()
        if receiver is not None:
            source = Part("outbound", outbound.name)
            yield Link(source, Part("inbound", receiver), "brings its replies in through it", outbound.place)


def _of_routers(graph: Graph) -> Iterator[Link]:
    for router in graph.routers.values():
        source = Part("router", router.name)
        for written in returned(router.function):
            if written.name in graph.handlers:
                yield Link(source, Part("handler", written.name), "returns its name", _place(written))
        for name in named(router.function, graph.handlers):
            yield Link(source, Part("handler", name), "has its name in its code", router.place)
        yield from _of_code_sets(graph, source, router.function)


def _of_handlers(graph: Graph) -> Iterator[Link]:
    for handler in graph.handlers.values():
        source = Part("handler", handler.name)
        for written in sent_to(handler.function):
            if written.name in graph.outbounds:
                yield Link(source, Part("outbound", written.name), "sends to it", _place(written))
            elif written.name in graph.inbounds:
                yield Link(source, Part("inbound", written.name), "sends to it", _place(written))
        for name in destinations_named(graph, handler.function):
            kind: Kind = "outbound" if name in graph.outbounds else "inbound"
            yield Link(source, Part(kind, name), "has its name in its code", handler.place)
    for part, function in _functions(graph):
        if part.kind == "handler":
            yield from _of_code_sets(graph, part, function)


def _of_code_sets(graph: Graph, source: Part, function: Callable[..., Any]) -> Iterator[Link]:
    for written in looked_up(function):
        yield Link(source, Part("codeset", written.name), "looks it up", _place(written))
    for each in [function, *called_by(function)]:
        code, module = getattr(each, "__code__", None), getattr(each, "__globals__", {})
        for name in code.co_names if code is not None else ():
            value = module.get(name)
            if isinstance(value, CodeSet) and value.name in graph.code_sets:
                yield Link(source, Part("codeset", value.name), f"uses it as {name}", _defined(each))


def _of_references(graph: Graph) -> Iterator[Link]:
    for source, function in _functions(graph):
        for written in looked_up(function, reference):
            if written.name in graph.references:
                yield Link(source, Part("reference", written.name), "looks it up", _place(written))
        for name in named(function, graph.references):
            yield Link(source, Part("reference", name), "has its name in its code", _defined(function))


def _defined(function: object) -> Place:
    code = getattr(function, "__code__", None)
    return Place() if code is None else Place(code.co_filename, code.co_firstlineno)


def _of_modules(graph: Graph) -> Iterator[Link]:
    for name, place in graph.captured:
        yield Link(Part("module", place.file), Part("codeset", name), "captures it", place)


def _functions(graph: Graph) -> Iterator[tuple[Part, Callable[..., Any]]]:
    """Every function of an author's with the part that it belongs to."""
    for router in graph.routers.values():
        yield Part("router", router.name), router.function
    for handler in graph.handlers.values():
        yield Part("handler", handler.name), handler.function
        if handler.accepts is not None:
            yield Part("handler", handler.name), handler.accepts


def _place(written: Written) -> Place:
    return Place(written.file, written.line)
