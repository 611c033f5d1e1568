"""What operators ask of messages and Connections, the same with an engine running and without.

Every change is a unit of work of the committer; what waits in memory is told in the commit's own step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.errors import MessageFoundryError
from messagefoundry.contracts.units import DeadLetter, HoldConnection, Replay, ReplayDead, Resend, Unit
from messagefoundry.pipeline.committer import Committer, Continuation, now
from messagefoundry.pipeline.deliveries import Deliveries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from messagefoundry.pipeline.flow import Flow
    from messagefoundry.pipeline.lane import Lane
    from messagefoundry.pipeline.supervision import Supervised

COMMIT_SECONDS = 30.0
LOOK_SECONDS = 0.05
"""How soon it is seen that a reload has put another Connection in the place of one that it has ended."""


class UnknownConnection(MessageFoundryError):
    """No Connection has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no Connection is named {name}; there are: {', '.join(sorted(known)) or 'none'}")


@dataclass(frozen=True, slots=True)
class Operations:
    """Carries out changes. Without an engine, `lanes`, `flows` and `connections` are empty."""

    committer: Committer
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    connections: Mapping[str, Supervised] = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=Deliveries)

    async def replay(self, message_ids: Sequence[int], *, actor: str) -> int:
        """Run Router and Handlers again over messages; how many there were to run."""
        unit = Replay(list(message_ids), actor, now())
        await self._commit(unit, lambda: self._replayed(unit))
        return unit.count

    async def replay_dead(self, work_ids: Sequence[int], *, actor: str) -> int:
        """Replay dead letters, each from its own stage; how many there were."""
        unit = ReplayDead(list(work_ids), actor, now())
        await self._commit(unit, lambda: self._reread(unit.lanes, unit.inbounds))
        return unit.count

    async def resend(self, message_ids: Sequence[int], *, to: str = "", actor: str) -> int:
        """Queue the stored payloads of messages again, for lane `to` alone if given; how many were queued."""
        if to and self.lanes and to not in self.lanes:
            raise UnknownConnection(to, self.lanes)
        simulated = [name for name, lane in self.lanes.items() if lane.outbound.simulate] if self.lanes else None
        unit = Resend(list(message_ids), actor, now(), to, simulated)
        await self._commit(unit, lambda: self._reread(unit.lanes, ()))
        return unit.count

    async def dead_letter(self, message_id: int, *, to: str = "", reason: str = "", actor: str) -> int:
        """Dead-letter now what waits of a message; how many pieces of work that was. They stay replayable."""
        unit = DeadLetter(message_id, actor, reason, now(), to)
        await self._commit(unit, lambda: self._drop(unit))
        return unit.count

    async def stop(self, name: str, *, actor: str) -> str:
        """Stop a Connection until somebody starts it; its state afterwards."""
        return await self._hold(name, held=True, actor=actor)

    async def start(self, name: str, *, actor: str) -> str:
        """Start a Connection, or try again at once what waits to restart; its state afterwards."""
        return await self._hold(name, held=False, actor=actor)

    async def _hold(self, name: str, *, held: bool, actor: str) -> str:
        connection = self.connections.get(name)
        if connection is None and self.connections:
            raise UnknownConnection(name, self.connections)
        await self._commit(HoldConnection(name, held, actor, now()), lambda: None)
        if connection is None:
            return "stopped" if held else "starts with the engine"
        with trio.move_on_after(COMMIT_SECONDS):
            await self._bring(name, running=not held)
        return self.connections.get(name, connection).state

    async def _bring(self, name: str, *, running: bool) -> None:
        """Start or stop a Connection and wait for it; and the same with one that a reload puts in its place then."""
        brought: Supervised | None = None
        while (connection := self.connections.get(name)) is not None:
            if connection is not brought:
                brought = connection
                self._ask(connection, running=running)
                await connection.settled()
            elif connection.over.is_set():
                await trio.sleep(LOOK_SECONDS)
            else:
                return

    def _ask(self, connection: Supervised, *, running: bool) -> None:
        if not running:
            connection.stop()
            return
        connection.start()
        if connection.name in self.lanes:
            self.lanes[connection.name].retry_now()

    async def _commit(self, unit: Unit, then: Continuation) -> None:
        await self.committer.commit(unit, then, patience=COMMIT_SECONDS)

    def _reread(self, lanes: Iterable[str], inbounds: Iterable[str]) -> None:
        for name in lanes:
            if name in self.lanes:
                self.lanes[name].reread()
        for name in inbounds:
            if name in self.flows:
                self.flows[name].reread()

    def _replayed(self, unit: Replay) -> None:
        self.deliveries.replayed(unit)
        for name in unit.lanes:
            if name in self.lanes:
                self.lanes[name].drop(unit.work_ids)
        self._reread((), unit.inbounds)

    def _drop(self, unit: DeadLetter) -> None:
        self.deliveries.dead_lettered(unit)
        for name in unit.lanes:
            if name in self.lanes:
                self.lanes[name].drop(unit.work_ids)
        for name in unit.inbounds:
            if name in self.flows:
                self.flows[name].drop(unit.message_id)
