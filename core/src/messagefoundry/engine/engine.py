"""The engine: the named parts of one running graph."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.alerts.buildup import Limits
from messagefoundry.contracts.errors import CorruptStore
from messagefoundry.contracts.specs import load
from messagefoundry.contracts.units import NoteConnection
from messagefoundry.engine.following import Following
from messagefoundry.engine.notes import ConnectionNotes, Sparingly
from messagefoundry.engine.references import References
from messagefoundry.engine.schedules import Schedules
from messagefoundry.pipeline.ack_after import AfterDelivery
from messagefoundry.pipeline.batching import BatchLane
from messagefoundry.pipeline.committer import Committer, now
from messagefoundry.pipeline.deliveries import Deliveries
from messagefoundry.pipeline.flow import Flow
from messagefoundry.pipeline.intake import Gate, Intake
from messagefoundry.pipeline.lane import Lane
from messagefoundry.pipeline.lookups import Lookups
from messagefoundry.pipeline.replies import Replies
from messagefoundry.pipeline.routing import Routing
from messagefoundry.pipeline.supervision import Runnable, Supervised
from messagefoundry.pipeline.window import Memory
from messagefoundry.wiring.values import AckAfter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messagefoundry.alerts.alarm import Alarm
    from messagefoundry.contracts.errors import StoreUnavailable
    from messagefoundry.contracts.outbound import OutboundConnector
    from messagefoundry.engine.plan import Plan
    from messagefoundry.engine.stored import Stored
    from messagefoundry.wiring.graph import Graph, Inbound, Outbound

log = logging.getLogger(__name__)


class Engine:
    """One graph, running. `stop` asks it to end; everything else is for the API, the operations and reload."""

    def __init__(self, plan: Plan, stored: Stored, alarm: Alarm) -> None:
        self.plan = plan
        self.graph: Graph = plan.graph
        self.read = stored.read
        self.lease = stored.lease
        self.alarm = alarm
        self.committer = Committer(stored.store, on_outage=self._outage)
        self.gate = Gate()
        self.memory = Memory()
        self.references = References(self.committer, alarm, self.note, self.look_again)
        self.lookups = Lookups(stored.lookups, self.references.reference)
        self.replies = Replies()
        self.deliveries = Deliveries()
        self.lanes: dict[str, Lane] = {}
        self.flows: dict[str, Flow] = {}
        self.connections: dict[str, Supervised] = {}
        self.schedules = Schedules(self.connections, self.note, plan.clock)
        self.following = Following(self)
        self.routing = Routing(self.flows, self.committer, self.following.handed_off)
        self.lane_nursery: trio.Nursery | None = None
        self.listener_nursery: trio.Nursery | None = None
        self._notes = Sparingly()
        self._opened: dict[str, str] = {}
        self.stopping = trio.Event()
        self.started_at = now()
        self.reloading = trio.Lock()
        self.api_address = ""
        self.control_path = ""

    # -- building ------------------------------------------------------------------------------------------------

    def assemble(self, held: set[str], careful_until: int = 0) -> None:
        """Make a lane, a flow and a supervised Connection for everything deployed; `held` ones stay stopped."""
        for outbound in self.graph.outbounds.values():
            if outbound.deployed:
                self.add_outbound(outbound, wanted=outbound.name not in held and self.starts(outbound))
        for inbound in self.graph.inbounds.values():
            if inbound.deployed:
                wanted = inbound.name not in held and self.starts(inbound)
                self.add_inbound(inbound, wanted=wanted, careful_until=careful_until)

    def starts(self, connection: Inbound | Outbound) -> bool:
        """Whether a Connection that nobody has stopped starts by itself."""
        held_back = self.plan.hold_outbound and connection.name in self.graph.outbounds
        return connection.auto_start and not held_back

    def add_outbound(self, outbound: Outbound, *, wanted: bool) -> Supervised:
        """A lane and its supervision; started by whoever has a nursery."""
        kind = Lane if outbound.batch is None else BatchLane
        lane = kind(
            outbound,
            self.committer,
            self.memory,
            partial(self._open_for_lane, outbound),
            self.following.settled,
            partial(self.note, outbound.name),
            self.following.reingress(outbound),
            unsettled=self.plan.unsettled,
            lease=self.lease,
        )
        self.lanes[outbound.name] = lane
        return self._supervise(outbound, lambda: lane, wanted=wanted, finish=lane.finish)

    def add_inbound(self, inbound: Inbound, *, wanted: bool, careful_until: int = 0) -> Supervised:
        """A flow, unless one drains still, and the supervision of the connector."""
        flow = self.flows.get(inbound.name)
        if flow is None:
            flow = Flow(
                inbound,
                self.graph,
                self.committer,
                self.memory,
                self.lookups.of_flow(),
                self.routing.wake,
                careful_until,
            )
            self.flows[inbound.name] = flow
        waits_for = partial(self.references.waited_for, inbound.name)
        flow.paused = bool(waits_for())
        opened = partial(self._open_inbound, inbound, flow)
        return self._supervise(inbound, opened, wanted=wanted, waits_for=waits_for)

    def remove(self, name: str) -> None:
        """End a Connection's supervision and forget its lane; a flow stays until its messages are routed."""
        supervised = self.connections.pop(name, None)
        self.schedules.forget(name)
        if supervised is not None:
            supervised.end()
        lane = self.lanes.pop(name, None)
        if lane is not None:
            lane.window.close()
        if name not in self.graph.inbounds and name not in self.graph.outbounds:
            self._opened.pop(name, None)

    def places(self) -> tuple[list[str], list[str], list[str]]:
        """The inbounds, lanes and Handlers that keep their work, those that drain among them."""
        return [*self.graph.inbounds, *self.flows], list(self.graph.outbounds), list(self.graph.handlers)

    def _supervise(self, item: Inbound | Outbound, make: Any, **options: Any) -> Supervised:
        opened = self.schedules.follow(item.name, item.schedule)
        supervised = Supervised(item.name, make, partial(self._told, item.name), opened=opened, **options)
        self.connections[item.name] = supervised
        return supervised

    def reschedule(self) -> None:
        """Follow the schedules of the graph as it is now, for Connections that go on running."""
        for name in list(self.connections):
            item = self.graph.outbounds.get(name) or self.graph.inbounds[name]
            self.schedules.change(name, item.schedule)

    def look_again(self) -> None:
        """Reference sets have come, or other ones are asked for: start and route what waited, hold what waits now."""
        for name, flow in self.flows.items():
            flow.paused = bool(self.references.waited_for(name))
            if name in self.connections:
                self.connections[name].look_again()
        self.routing.wake()

    def _open_inbound(self, inbound: Inbound, flow: Flow) -> Runnable:
        first = self._opens_first(inbound)
        waits = inbound.ack_after is AckAfter.DELIVERED
        after = AfterDelivery(inbound, self.deliveries, self.read, self._passes, self.note) if waits else None
        intake = Intake(inbound, self.committer, flow, self.replies, self.note, self.gate, after, first_opening=first)
        connector: Runnable = load(inbound.connector.inbound or "")(inbound.settings, intake)
        return connector

    def _passes(self, name: str) -> bool:
        """Whether messages of this inbound were passed on by Handlers."""
        inbound = self.graph.inbounds.get(name)
        return inbound is not None and inbound.settings.fed_by == "sends"

    def open_outbound(self, outbound: Outbound, *, first: bool = False) -> OutboundConnector:
        """A new connector to a partner; only a `first` one may make what is missing, such as a folder."""
        connector: OutboundConnector = load(outbound.connector.outbound or "")(
            outbound.settings, ConnectionNotes(outbound.name, self, first_opening=first)
        )
        return connector

    def _open_for_lane(self, outbound: Outbound) -> OutboundConnector:
        return self.open_outbound(outbound, first=self._opens_first(outbound))

    def _opens_first(self, connection: Inbound | Outbound) -> bool:
        """Whether the Connection begins now: with the engine, or by a reload that added it or named another place.

        When it is stopped and started, crashes, or is tested, what went away since is not the engine's to make.
        """
        place = connection.endpoint()
        if self._opened.get(connection.name) == place:
            return False
        self._opened[connection.name] = place
        return True

    # -- what is told --------------------------------------------------------------------------------------------

    def note(self, connection: str, kind: str, detail: str = "", *, alert: bool = False, warning: bool = False) -> None:
        """Put an event of a Connection on its trail and in the log, and alert if asked to.

        Of one kind a minute's first few are kept: a flood of peers must not become a flood of rows.
        """
        if not self._notes.allows((connection, kind)):
            return
        level = logging.WARNING if alert or warning else logging.INFO
        log.log(level, "%s: %s%s", connection, kind, f": {detail}" if detail else "")
        self._trail(connection, kind, detail)
        if alert:
            self.alarm.raise_alert(kind, connection, detail)

    def _trail(self, connection: str, kind: str, detail: str) -> None:
        self.committer.submit(NoteConnection(connection, kind, detail, now()), lambda: None)

    def _told(self, connection: str, kind: str, detail: str, alert: bool) -> None:
        self._trail(connection, kind, detail)
        if alert:
            self.alarm.raise_alert("connection_stopped", connection, detail or kind)
        else:
            log.info("%s: %s", connection, kind)

    def _outage(self, error: StoreUnavailable | None) -> None:
        """The store's trail is told too: that unit waits for the store when nobody else does, and so finds it back."""
        if error is None:
            log.warning("the store commits again")
            self._trail("store", "commits again", "")
        else:
            self._trail("store", "cannot commit", str(error))
            log.error("the store cannot commit, nothing is acknowledged until it can: %s", error)
            self.alarm.raise_alert("store_unavailable", "store", str(error), severity="critical")

    def limits(self) -> Mapping[str, Limits]:
        """From what on each Connection's backlog is worth an alert."""
        inbounds = {name: Limits(inbound.buildup) for name, inbound in self.graph.inbounds.items()}
        outbounds = {
            name: Limits(outbound.buildup, outbound.stall, self.schedules.waits_since(name))
            for name, outbound in self.graph.outbounds.items()
        }
        return inbounds | outbounds

    # -- stopping ------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask the engine to stop: intake first, then what is on its way, within the shutdown timeout."""
        self.stopping.set()

    async def refuse_new(self) -> None:
        """Accept no further message, and wait a moment for the answers to those that are being committed."""
        self.gate.stopping = True
        self.deliveries.give_up()
        with trio.move_on_after(0 if self.damaged else 2):
            await self.committer.drained()

    async def drained(self) -> None:
        """Wait until nothing is on its way, at most the shutdown timeout; what is left is in the store."""
        with trio.move_on_after(self.plan.shutdown_timeout_seconds) as scope:
            while not self.quiet:  # noqa: ASYNC110 - quiet is a fact about many parts, looked at for seconds only
                await trio.sleep(0.02)
        if scope.cancelled_caught:
            log.warning("stopping with work left in the store; it goes on at the next start")

    @property
    def damaged(self) -> bool:
        """Whether the store is such that waiting for it is no use."""
        return isinstance(self.committer.outage, CorruptStore)

    @property
    def quiet(self) -> bool:
        """Whether nothing is on its way through memory, or a damaged store keeps all of it from arriving."""
        if self.damaged:
            return True
        flows = all(flow.drained or flow.stuck or flow.paused for flow in self.flows.values())
        lanes = all(lane.quiet for name, lane in self.lanes.items() if self.connections[name].state == "running")
        return flows and lanes and not self.committer.waiting
