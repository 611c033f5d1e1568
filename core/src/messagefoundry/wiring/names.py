"""Checks of names: declared once, declared at all, used at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from messagefoundry.contracts.errors import Problem
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.references import UnresolvedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from messagefoundry.wiring.connections import Source
    from messagefoundry.wiring.graph import Graph, Outbound, Place
    from messagefoundry.wiring.recording import Declaration, Recording
    from messagefoundry.wiring.references import Environment


class Named(Protocol):
    """Something declared."""

    @property
    def name(self) -> Any:
        """What it is called."""

    @property
    def place(self) -> Place:
        """Where it was declared."""


N = TypeVar("N", bound=Named)
NAME = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?\Z")


def by_name(declared: Iterable[N], word: str, record: Recording) -> dict[str, N]:
    """What was declared, by name; a name that cannot be one or comes a second time is put down and left out."""
    found: dict[str, N] = {}
    for each in declared:
        if not isinstance(each.name, str) or not NAME.match(each.name):
            record.problem(each.place, "", f"the name of {word} is text without spaces around it", "give it a name")
        elif each.name in found:
            first = found[each.name].place
            record.problem(each.place, each.name, f"{word} of this name is already declared at {first}", "rename one")
        else:
            found[each.name] = each
    return found


def check_routers(
    declared: Iterable[Declaration], routers: Iterable[str], environment: Environment, record: Recording
) -> None:
    """Put down every inbound whose Router is not declared, one that env() names too."""
    routers = tuple(routers)
    for inbound in declared:
        try:
            router = environment.fill(inbound.options.get("router"))
        except UnresolvedError:
            continue  # put down with the options
        if inbound.kind == "inbound" and isinstance(router, str) and router.strip() and router not in routers:
            mend = did_you_mean(router, routers) or f'declare it with @router("{router}")'
            place = inbound.place_of("router")
            record.problem(place, inbound.label, f"its Router {router!r} is not declared", mend)


def check_reply_sources(sources: Iterable[Source], outbounds: Iterable[str], record: Recording) -> None:
    """Put down every inbound whose `reply_from` is not an outbound Connection."""
    outbounds = tuple(outbounds)
    for source in sources:
        replier = source.settings.reply_source()
        if replier is not None and replier not in outbounds:
            text = f"reply_from names the outbound Connection {replier!r}, which is not declared"
            record.problem(source.place, source.name, text, did_you_mean(replier, outbounds))


def check_reply_targets(outbounds: Iterable[Outbound], loopbacks: Iterable[str], record: Recording) -> None:
    """Put down every outbound whose `reingress_to` is not an inbound with a Loopback."""
    loopbacks = tuple(loopbacks)
    for outbound in outbounds:
        target = outbound.settings.reply_target()
        if target is not None and target not in loopbacks:
            text = f"reingress_to names {target!r}, which is no inbound Connection with Loopback()"
            mend = did_you_mean(target, loopbacks) or f'declare it: inbound("{target}", Loopback(), router="...")'
            record.problem(outbound.place, outbound.name, text, mend)


def unused(graph: Graph, mentions: Mapping[str, int]) -> tuple[Problem, ...]:
    """Routers that no inbound has, and Handlers whose name is written nowhere but where they are declared."""
    taken = {inbound.router for inbound in graph.inbounds.values()}
    idle = [
        _warning(router, "no inbound Connection has this Router", "remove it, or name it in inbound(router=...)")
        for router in graph.routers.values()
        if router.name not in taken
    ]
    idle += [
        _warning(handler, "no Router names this Handler", "remove it, or return its name from a Router")
        for handler in graph.handlers.values()
        if mentions.get(handler.name) == 1
    ]
    return tuple(idle)


def _warning(named: Named, text: str, mend: str) -> Problem:
    return Problem(text, mend, named.place.file, named.place.line, named.name)
