"""What a store keeps: what may be a patient's data as envelopes of the cipher. Dispositions are not stored."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from messagefoundry.contracts.errors import UnstorableUnit

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from messagefoundry.contracts.stores import ConnectionEvent


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message. `order` is its place in the flow; `routing` None until handed off; `refusal` None when accepted."""

    id: int
    order: int
    inbound: str
    received_at: int
    content_type: str
    encoding: str
    control_id: str
    message_type: str
    peer: str
    size: int
    parent_id: int | None = None
    routing: str | None = None
    attempts: int = 0
    refusal: str | None = None
    condition: str = ""
    reason: bytes | None = None
    digest: bytes | None = None
    repeats: int = 0
    depth: int = 0

    @property
    def unrouted(self) -> bool:
        """Whether it waits in its flow."""
        return self.routing is None and self.refusal is None


@dataclass(frozen=True, slots=True)
class StoredWork:
    """A piece of work. `state` is waiting, delivered, done, dead or replayed."""

    id: int
    message_id: int
    inbound: str
    stage: str
    lane: str
    handler: str
    state: str
    content_type: str
    changed_at: int
    size: int = 0
    simulate: bool = False
    attempts: int = 0
    due: int = 0
    error: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event of a message's trail."""

    id: int
    message_id: int
    at: int
    kind: str
    connection: str
    detail: str
    reply: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredArrival:
    """What tells repeats of a message."""

    identity: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class StoredState:
    """Key and value of transform state, sealed."""

    id: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class StoredReference:
    """The snapshot of a reference set, sealed."""

    id: int
    sealed: bytes
    synced_at: int


@dataclass(slots=True)
class Tables:
    """Everything in a store. A commit changes a copy and puts it in the place of what readers see."""

    messages: dict[int, StoredMessage] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    work: dict[int, StoredWork] = field(default_factory=dict)
    events: dict[int, StoredEvent] = field(default_factory=dict)
    connection_events: dict[int, ConnectionEvent] = field(default_factory=dict)
    held: dict[str, bool] = field(default_factory=dict)
    work_ids: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The ids of each message's work."""
    bookmarks: dict[str, str] = field(default_factory=dict)
    arrivals: dict[int, StoredArrival] = field(default_factory=dict)
    """By the message."""
    meta: dict[tuple[int, str], str] = field(default_factory=dict)
    """Labels by message and name."""
    states: dict[bytes, StoredState] = field(default_factory=dict)
    """By a digest of namespace and key."""
    references: dict[str, StoredReference] = field(default_factory=dict)
    running: bool = False

    def copy(self) -> Self:
        """An independent copy; the rows are shared, for they do not change."""
        values: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return type(self)(**{name: copy(value) for name, value in values.items()})

    def add_message(self, row: StoredMessage, body: bytes) -> None:
        """A new message with its body."""
        _new(row.id, self.messages)
        self.messages[row.id] = row
        self.bodies[row.id] = body

    def add_work(self, row: StoredWork, body: bytes | None = None) -> None:
        """A new piece of work, with its payload if it has one."""
        _new(row.id, self.work)
        self.work[row.id] = row
        self.work_ids[row.message_id] = (*self.work_ids.get(row.message_id, ()), row.id)
        if body is not None:
            self.bodies[row.id] = body

    def add_event(self, row: StoredEvent) -> None:
        """A new event on a trail."""
        _new(row.id, self.events)
        self.events[row.id] = row

    def work_of(self, message_id: int, *states: str) -> list[StoredWork]:
        """A message's work by id, in the given states or all of it."""
        rows = [self.work[key] for key in sorted(self.work_ids.get(message_id, ()))]
        return [row for row in rows if not states or row.state in states]

    def waiting(self, stage: str) -> Iterator[StoredWork]:
        """Everything that waits at a stage, by id."""
        return (row for _, row in sorted(self.work.items()) if row.state == "waiting" and row.stage == stage)

    def unrouted(self, inbound: str | None = None) -> list[StoredMessage]:
        """Messages to be routed, in the order of their flows."""
        rows = [row for row in self.messages.values() if row.unrouted and inbound in (None, row.inbound)]
        return sorted(rows, key=lambda row: row.order)

    def disposition(self, message: StoredMessage) -> str:
        """What has become of a message so far: the finalizer's truth table."""
        if message.refusal is not None:
            return "ERROR"
        if message.routing is None:
            return "RECEIVED"
        states = {row.state for row in self.work_of(message.id)}
        if "waiting" in states:
            return "ROUTED"
        if "dead" in states:
            return "ERROR"
        return "PROCESSED" if message.routing == "SPLIT" else message.routing

    def last_id(self) -> int:
        """The highest id anywhere, 0 for none."""
        tables = (self.messages, self.work, self.events, self.connection_events)
        keys = [key for table in tables for key in table] + [row.order for row in self.messages.values()]
        keys += [row.id for row in self.states.values()] + [row.id for row in self.references.values()]
        return max(keys, default=0)


def _new(key: int, table: Container[int]) -> None:
    if key in table:
        raise UnstorableUnit(f"there is a row {key} already")
