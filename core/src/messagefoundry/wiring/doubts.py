"""Warnings of what a configuration may do and its author hardly wants, as far as its code and its options tell."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import Problem
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.ack_checks import sends_of, waits
from messagefoundry.wiring.connections_file import FILE
from messagefoundry.wiring.keeping import SetMeta, SetState
from messagefoundry.wiring.literals import dropped, returned, sent_to
from messagefoundry.wiring.values import Send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from messagefoundry.wiring.graph import Graph, Inbound
    from messagefoundry.wiring.literals import Written

DECISIONS: Mapping[Callable[..., Any], str] = {
    Send: "it sends nothing",
    SetState: "it keeps nothing",
    SetMeta: "it labels nothing",
}
ERROR = "such messages end in ERROR"
ONLY_PASS_THROUGH = "only PassThrough() inbounds take what is sent"


def doubts(graph: Graph) -> tuple[Problem, ...]:
    """All of them, in the order of their kinds."""
    return tuple(
        dict.fromkeys((*_undeclared(graph), *_unreturned(graph), *_going_round(graph), *_repeated_after_a_wait(graph)))
    )


def _undeclared(graph: Graph) -> Iterator[Problem]:
    """Names that a Router returns, or a Handler sends to, and that nothing declared has."""
    for router in graph.routers.values():
        for written in returned(router.function):
            if written.name not in graph.handlers:
                text = f"returns {written.name!r}, and no Handler has this name: {ERROR}"
                yield _at(written, router.name, text, did_you_mean(written.name, graph.handlers))
    for handler in graph.handlers.values():
        for written in sent_to(handler.function):
            if written.name in graph.inbounds and written.name not in graph.destinations:
                text = f"sends to {written.name!r}, which is an inbound Connection: {ERROR}"
                yield _at(written, handler.name, text, ONLY_PASS_THROUGH)
            elif written.name not in graph.destinations:
                text = f"sends to {written.name!r}, and no outbound has this name: {ERROR}"
                yield _at(written, handler.name, text, did_you_mean(written.name, graph.destinations))


def _at(written: Written, who: str, text: str, mend: str) -> Problem:
    return Problem(text, mend, written.file, written.line, who)


def _unreturned(graph: Graph) -> Iterator[Problem]:
    """Decisions of a Handler that stand as a statement, so that nothing comes of them."""
    for handler in graph.handlers.values():
        for made, place in dropped(handler.function, DECISIONS):
            text = f"the {made.__name__} at line {place.line} is not returned: {DECISIONS[made]}"
            yield Problem(text, "return it", place.file, place.line, handler.name)


def _going_round(graph: Graph) -> Iterator[Problem]:
    """Circles of inbounds that take what is sent to them, each told once."""
    passing = {each.name: each for each in graph.inbounds.values() if each.settings.fed_by == "sends"}
    onward = {each.name: [name for name in sends_of(graph, each) if name in passing] for each in passing.values()}
    told: set[str] = set()
    for inbound in passing.values():
        circle = [] if inbound.name in told else _circle(onward, inbound.name)
        if circle:
            told.update(circle)
            text = f"sends to itself, {' -> '.join(circle)}: messages would go round until max_correlation_depth"
            yield _of(inbound, text, "break the circle")


def _circle(onward: Mapping[str, list[str]], first: str) -> list[str]:
    """A way from the first name back to it; empty when there is none."""
    ways, seen = [[first]], {first}
    for way in ways:
        for name in onward[way[-1]]:
            if name == first:
                return [*way, first]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _repeated_after_a_wait(graph: Graph) -> Iterator[Problem]:
    """Inbounds whose senders may send again what is delivered already."""
    for inbound in graph.inbounds.values():
        if waits(inbound) and inbound.dedupe is None:
            in_file = PurePath(inbound.place.file).name == FILE
            mend = "dedupe = { window_seconds = 3600 }" if in_file else "dedupe=Dedupe(window_seconds=3600)"
            yield _of(inbound, "waits for deliveries: a sender that was answered AE sends again", f"add {mend}")


def _of(inbound: Inbound, text: str, mend: str) -> Problem:
    return Problem(text, mend, inbound.place.file, inbound.place.line, inbound.name)
