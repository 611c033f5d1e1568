"""The store's semantics again, in memory and as plainly as they can be said: what the real store is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messagefoundry.contracts.units import HandOff


@dataclass
class Work:
    id: int
    message_id: int
    stage: str
    lane: str
    handler: str
    state: str
    payload: bytes = b""
    attempts: int = 0
    due: int = 0


@dataclass
class Message:
    id: int
    order: int
    routing: str | None = None
    refused: bool = False
    digest: bytes = b""
    repeats: int = 0


@dataclass
class Model:
    messages: dict[int, Message] = field(default_factory=dict)
    work: dict[int, Work] = field(default_factory=dict)

    def of(self, message_id: int, *states: str) -> list[Work]:
        rows = [row for row in self.work.values() if row.message_id == message_id]
        return sorted((row for row in rows if not states or row.state in states), key=lambda row: row.id)

    def disposition(self, message_id: int) -> str:
        message = self.messages[message_id]
        if message.refused:
            return "ERROR"
        if message.routing is None:
            return "RECEIVED"
        states = {row.state for row in self.of(message_id)}
        if "waiting" in states:
            return "ROUTED"
        return "ERROR" if "dead" in states else message.routing

    def unrouted(self) -> list[int]:
        return [key for key, message in self.messages.items() if message.routing is None and not message.refused]

    def routed(self) -> list[int]:
        return [key for key, message in self.messages.items() if message.routing is not None]

    def waiting(self, stage: str) -> list[Work]:
        return [row for row in self.work.values() if (row.stage, row.state) == (stage, "waiting")]

    def depth(self) -> int:
        return len(self.unrouted()) + len(self.waiting("routed")) + len(self.waiting("outbound"))

    def lane(self, lane: str) -> list[int]:
        return sorted(row.id for row in self.work.values() if row.lane == lane and row.state == "waiting")

    def flow(self) -> list[int]:
        orders = [self.messages[key].order for key in self.unrouted()]
        return sorted(orders + [row.id for row in self.waiting("routed")])

    def hand_off(self, unit: HandOff) -> None:
        message = self.messages[unit.message_id]
        if unit.routed_id is None:
            message.routing = unit.routing
        else:
            self.work[unit.routed_id].state = "done"
            if message.routing is not None and unit.routing == "PROCESSED":
                message.routing = unit.routing
        for out in unit.outgoing:
            self.work[out.id] = Work(out.id, message.id, "outbound", out.lane, out.handler, "waiting", out.payload)
        for failed in unit.failed:
            self.work[failed.id] = Work(failed.id, message.id, failed.stage, "", failed.handler, "dead")

    def again(self, old: Work, new_id: int, lane: str) -> None:
        self.work[new_id] = Work(new_id, old.message_id, old.stage, lane, old.handler, "waiting", old.payload)

    def replay(self, message_id: int, new_id: int) -> None:
        message = self.messages[message_id]
        message.routing, message.order = None, new_id

    def replay_dead(self, old: Work, new_id: int) -> None:
        old.state = "replayed"
        if old.stage != "ingress":
            self.again(old, new_id, old.lane)
        elif self.messages[old.message_id].routing is not None:
            self.replay(old.message_id, new_id)

    def resend(self, message_id: int, to: str, first_id: int) -> int:
        rows = [row for row in self.of(message_id) if row.stage == "outbound"]
        lanes = [to] if to else list(dict.fromkeys(row.lane for row in rows))
        count = 0
        for lane in lanes:
            there = [row for row in rows if row.lane == lane]
            if rows and "waiting" not in {row.state for row in there}:
                newest = (there or rows)[-1]
                if newest.state == "dead" and there:
                    newest.state = "replayed"
                self.again(newest, first_id + count, lane)
                count += 1
        return count

    def kill(self, message_id: int, to: str, work_ids: list[int]) -> list[int]:
        """Dead-letter; the id of a row that is new is taken from what the store answered."""
        rows = [row for row in self.of(message_id, "waiting") if not to or row.lane == to]
        for row in rows:
            row.state = "dead"
        killed = [row.id for row in rows]
        if not to and message_id in self.unrouted():
            self.messages[message_id].routing = "UNROUTED"
            work_id = max(work_ids)
            self.work[work_id] = Work(work_id, message_id, "ingress", "", "", "dead")
            killed.append(work_id)
        return sorted(killed)
