"""Which Routers and Handlers look reference sets up, as far as their code tells."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from messagefoundry.wiring.graph import Handler, Place
from messagefoundry.wiring.literals import computed, computed_returns, looked_up
from messagefoundry.wiring.mentions import named, reached, texts
from messagefoundry.wiring.reference_sets import mend_for, no_such, reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from messagefoundry.wiring.graph import DeclaredReference, Graph, Inbound, Router
    from messagefoundry.wiring.recording import Recording


def check_look_ups(
    parts: Iterable[Router | Handler], declared: Mapping[str, DeclaredReference], record: Recording
) -> None:
    """Put down every name that a Router or Handler looks up with reference() as text and that no set is declared by."""
    known = {each.name for each in record.references if isinstance(each.name, str)} | set(declared)
    for part in parts:
        for function in functions_of(part):
            for written in looked_up(function, reference):
                if written.name not in known:
                    place = Place(written.file, written.line)
                    record.problem(place, part.name, no_such(written.name), mend_for(written.name, known))


def functions_of(part: Router | Handler) -> list[Callable[..., Any]]:
    """What an author wrote for a Router or a Handler."""
    accepts = part.accepts if isinstance(part, Handler) else None
    return [part.function, *([] if accepts is None else [accepts])]


def waits_for(graph: Graph) -> dict[str, frozenset[str]]:
    """For each inbound the reference sets that its messages may ask for: all of them where a name is computed.

    A set that nobody seems to ask for counts for every inbound.
    """
    asked = {name: frozenset(_asked(graph, inbound)) for name, inbound in graph.inbounds.items()}
    unasked = frozenset(graph.references).difference(*asked.values())
    return {name: sets | unasked for name, sets in asked.items()}


def _asked(graph: Graph, inbound: Inbound) -> Iterator[str]:
    """The sets that the Router of an inbound and the Handlers that it may name mention."""
    if not graph.references:
        return
    functions = [each for part in _parts(graph, graph.routers[inbound.router]) for each in functions_of(part)]
    code = reached(functions)
    mentioned = {text for function in code for text in texts(function)}
    opaque = not all(isinstance(function, FunctionType) for function in functions)
    if opaque or any(True for function in code for _ in computed(function, reference, "name")):
        mentioned.update(graph.references)
    yield from (name for name in graph.references if name in mentioned)


def _parts(graph: Graph, router: Router) -> Iterator[Router | Handler]:
    """The Router with its Handlers; with all that there are where the names that it returns are computed."""
    yield router
    names = named(router.function, graph.handlers)
    unknown = not names or any(True for _ in computed_returns(router.function))
    yield from graph.handlers.values() if unknown else (graph.handlers[name] for name in names)
