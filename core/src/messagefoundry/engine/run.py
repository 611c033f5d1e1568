"""Running an engine: what is open, in which order, and for how long, is the shape of `run`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import trio

from messagefoundry.alerts import buildup
from messagefoundry.alerts.alarm import Alarm
from messagefoundry.contracts.errors import StoreUnavailable, sole
from messagefoundry.contracts.specs import load
from messagefoundry.contracts.units import MarkRunning, SweepRemoved
from messagefoundry.engine import disk, forgetting
from messagefoundry.engine.background import background
from messagefoundry.engine.engine import Engine
from messagefoundry.engine.plan import MOST_REMOVED, Plan, TooMuchRemoved, died
from messagefoundry.engine.stored import open_store
from messagefoundry.pipeline.committer import now
from messagefoundry.pipeline.watchdog import Watchdog
from messagefoundry.wiring.environment import active_environment

if TYPE_CHECKING:
    from messagefoundry.contracts.alerts import AlertSink
    from messagefoundry.contracts.stores import Backlog, Store, StoreReader
    from messagefoundry.engine.stored import Stored
    from messagefoundry.plugins import Installed
    from messagefoundry.wiring.graph import Graph

log = logging.getLogger(__name__)

LAST_COMMIT_SECONDS = 10

Serve = Callable[..., Awaitable[None]]


async def run(plan: Plan, serve: Serve | None = None, *, task_status: trio.TaskStatus[Engine]) -> None:
    """Run `plan` until the engine is told to stop; `serve(engine)` is the API. Reports the engine when it is ready.

    Raises EngineRunning, TooMuchRemoved, ConfigurationError or CorruptStore when it cannot start.
    """
    try:
        with active_environment(plan.graph.environment):
            await live(plan, serve, task_status=task_status)
    except BaseExceptionGroup as group:
        raise sole(group) from None


async def live(plan: Plan, serve: Serve | None, *, task_status: trio.TaskStatus[Engine]) -> None:
    """The life of an engine, from the outermost thing that is open to the innermost."""
    alarm = Alarm(alert_sinks(plan.installed), plan.realert_seconds)
    async with open_store(plan.factory, plan.location, plan.cipher) as stored:
        engine = Engine(plan, stored, alarm)
        with closing(engine.lookups):  # however it ends: a Handler that nobody waits for may still be asking
            async with background([engine.committer.run, alarm.run]):
                last_id = stored.store.last_id()
                unclean = await mark_running(engine)
                await sweep_removed(engine)
                await engine.references.open(engine.graph, engine.read)
                engine.assemble(await engine.read(lambda reader: reader.held()), last_id if unclean else 0)
                async with background(lanes(engine)) as engine.lane_nursery:
                    async with background([partial(engine.references.run, at_once=plan.sync_on_startup)]):
                        async with background([engine.routing.run, *watches(engine, stored)]):
                            async with background(api(engine, serve)):
                                async with background(listeners(engine)) as engine.listener_nursery:
                                    task_status.started(engine)
                                    await engine.stopping.wait()
                                    await engine.refuse_new()
                                await engine.drained()
                await close_books(engine, stored.store)


def alert_sinks(installed: Installed) -> dict[str, AlertSink]:
    """Every installed alert sink."""
    return {name: load(registered.spec.sink)() for name, registered in installed.alert_sinks.items()}


async def mark_running(engine: Engine) -> bool:
    """Note durably that the engine runs; True when its last run did not end cleanly."""
    unit = MarkRunning(running=True, at=now())
    await engine.committer.commit(unit)
    return unit.was_running


async def close_books(engine: Engine, store: Store) -> None:
    """Make the last settlements durable and note the clean stop; without a store that commits, the stop is unclean.

    Then the store is closed at once: one that is still finding out what became of a commit stops trying.
    """
    engine.lookups.close()
    with trio.move_on_after(0 if engine.damaged else LAST_COMMIT_SECONDS) as scope:
        await engine.committer.drained()
        await engine.committer.commit(MarkRunning(running=False, at=now()))
    if scope.cancelled_caught:
        log.error("the store did not commit the last work; it is taken up again at the next start")
        with trio.move_on_after(LAST_COMMIT_SECONDS):
            await trio.to_thread.run_sync(store.close, abandon_on_cancel=True)


async def sweep_removed(engine: Engine) -> None:
    """Dead-letter the work of what the graph no longer has. Raises TooMuchRemoved before touching a long list."""
    names = remaining(engine.graph)
    count = await engine.read(lambda reader: reader.removed(*names))
    if count > MOST_REMOVED and not engine.plan.accept_removed:
        raise TooMuchRemoved(count)
    swept = 0
    while count:
        unit = SweepRemoved(*names, at=now())
        await engine.committer.commit(unit)
        swept += unit.count
        count = unit.count
    if swept:
        log.warning("%s", died(swept))


def remaining(graph: Graph) -> tuple[list[str], list[str], list[str]]:
    """The inbounds, lanes and Handlers of a graph, deployed or not."""
    return list(graph.inbounds), list(graph.outbounds), list(graph.handlers)


def lanes(engine: Engine) -> list[Callable[..., Awaitable[None]]]:
    """The supervised lanes."""
    return [engine.connections[name].run for name in engine.lanes]


def listeners(engine: Engine) -> list[Callable[..., Awaitable[None]]]:
    """The supervised inbound connectors."""
    return [engine.connections[name].run for name in engine.flows]


def api(engine: Engine, serve: Serve | None) -> list[Callable[..., Awaitable[None]]]:
    """The API's task, if one is wanted."""
    if serve is None:
        return []

    async def task(*, task_status: trio.TaskStatus[None]) -> None:
        await serve(engine, task_status=task_status)

    return [task]


def watches(engine: Engine, stored: Stored) -> list[Callable[..., Awaitable[None]]]:
    """What looks after the engine while it runs: backlogs, space, schedules, old repeats, the event loop itself."""
    looking = [buildup_watch(engine, stored.watch), disk_watch(engine, stored.store), Watchdog(engine.note).run]
    return [*looking, partial(forgetting.watch, lambda: engine.graph, engine.committer), engine.schedules.run]


def disk_watch(engine: Engine, store: Store) -> Callable[..., Awaitable[None]]:
    """The watch over the space left for the store."""

    async def task(*, task_status: trio.TaskStatus[None]) -> None:
        await disk.watch(store.bytes_free, engine.gate, engine.note, task_status=task_status)

    return task


def buildup_watch(engine: Engine, reader: StoreReader) -> Callable[..., Awaitable[None]]:
    """The watch over backlogs."""

    async def task(*, task_status: trio.TaskStatus[None]) -> None:
        read = partial(readable_backlogs, reader)
        await buildup.watch(read, engine.limits, engine.alarm.raise_alert, task_status=task_status)

    return task


def readable_backlogs(reader: StoreReader) -> list[Backlog]:
    """The backlogs, none while the store cannot be read: the committer says so, and messages must not end with it."""
    try:
        return reader.backlogs()
    except StoreUnavailable as error:
        log.warning("backlogs are not watched: %s", error)
        return []
