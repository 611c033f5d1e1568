"""What a running engine looks like from outside: plain values for the API, the commands and people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messagefoundry.contracts.stores import Backlog
    from messagefoundry.engine.engine import Engine
    from messagefoundry.wiring.graph import Inbound, Outbound


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One Connection now. Times in microseconds since the epoch, 0 for none; `oldest_id` carries the oldest's time.

    `state`: stopped, starting, running, waiting to restart, failed, not deployed. `doing` is a lane's: idle, sending,
    waiting to retry, waiting for the store.
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
    return ConnectionStatus(
        inbound.name, "inbound", inbound.connector.name, inbound.endpoint(), state, since, reason, depth, oldest
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
    )


def supervision(engine: Engine, name: str) -> tuple[str, int, str]:
    """State, since when, and why."""
    supervised = engine.connections.get(name)
    if supervised is None:
        return "not deployed", 0, ""
    return supervised.state, supervised.since, supervised.reason


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
