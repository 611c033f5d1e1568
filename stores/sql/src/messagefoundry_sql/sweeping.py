"""The graph no longer has a place for some of the work: it is dead-lettered with the reason, and stays replayable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messagefoundry_sql import trail
from messagefoundry_sql.dead_lettering import Death, kill_received, kill_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from messagefoundry.contracts.units import SweepRemoved
    from messagefoundry_sql.batch import Batch

_LANES = "SELECT lane, count(*) FROM work WHERE state = 'waiting' AND stage = 'outbound' GROUP BY lane"
_HANDLERS = """SELECT inbound, handler, count(*) FROM work WHERE state = 'waiting' AND stage = 'routed'
    GROUP BY inbound, handler"""
_INBOUNDS = "SELECT inbound, count(*) FROM message WHERE routing IS NULL AND refusal IS NULL GROUP BY inbound"

_OF_LANE = """SELECT id, message_id, lane FROM work
    WHERE state = 'waiting' AND stage = 'outbound' AND lane = ? ORDER BY id """
_OF_HANDLER = """SELECT id, message_id, inbound FROM work
    WHERE state = 'waiting' AND stage = 'routed' AND inbound = ? AND handler = ? ORDER BY id """
_OF_INBOUND = """SELECT id, NULL, inbound FROM message
    WHERE routing IS NULL AND refusal IS NULL AND inbound = ? ORDER BY ingress_id """


@dataclass(frozen=True, slots=True)
class RemovedPlace:
    """A place that the graph no longer has, how many rows wait there, and how to find them."""

    error: str
    count: int
    query: str
    names: tuple[str, ...]


def removed_places(
    rows: Callable[[str], Sequence[Any]], inbounds: Sequence[str], lanes: Sequence[str], handlers: Sequence[str]
) -> Iterator[RemovedPlace]:
    """Where work waits that none of the named lanes, Handlers and inbounds will take; `rows` runs a query."""
    for lane, count in rows(_LANES):
        if lane not in lanes:
            yield RemovedPlace(f"outbound {lane} is no longer in the configuration", count, _OF_LANE, (lane,))
    for inbound, handler, count in rows(_HANDLERS):
        if inbound not in inbounds or handler not in handlers:
            gone = f"inbound {inbound}" if inbound not in inbounds else f"handler {handler}"
            error = f"{gone} is no longer in the configuration"
            yield RemovedPlace(error, count, _OF_HANDLER, (inbound, handler))
    for inbound, count in rows(_INBOUNDS):
        if inbound not in inbounds:
            yield RemovedPlace(f"inbound {inbound} is no longer in the configuration", count, _OF_INBOUND, (inbound,))


def sweep_removed(batch: Batch, unit: SweepRemoved) -> None:
    """At most `limit` rows of work that has no place any more."""
    assert unit.minted is not None
    for place in list(removed_places(batch.rows, unit.inbounds, unit.lanes, unit.handlers)):
        death = Death(trail.REMOVED, place.error, place.error, unit.at, unit.minted)
        rows = batch.rows(place.query + batch.dialect.limit, *place.names, unit.limit - unit.count)
        for key, message_id, connection in rows:
            if message_id is None:
                kill_received(batch, death, key, connection)
            else:
                kill_work(batch, death, key, message_id, connection)
        unit.count += len(rows)
