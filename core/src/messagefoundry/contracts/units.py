"""Units of work: the atomic changes that a store commits.

A store is handed batches of units and commits each batch as one transaction, every kind of unit with one statement.
The committer mints ids as it forms a batch (`mint`), so that id order is commit order. `row` names the row that a unit
changes, if any: two units of one row never share a batch. Every unit is guarded by the state that it expects to find;
a store that finds another raises `StaleUnit`.

Times are microseconds since the epoch. Ids are 64-bit, unique over all tables, and ascend in commit order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import ClassVar, Literal, NamedTuple

Mint = Callable[[], int]
Routing = Literal["UNROUTED", "FILTERED", "PROCESSED"]
Stage = Literal["ingress", "routed", "outbound"]


@dataclass(slots=True, eq=False)
class Unit:
    """One atomic change. `alone` units get a transaction of their own."""

    alone: ClassVar[bool] = False
    filled: ClassVar[Collection[str]] = ()
    """The members that the store fills in. What they hold is true once the unit is committed."""

    @property
    def row(self) -> int | None:
        """The id of the row that this changes, or None when it only adds."""
        return None

    def clear(self) -> None:
        """Empty the filled members. A store applies a unit from here: after a commit that failed, it comes again."""
        for member in fields(self):
            if member.name in self.filled:
                fresh = member.default if member.default_factory is MISSING else member.default_factory()
                setattr(self, member.name, fresh)

    def mint(self, mint: Mint) -> None:
        """Take the ids that this unit needs."""


@dataclass(slots=True, eq=False)
class Receive(Unit):
    """A message is accepted: one `message` row in RECEIVED, its body, and "received" on its trail.

    A `bookmark` that is not empty becomes the one of the inbound, in place of the one before, in the transaction of the
    message. Of several in one batch the last counts.
    """

    inbound: str
    raw: bytes
    content_type: str
    encoding: str
    control_id: str
    message_type: str
    peer: str
    received_at: int
    parent_id: int | None = None
    bookmark: str = ""
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The message's id, which is its ingress id too."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class Refuse(Unit):
    """A message was refused: an ERROR row with reason and code, or one more repeat of a byte-identical one.

    `digest` identifies the bytes within the inbound. `code` is MSA-1 or "", `condition` ERR-3 or "".
    """

    alone: ClassVar[bool] = True
    inbound: str
    raw: bytes
    content_type: str
    encoding: str
    control_id: str
    message_type: str
    peer: str
    received_at: int
    code: str
    condition: str
    reason: str
    digest: bytes
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The id of the row, if it turns out to be a new one."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class Outgoing:
    """One payload for one lane, made by a hand-off."""

    lane: str
    handler: str
    payload: bytes
    content_type: str
    simulate: bool = False
    id: int = 0


@dataclass(slots=True, eq=False)
class Failed:
    """A stage that cannot go on: a Router (`ingress`) or Handler (`routed`) that raised, or a Send to nowhere."""

    stage: Stage
    handler: str
    error: str
    id: int = 0


@dataclass(slots=True, eq=False)
class HandOff(Unit):
    """Router and Handlers have run: every outcome of one message at once.

    `routing` is what the message counts as when all its work is done. With `routed_id` this is the outcome of one
    Handler alone, run again from its `routed` row. `detail` is a short line for the trail: which Handlers ran.
    """

    message_id: int
    inbound: str
    routing: Routing
    outgoing: Sequence[Outgoing]
    failed: Sequence[Failed]
    detail: str
    at: int
    routed_id: int | None = None
    id: int = 0

    @property
    def row(self) -> int:
        """The message, or the `routed` row that was run again."""
        return self.routed_id or self.message_id

    def mint(self, mint: Mint) -> None:
        """One id for the trail, one for every row of work, in the order returned by the Handlers."""
        self.id = mint()
        for outgoing in self.outgoing:
            outgoing.id = mint()
        for failed in self.failed:
            failed.id = mint()


@dataclass(slots=True, eq=False)
class SettleDelivered(Unit):
    """A lane's item is delivered.

    `detail` is compact JSON for the trail (times, peer, MSA-1, MSA-2); `reply` is stored sealed.
    """

    work_id: int
    message_id: int
    lane: str
    attempt: int
    detail: str
    reply: bytes | None
    at: int
    id: int = 0

    @property
    def row(self) -> int:
        """The item's work row."""
        return self.work_id

    def mint(self, mint: Mint) -> None:
        """The trail's id."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class SettleRetry(Unit):
    """An attempt failed; the item waits until `due`. `detail` says why, and whether its outcome is unknown."""

    work_id: int
    message_id: int
    lane: str
    attempt: int
    detail: str
    reply: bytes | None
    at: int
    error: str
    due: int
    id: int = 0

    @property
    def row(self) -> int:
        """The item's work row."""
        return self.work_id

    def mint(self, mint: Mint) -> None:
        """The trail's id."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class SettleDead(Unit):
    """An item is dead-lettered: it is not tried again by itself, and can be replayed."""

    work_id: int
    message_id: int
    lane: str
    attempt: int
    detail: str
    reply: bytes | None
    at: int
    error: str
    id: int = 0

    @property
    def row(self) -> int:
        """The item's work row."""
        return self.work_id

    def mint(self, mint: Mint) -> None:
        """The trail's id."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class MarkAttempt(Unit):
    """A message left by an unclean stop is about to run: count it durably, so that the third death is known."""

    filled: ClassVar[Collection[str]] = ("attempts",)
    message_id: int
    attempts: int = 0
    """Filled by the store: how often the message has been begun, this time included."""

    @property
    def row(self) -> int:
        """The message."""
        return self.message_id


@dataclass(slots=True, eq=False)
class ReadBookmark(Unit):
    """Read the bookmark of an inbound between two commits. Filled by the store: `bookmark`, "" when there is none."""

    filled: ClassVar[Collection[str]] = ("bookmark",)
    inbound: str
    bookmark: str = ""


class WaitingItem(NamedTuple):
    """An item of a lane as a refill reads it."""

    id: int
    message_id: int
    payload: bytes
    content_type: str
    attempts: int
    due: int
    simulate: bool


@dataclass(slots=True, eq=False)
class RefillLane(Unit):
    """Read what waits in a lane, in order, between two commits.

    A FIFO lane reads by id beyond `after`. An unordered one (`unordered=True`) reads items beyond `after` that were
    never tried, and items whose `due` has come, by (due, id), without those in `exclude`. Reading stops at `limit`
    rows or, having one, at `max_bytes`. Filled by the store:

    - `items`: what was read, in order.
    - `unreadable`: ids of work that was read and is not in `items`: its payload is missing, or the cipher raised
      UnreadableValue. Such a row counts as read and stays waiting; `unreadable_messages` has the message of each.
    - `complete`: nothing was left unread.
    - `last`: the `after` of the next refill: the highest id read, unreadable ones included; in an unordered lane the
      highest of those never tried. `after` itself, if there was none.
    - `next_due`: the earliest `due` still to come, 0 for none.
    """

    filled: ClassVar[Collection[str]] = (
        "items",
        "unreadable",
        "unreadable_messages",
        "complete",
        "last",
        "next_due",
    )
    lane: str
    after: int
    limit: int
    max_bytes: int
    now: int
    unordered: bool = False
    exclude: Sequence[int] = ()
    items: list[WaitingItem] = field(default_factory=list)
    complete: bool = False
    next_due: int = 0
    unreadable: list[int] = field(default_factory=list)
    unreadable_messages: list[int] = field(default_factory=list)
    last: int = 0


class WaitingMessage(NamedTuple):
    """A message, or one of its `routed` rows to be run again, as a refill reads it.

    `order` is its place in the flow (the ingress id, or the routed row's id). `attempts` counts runs that began before
    an unclean stop.
    """

    order: int
    message_id: int
    raw: bytes
    content_type: str
    encoding: str
    received_at: int
    attempts: int
    routed_id: int | None = None
    handler: str = ""


@dataclass(slots=True, eq=False)
class RefillFlow(Unit):
    """Read what an inbound has received and not routed yet, in order, between two commits; as `RefillLane`.

    Filled by the store: `messages`; `unreadable`, ids of messages, or of `routed` rows, whose raw message is missing or
    cannot be opened, with the message of each in `unreadable_messages` (the same id for a message); `complete`; and
    `last`, the highest order read.
    """

    alone: ClassVar[bool] = True
    filled: ClassVar[Collection[str]] = ("messages", "unreadable", "unreadable_messages", "complete", "last")
    inbound: str
    after: int
    limit: int
    max_bytes: int
    messages: list[WaitingMessage] = field(default_factory=list)
    complete: bool = False
    unreadable: list[int] = field(default_factory=list)
    unreadable_messages: list[int] = field(default_factory=list)
    last: int = 0


@dataclass(slots=True, eq=False)
class Replay(Unit):
    """Replay messages: Router and Handlers run again with today's graph.

    A message that is RECEIVED already is left as it is. Dead and waiting rows of a replayed message are superseded, so
    that nothing is sent twice; an item that is being sent meanwhile settles as a `StaleUnit`. Filled by the store:
    `inbounds`, the flows that have something to do again; `count`; `work_ids`, the superseded rows that waited, and
    `lanes`, where they did.
    """

    alone: ClassVar[bool] = True
    filled: ClassVar[Collection[str]] = ("inbounds", "count", "work_ids", "lanes")
    message_ids: Sequence[int]
    actor: str
    at: int
    inbounds: set[str] = field(default_factory=set)
    count: int = 0
    ids: list[int] = field(default_factory=list)
    work_ids: list[int] = field(default_factory=list)
    lanes: set[str] = field(default_factory=set)

    def mint(self, mint: Mint) -> None:
        """A new ingress id for each message."""
        self.ids = [mint() for _ in self.message_ids]


@dataclass(slots=True, eq=False)
class ReplayDead(Unit):
    """Replay dead rows, each from its own stage.

    Ingress runs everything again, routed its Handler, outbound sends its payload.

    Each gets a new id at its lane's or flow's tail; the dead row is superseded. Filled by the store: `lanes`,
    `inbounds` and `count`. Rows that are not dead any more are passed over.
    """

    alone: ClassVar[bool] = True
    filled: ClassVar[Collection[str]] = ("lanes", "inbounds", "count")
    work_ids: Sequence[int]
    actor: str
    at: int
    lanes: set[str] = field(default_factory=set)
    inbounds: set[str] = field(default_factory=set)
    count: int = 0
    ids: list[int] = field(default_factory=list)

    def mint(self, mint: Mint) -> None:
        """A new id for each row."""
        self.ids = [mint() for _ in self.work_ids]


@dataclass(slots=True, eq=False)
class Resend(Unit):
    """Queue again the newest stored payload of each message for each of its lanes, or for lane `to` alone.

    With `to` that never had a payload of the message, the payload last queued for any lane goes there. Rows that wait
    are left as they are. `simulated` names the lanes that are simulated today; None, when nobody can say, keeps each
    row's own. Filled by the store: `lanes` and `count`.
    """

    alone: ClassVar[bool] = True
    filled: ClassVar[Collection[str]] = ("lanes", "count")
    message_ids: Sequence[int]
    actor: str
    at: int
    to: str = ""
    simulated: Collection[str] | None = None
    lanes: set[str] = field(default_factory=set)
    count: int = 0
    minted: Mint | None = None

    def mint(self, mint: Mint) -> None:
        """How many rows there are is known only to the store, which mints as it adds them."""
        self.minted = mint


@dataclass(slots=True, eq=False)
class DeadLetter(Unit):
    """Dead-letter now: what waits of one message (in lane `to` alone, if given). It stays replayable.

    A RECEIVED message dies at ingress. Filled by the store: `work_ids`, `lanes`, `inbounds`, `count`.
    """

    alone: ClassVar[bool] = True
    filled: ClassVar[Collection[str]] = ("work_ids", "lanes", "inbounds", "count")
    message_id: int
    actor: str
    reason: str
    at: int
    to: str = ""
    work_ids: list[int] = field(default_factory=list)
    lanes: set[str] = field(default_factory=set)
    inbounds: set[str] = field(default_factory=set)
    count: int = 0
    minted: Mint | None = None

    def mint(self, mint: Mint) -> None:
        """How many rows there are is known only to the store, which mints as it adds to trails."""
        self.minted = mint


@dataclass(slots=True, eq=False)
class SweepRemoved(Unit):
    """Dead-letter the work of destinations, Handlers and inbounds that the graph no longer has, at most `limit` rows.

    Named are the ones that remain; everything else that waits is removed. Filled by the store: `count` dead-lettered.
    """

    alone: ClassVar[bool] = True
    filled: ClassVar[Collection[str]] = ("count",)
    inbounds: Sequence[str]
    lanes: Sequence[str]
    handlers: Sequence[str]
    at: int
    limit: int = 1000
    count: int = 0
    minted: Mint | None = None

    def mint(self, mint: Mint) -> None:
        """Minted by the store as it adds to trails."""
        self.minted = mint


@dataclass(slots=True, eq=False)
class NoteLateAnswer(Unit):
    """The partner has answered an item about which somebody had decided meanwhile: an event of its message, no more."""

    message_id: int
    lane: str
    detail: str
    reply: bytes | None
    at: int
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The event's id."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class NoteConnection(Unit):
    """An event of a Connection: started, stopped, peer refused, lane stopped."""

    connection: str
    kind: str
    detail: str
    at: int
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The event's id."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class HoldConnection(Unit):
    """An operator's stop (`held=True`) or start of a Connection; it survives restart and reload."""

    alone: ClassVar[bool] = True
    connection: str
    held: bool
    actor: str
    at: int
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The event's id."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class MarkRunning(Unit):
    """The engine starts (`running=True`) or has stopped cleanly (False). Filled: `was_running`, true after a crash."""

    alone: ClassVar[bool] = True
    filled: ClassVar[Collection[str]] = ("was_running",)
    running: bool
    at: int
    was_running: bool = False
