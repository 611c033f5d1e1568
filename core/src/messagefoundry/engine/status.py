"""What a running engine looks like from outside: plain values for the API, the commands and people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messagefoundry.contracts.stores import Backlog
    from messagefoundry.engine.engine import Engine
    from messagefoundry.wiring.graph import Inbound, Outbound


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One Connection now. Times in microseconds since the epoch, 0 for none; `oldest_id` carries the oldest's time.

    `state`: stopped, outside its schedule, starting, waiting, running, waiting to restart, failed, not deployed.
    `doing` is a lane's: idle, gathering a batch, sending, waiting to retry, waiting for the store.
    """

    name: str
    direction: str
    connector: str
    endpoint: str
    state: str
    since: int
    reason: str
    waiting: int
    oldest_id: int
    simulated: bool = False
    doing: str = ""
    next_try: int = 0
    flagged: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    scheduled: str = ""
    """What its schedule says: "open" or "closed"; "" without one."""
    until: int = 0
    """When its schedule says otherwise."""
    repeats: int = 0
    """Of an inbound that tells repeats: how many came since the engine started."""


@dataclass(frozen=True, slots=True)
class ReferenceStatus:
    """One reference set now, without a value of it. `synced_at` in microseconds since the epoch, 0 for never.

    `problem` says why its source could not be read the last time; `stale` that the copy is older than it may be.
    `waiting` names the inbounds that do not start before it is read.
    """

    name: str
    source: str
    rows: int
    synced_at: int
    age_seconds: float | None
    stale: bool
    problem: str
    refresh_seconds: float
    waiting: tuple[str, ...]


def references(engine: Engine) -> list[ReferenceStatus]:
    """Every reference set of the graph."""
    return [
        ReferenceStatus(
            name=synced.declared.name,
            source=synced.declared.origin(),
            rows=0 if synced.copy is None else len(synced.copy.values),
            synced_at=0 if synced.copy is None else synced.copy.synced_at,
            age_seconds=None if synced.copy is None else synced.age_seconds,
            stale=synced.is_stale,
            problem=synced.problem,
            refresh_seconds=synced.declared.refresh_seconds,
            waiting=engine.references.waiting_for(synced),
        )
        for synced in engine.references.sets.values()
    ]


async def connections(engine: Engine) -> list[ConnectionStatus]:
    """Every Connection of the graph, inbounds first."""
    backlogs = await engine.read(lambda reader: reader.backlogs())
    graph = engine.graph
    return [
        *(inbound_status(engine, item, backlogs) for item in graph.inbounds.values()),
        *(outbound_status(engine, item, backlogs) for item in graph.outbounds.values()),
    ]


def inbound_status(engine: Engine, inbound: Inbound, backlogs: list[Backlog]) -> ConnectionStatus:
    """One inbound; what waits counts its ingress and routed stages."""
    state, since, reason = supervision(engine, inbound.name)
    depth, oldest = waiting(backlogs, inbound.name, ("ingress", "routed"))
    flow = engine.flows.get(inbound.name)
    return ConnectionStatus(
        inbound.name,
        "inbound",
        inbound.connector.name,
        inbound.endpoint(),
        state,
        since,
        reason,
        depth,
        oldest,
        repeats=flow.repeats if flow is not None else 0,
        **marks(engine, inbound),
    )


def outbound_status(engine: Engine, outbound: Outbound, backlogs: list[Backlog]) -> ConnectionStatus:
    """One outbound and its lane."""
    state, since, reason = supervision(engine, outbound.name)
    depth, oldest = waiting(backlogs, outbound.name, ("outbound",))
    lane = engine.lanes.get(outbound.name)
    return ConnectionStatus(
        outbound.name,
        "outbound",
        outbound.connector.name,
        outbound.endpoint(),
        state,
        since,
        reason,
        depth,
        oldest,
        outbound.simulate,
        lane.status.doing if lane is not None and state == "running" else "",
        lane.status.next_try if lane is not None and state == "running" else 0,
        **marks(engine, outbound),
    )


def marks(engine: Engine, item: Inbound | Outbound) -> dict[str, Any]:
    """What people have marked a Connection with, and what its schedule says."""
    found, own = engine.schedules.seen(item.name), {"flagged": item.flagged, "metadata": item.metadata}
    if found is None:
        return own
    return {**own, "scheduled": "open" if found.open else "closed", "until": found.until or 0}


def supervision(engine: Engine, name: str) -> tuple[str, int, str]:
    """State, since when, and why."""
    supervised = engine.connections.get(name)
    if supervised is None:
        return "not deployed", 0, ""
    return supervised.state, supervised.since, supervised.reason or unscheduled(engine, name, supervised.state)


def unscheduled(engine: Engine, name: str, state: str) -> str:
    """Until when a Connection is outside of its schedule, also one that runs nevertheless."""
    found = engine.schedules.seen(name)
    if found is None or found.open or state not in ("running", "outside its schedule"):
        return ""
    return found.limit if state != "running" else f"outside its schedule {found.limit}"


def waiting(backlogs: list[Backlog], name: str, stages: tuple[str, ...]) -> tuple[int, int]:
    """How many wait, and the id of the oldest."""
    own = [backlog for backlog in backlogs if backlog.connection == name and backlog.stage in stages]
    return sum(backlog.depth for backlog in own), min((backlog.oldest_id for backlog in own), default=0)


async def stats(engine: Engine) -> dict[str, object]:
    """Counters of the engine: dispositions, commits, memory, uptime."""
    dispositions = await engine.read(lambda reader: reader.dispositions())
    return {
        "started_at": engine.started_at,
        "messages": dispositions,
        "commits": engine.committer.commits,
        "units": engine.committer.units,
        "memory_bytes": engine.memory.used,
        "store": "unavailable" if engine.committer.outage else "ok",
        "accepting": engine.gate.closed is None,
    }
