"""Reload: a whole new graph is checked first, then put in place of the old one. A bad graph changes nothing.

Connections that did not change keep their sockets. RECEIVED messages run under the new graph; those of a removed
inbound drain under the old one. Work of removed destinations and Handlers is dead-lettered with the reason.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.contracts.units import SweepRemoved
from messagefoundry.engine.code_print import code_print
from messagefoundry.engine.plan import MOST_REMOVED, TooMuchRemoved, died
from messagefoundry.pipeline.committer import now
from messagefoundry.wiring.graph import Graph, Handler, Inbound, Outbound, Place
from messagefoundry.wiring.values import StallThreshold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from messagefoundry.engine.engine import Engine
    from messagefoundry.engine.references import Prepared
    from messagefoundry.pipeline.supervision import Supervised
    from messagefoundry.wiring.graph import Router

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of Connections, by what a reload does to them, and of Routers, Handlers and sets that differ.

    `flagged`, `stalls` and `schedules` name Connections that go on running, changed otherwise or not, with another one.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    routers: tuple[str, ...] = ()
    handlers: tuple[str, ...] = ()
    code_sets: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    references_added: tuple[str, ...] = ()
    references_removed: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    flagged: tuple[str, ...] = ()
    stalls: tuple[str, ...] = ()
    dead_letters: int = 0
    """How much waits for what is removed: a reload makes dead letters of it."""


def changes(old: Graph, new: Graph) -> Changes:
    """What differs between two graphs; where a Connection stands in a file is no difference."""
    before, after = connections(old), connections(new)
    kept = [name for name in after if name in before]
    changed = tuple(name for name in kept if not same(before[name], after[name]))
    return Changes(
        added=tuple(name for name in after if name not in before),
        changed=changed,
        removed=tuple(name for name in before if name not in after),
        unchanged=tuple(name for name in kept if name not in changed),
        routers=differing(old.routers, new.routers),
        handlers=differing(old.handlers, new.handlers),
        code_sets=other_tables(old, new),
        references=redeclared(old, new),
        references_added=tuple(name for name in new.references if name not in old.references),
        references_removed=tuple(name for name in old.references if name not in new.references),
        schedules=tuple(name for name in kept if before[name].schedule != after[name].schedule),
        flagged=tuple(name for name in kept if before[name].flagged != after[name].flagged),
        stalls=tuple(name for name in kept if stall_of(before[name]) != stall_of(after[name])),
    )


def stall_of(item: Inbound | Outbound) -> StallThreshold | None:
    """From when on its lane counts as stalled; inbounds have none."""
    return item.stall if isinstance(item, Outbound) else None


def differing(old: Mapping[str, Router | Handler], new: Mapping[str, Router | Handler]) -> tuple[str, ...]:
    """The names whose functions are not the same code in both, or that one of the two does not have."""
    return tuple(name for name in {**new, **old} if code_of(old.get(name)) != code_of(new.get(name)))


def redeclared(old: Graph, new: Graph) -> tuple[str, ...]:
    """The reference sets that both have and that are not declared alike."""
    before, after = old.references, new.references
    return tuple(name for name in after if name in before and not after[name].is_like(before[name]))


def other_tables(old: Graph, new: Graph) -> tuple[str, ...]:
    """The code sets with other contents, or that one of the two does not have."""
    before, after = old.code_sets, new.code_sets
    return tuple(name for name in {**after, **before} if before.get(name) != after.get(name))


def code_of(item: Router | Handler | None) -> object:
    """What a Router or Handler runs, comparable."""
    if item is None:
        return None
    return code_print(item.function), code_print(item.accepts if isinstance(item, Handler) else None)


def connections(graph: Graph) -> Mapping[str, Inbound | Outbound]:
    """All Connections that run, by name."""
    both: dict[str, Inbound | Outbound] = {**graph.inbounds, **graph.outbounds}
    return {name: item for name, item in both.items() if item.deployed}


def same(before: Inbound | Outbound, after: Inbound | Outbound) -> bool:
    """Whether two declarations of a Connection say the same."""
    return type(before) is type(after) and plain(before) == plain(after)


def plain(item: Inbound | Outbound) -> Inbound | Outbound:
    """A declaration without what a Connection that runs need not stop for."""
    if isinstance(item, Inbound):
        return replace(item, place=Place(), schedule=None, flagged=False, router="", codec=None)  # type: ignore[arg-type]
    return replace(item, place=Place(), schedule=None, flagged=False, stall=StallThreshold())


async def reload(engine: Engine, *, dry_run: bool = False) -> Changes:
    """Load, check and swap, one after another. Raises ConfigurationError with every problem, having changed nothing."""
    async with engine.reloading:
        with checked(dry_run=dry_run):
            new = await trio.to_thread.run_sync(engine.plan.load)
        differing = await trio.to_thread.run_sync(changes, engine.graph, new)
        forget_drained(engine)
        places = [*new.inbounds, *engine.flows], list(new.outbounds), list(new.handlers)
        waiting = await engine.read(lambda reader: reader.removed(*places))
        if waiting > MOST_REMOVED and not engine.plan.accept_removed:
            raise TooMuchRemoved(waiting)
        found = replace(differing, dead_letters=waiting)
        with checked(dry_run=dry_run):
            sets = await engine.references.prepare(new, engine.read)
        if not dry_run:
            await engine.references.keep(sets)
            swept = await swap(engine, new, found, sets)
            found = replace(found, dead_letters=swept)
            tell(found)
        return found


def tell(found: Changes) -> None:
    """Leave a line in the log for each kind of part that is not as before."""
    parts = (
        ("Routers changed", found.routers),
        ("Handlers changed", found.handlers),
        ("code sets changed", found.code_sets),
        ("reference sets added", found.references_added),
        ("reference sets changed", found.references),
        ("reference sets removed", found.references_removed),
        ("flags changed", found.flagged),
        ("stall thresholds changed", found.stalls),
        ("schedules changed", found.schedules),
    )
    for words, names in parts:
        if names:
            log.info("%s: %s", words, ", ".join(names))


@contextmanager
def checked(*, dry_run: bool) -> Iterator[None]:
    """A ConfigurationError of the block leaves a line in the log when the configuration was to be used."""
    try:
        yield
    except ConfigurationError as error:
        if not dry_run:
            count = len(error.problems)
            found = f"{count} problem{'' if count == 1 else 's'}"
            log.error("the configuration was not loaded again, nothing has changed: %s", found)
        raise


def forget_drained(engine: Engine) -> None:
    """Let go of the flows of inbounds that an earlier reload removed, once their messages are routed."""
    for name, flow in list(engine.flows.items()):
        if name not in engine.graph.inbounds and flow.drained:
            del engine.flows[name]


async def swap(engine: Engine, new: Graph, found: Changes, sets: Prepared) -> int:
    """Put `new` in place: stop what goes, give every flow its graph, start what comes, sweep what is left over.

    Returns how much became dead letters.
    """
    held = await engine.read(lambda reader: reader.held())
    old = engine.graph
    ran = {name: Ran.of(engine, name) for name in (*found.removed, *found.changed)}
    await end(engine, [name for name in ran if name in old.outbounds])
    await end(engine, [name for name in ran if name in old.inbounds])  # their ports are closed the shortest
    engine.graph = new
    engine.references.install(sets, draining=any(name not in new.inbounds for name in engine.flows))
    for name, flow in engine.flows.items():
        if name in new.inbounds:
            flow.inbound, flow.graph = new.inbounds[name], new
    for name in found.removed:
        engine.remove(name)
    for name in (*found.changed, *found.added):
        engine.remove(name)
        start(engine, new, name, ran.get(name), held)
    engine.reschedule()
    swept = await sweep(engine)
    engine.look_again()
    return swept


@dataclass(frozen=True, slots=True)
class Ran:
    """A Connection that is to be ended, as it was before; `connection` still hears what people want meanwhile."""

    item: Inbound | Outbound
    connection: Supervised
    by_hand: bool
    """Whether somebody had started it outside of its schedule."""

    @classmethod
    def of(cls, engine: Engine, name: str) -> Ran:
        """How it is now."""
        item = connections(engine.graph)[name]
        return cls(item, engine.connections[name], engine.schedules.overruled(name))


async def end(engine: Engine, names: Sequence[str]) -> None:
    """End Connections for good, all at once, and wait until they have: nobody may start their like before."""
    for name in names:
        engine.connections[name].end()
    for name in names:
        await engine.connections[name].over.wait()


def start(engine: Engine, graph: Graph, name: str, ran: Ran | None, held: Collection[str]) -> None:
    """Start a Connection beside those that run, unless it was stopped before or waits for somebody to start it."""
    item = connections(graph)[name]
    new = ran is None or not ran.item.auto_start
    wanted = (ran is not None and ran.connection.wanted) or (new and name not in held and engine.starts(item))
    if isinstance(item, Outbound):
        supervised, nursery = engine.add_outbound(item, wanted=wanted), engine.lane_nursery
    else:
        supervised, nursery = engine.add_inbound(item, wanted=wanted), engine.listener_nursery
    if ran is not None and ran.by_hand and ran.item.schedule == item.schedule:
        supervised.open()
    if nursery is not None:
        nursery.start_soon(supervised.run)


async def sweep(engine: Engine) -> int:
    """Dead-letter what waits for removed destinations and Handlers, and return how much it was.

    Messages of removed inbounds drain instead.
    """
    count = 0
    while True:
        unit = SweepRemoved(*engine.places(), at=now())
        await engine.committer.commit(unit, partial(engine.deliveries.swept, unit))
        count += unit.count
        if not unit.count:
            break
    if count:
        log.warning("%s", died(count))
    return count
