"""What operators and reloads change: replays, resends, dead letters, sweeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from messagefoundry.contracts.units.unit import Mint, Unit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@dataclass(slots=True, eq=False)
class Replay(Unit):
    """Replay messages: Router and Handlers run again with today's graph.

    A message that is RECEIVED already is left as it is, and so is a batch, which is replayed by its messages. Dead and
    waiting rows of a replayed message are superseded, so that nothing is sent twice; an item that is being sent
    meanwhile settles as a `StaleUnit`. Filled by the store: `inbounds`, the flows that have something to do again;
    `count`; `work_ids`, the superseded rows that waited, and `lanes`, where they did.
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
