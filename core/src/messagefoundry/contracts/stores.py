"""Stores: the durable home of messages, work, events and connection state.

One `Store` writes; it belongs to the committer, which calls it from one thread at a time. `StoreReader`s look things
up, each from its own thread at a time; their reads never wait for a commit. All calls block and run in worker threads.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import Unit


@dataclass(frozen=True, slots=True)
class StoreLocation:
    """Which database: `[store]` of the settings. Server databases take what they need from `options`."""

    backend: str = "sqlite"
    path: str = "messagefoundry.db"
    synchronous: str = "full"
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message in a list: never its body. Times in microseconds since the epoch. `meta` has its labels."""

    id: int
    inbound: str
    received_at: int
    content_type: str
    encoding: str
    control_id: str
    message_type: str
    peer: str
    disposition: str
    has_dead: bool
    size: int
    parent_id: int | None
    refusal: str
    refused_condition: str
    repeats: int
    depth: int = 0
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A piece of work of a message: never its payload. `state` is waiting, delivered, done, dead or replayed."""

    id: int
    message_id: int
    inbound: str
    stage: str
    lane: str
    handler: str
    state: str
    attempts: int
    due: int
    error: str
    simulate: bool
    changed_at: int
    size: int
    control_id: str
    message_type: str


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One event of a message's trail. `detail` is text or compact JSON; `has_reply` tells of a sealed reply."""

    id: int
    message_id: int
    at: int
    kind: str
    connection: str
    detail: str
    has_reply: bool


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """One event of a Connection."""

    id: int
    connection: str
    at: int
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits at one stage of one Connection: how many, and since when the oldest (its id's time)."""

    stage: str
    connection: str
    depth: int
    oldest_id: int


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """Which messages to list. Empty values do not restrict.

    `message_type` is MSH-9 or its first components: "ADT" finds every ADT, "ADT^A01" finds "ADT^A01^ADT_A01" too.
    `since` and `until` bound when a message was received, in microseconds since the epoch: from `since` on, before
    `until`. `before` and `after` are ids, to page with: messages below `before`, newest first; with `after`, messages
    above it, oldest first. As an id is made of the time at which it was minted, a moment does for one too. `parent`
    is the message that they came from; `meta` a label's name and its value, "" for any.
    """

    inbound: str = ""
    disposition: str = ""
    message_type: str = ""
    control_id: str = ""
    since: int = 0
    until: int = 0
    before: int = 0
    after: int = 0
    limit: int = 50
    parent: int = 0
    meta: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class KeptReference:
    """The last snapshot of a reference set, and when it was read from its source."""

    content: bytes
    synced_at: int


@dataclass(frozen=True, slots=True)
class DeadQuery:
    """Which dead letters to list, oldest first. Empty values do not restrict.

    `connection` is a lane, or an inbound for ingress and routed rows; `message_type` is as in `MessageQuery`. `since`
    and `until` bound when the row died; `after` pages: ids above it.
    """

    connection: str = ""
    stage: str = ""
    message_type: str = ""
    message_id: int = 0
    since: int = 0
    until: int = 0
    after: int = 0
    limit: int = 50


class Store(Protocol):
    """The writing side."""

    def commit(self, units: Sequence[Unit]) -> None:
        """Apply all units in one transaction, made durable before this returns.

        Raises StaleUnit when a unit met rows in another state than it expects (nothing is applied), StoreUnavailable
        (StoreFull, CorruptStore) when the database cannot commit now, and Fenced when another engine has taken the
        store over. Whoever raises has applied nothing: when a connection is lost during a commit, this does not return
        before it has found out what became of it, or `close` is called.
        """

    def last_id(self) -> int:
        """The highest id in any table, 0 for none."""

    def bytes_free(self) -> int | None:
        """Space left on the store's disk, or None when that cannot be known."""

    def close(self) -> None:
        """Close; a clean close leaves nothing to recover."""


@runtime_checkable
class AheadStore(Store, Protocol):
    """A store that takes a batch while those before it are on their way: for a database that is a wire away."""

    def send(self, units: Sequence[Unit]) -> bool:
        """Send a batch, to be committed after those that were sent before it, and do not wait.

        False, and nothing has happened, when it must go through `commit`, for which all that was sent is collected
        first. Raises nothing: what goes wrong is raised by `collect`.
        """

    def collect(self, within: float | None = None) -> bool:
        """Wait until the oldest batch that was sent is durable; False when it is not `within` so many seconds.

        Raises as `commit` does. Then no batch sent after that one is committed either, and none is on its way.
        """


class StoreReader(Protocol):
    """The reading side."""

    def messages(self, query: MessageQuery) -> list[MessageRow]:
        """Messages, newest first (oldest first with `after`)."""

    def message(self, message_id: int) -> MessageRow | None:
        """One message."""

    def work(self, message_id: int) -> list[WorkRow]:
        """All work of a message, by id."""

    def trail(self, message_id: int) -> list[TrailEvent]:
        """A message's trail, by id."""

    def body(self, row_id: int) -> bytes | None:
        """The raw bytes of a message, or the payload of a piece of work, by its id."""

    def reply(self, message_id: int, event_id: int) -> bytes | None:
        """The reply kept with an event of a trail."""

    def last_reply(self, message_id: int, lane: str, before: int) -> bytes | None:
        """The newest reply with which a lane delivered a message, of an event with an id below `before`."""

    def state(self, namespace: str, key: str) -> str | None:
        """A value of transform state as JSON text; None when there is none."""

    def reference(self, name: str) -> KeptReference | None:
        """The last snapshot of a reference set; None when it was never synced."""

    def dead_letters(self, query: DeadQuery) -> list[WorkRow]:
        """Dead rows, oldest first."""

    def count_dead(self, query: DeadQuery) -> int:
        """How many dead rows `query` selects, whatever its limit."""

    def count_messages(self, query: MessageQuery) -> int:
        """How many messages `query` selects, whatever its limit."""

    def head(self, lane: str) -> WorkRow | None:
        """The first waiting item of a lane."""

    def backlogs(self) -> list[Backlog]:
        """What waits, per stage and Connection; Connections without backlog are not listed."""

    def dispositions(self) -> dict[str, int]:
        """How many messages have each disposition; refused ones count as "REFUSED", not as ERROR."""

    def held(self) -> set[str]:
        """Connections that an operator stopped."""

    def connection_events(self, connection: str, limit: int) -> list[ConnectionEvent]:
        """The newest events of a Connection, oldest of them first."""

    def removed(self, inbounds: Sequence[str], lanes: Sequence[str], handlers: Sequence[str]) -> int:
        """How many rows `SweepRemoved` would dead-letter."""

    def integrity(self) -> list[str]:
        """What an integrity check finds wrong; empty when the store is sound."""

    def close(self) -> None:
        """Close."""


class StoreFactory(Protocol):
    """How a store is opened. Everything blocks."""

    def hold(self, location: StoreLocation) -> StoreHold:
        """Become the one engine of this store. Raises EngineRunning naming host, pid and start time of the other."""

    def open(self, location: StoreLocation, cipher: Cipher) -> Store:
        """Create or migrate the schema if needed and open for writing.

        Raises ConfigurationError for a location that cannot be used or a schema newer than this release, CorruptStore.
        """

    def reader(self, location: StoreLocation, cipher: Cipher) -> StoreReader:
        """Open for reading. Raises ConfigurationError when there is no store yet."""

    def describe(self, location: StoreLocation) -> str:
        """The store in a few words for the banner: kind, place, durability."""

    def control_path(self, location: StoreLocation) -> str:
        """Where the engine's owner-only control socket belongs: a path beside the store."""


class StoreHold(Protocol):
    """Being the one engine of a store; ends with the process, whatever kills it."""

    def release(self) -> None:
        """Let another engine have the store."""


def boottime() -> float:
    """Seconds on CLOCK_BOOTTIME, which goes on while the machine sleeps; elsewhere on the monotonic clock."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@runtime_checkable
class Lease(Protocol):
    """What a `StoreHold` on a server database is besides: it ends when it is not renewed, whatever the engine does."""

    def deadline(self) -> float:
        """Until when work that cannot be fenced in the store, a send, may begin: seconds as `boottime` has them.

        Moves on as the lease is renewed, and is minus infinity once another engine has the store. Costs nothing.
        """


@dataclass(frozen=True, slots=True)
class Migration:
    """A change of the schema. An expanding one is safe while older code runs; a contracting one shuts that out."""

    revision: int
    half: Literal["expand", "contract"]
    summary: str


@dataclass(frozen=True, slots=True)
class StoreState:
    """What `store status` tells of a store.

    `revision` is the schema's, `known` this release's newest, `pending` what lies between. `tables` has the number of
    rows of each, `size` is in bytes, `oldest_at` is when the oldest message came, in microseconds, 0 for none.
    """

    revision: int
    known: int
    pending: tuple[Migration, ...]
    tables: Mapping[str, int]
    size: int
    oldest_at: int


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made and checked: how many messages it holds, and its size in bytes."""

    messages: int
    size: int


class StoreTables(Protocol):
    """Every table of a store, its rows as they are stored: what is sealed stays so. For `store copy`."""

    @property
    def names(self) -> Sequence[str]:
        """The tables."""

    def count(self, table: str) -> int:
        """How many rows a table has."""

    def last(self, table: str) -> int | None:
        """The highest key of a table; None when it has no row, or keys that are no single number."""

    def rows(self, table: str, after: int | None = None) -> Iterator[tuple[Any, ...]]:
        """The rows of a table, read as they are asked for; by key where that is a number, beyond `after`."""

    def add(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows as `rows` gives them, in one transaction."""

    def clear(self, table: str) -> None:
        """Remove every row of a table."""

    def finish(self) -> None:
        """The store is complete: from now on an engine may open it."""

    def close(self) -> None:
        """Close."""


@runtime_checkable
class StoreUpkeep(Protocol):
    """What a `StoreFactory` may offer besides, for `backup` and `store`. Everything blocks.

    All raise ConfigurationError when there is no store at the location, and a StoreUnavailable.
    """

    def backup(self, location: StoreLocation, destination: Path, progress: Callable[[int, int], None]) -> Backup:
        """Write a consistent copy to a new file, under load, and check it; `progress` gets parts done and parts in all.

        Raises ConfigurationError when `destination` exists or has no room, and, with the tool to use in its mend, for a
        store that is backed up by its database's own tools.
        """

    def state(self, location: StoreLocation) -> StoreState:
        """The state of the store, read beside a running engine."""

    def migrate(self, location: StoreLocation, *, contract: bool) -> None:
        """Run the pending migrations: all of them, or without `contract` those before the first contracting one.

        Contracting ones need the store to be held.
        """

    def tables(self, location: StoreLocation, *, fill: bool = False) -> StoreTables:
        """The tables, to read; with `fill` those of a new store, which no engine opens before it is complete.

        With `fill`, raises ConfigurationError unless the database is empty or such a beginning.
        """
