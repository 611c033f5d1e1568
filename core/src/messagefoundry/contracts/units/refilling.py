"""What waits is read between two commits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from messagefoundry.contracts.units.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class WaitingItem(NamedTuple):
    """An item of a lane as a refill reads it. `depth` is its message's, where it was asked for."""

    id: int
    message_id: int
    payload: bytes
    content_type: str
    attempts: int
    due: int
    simulate: bool
    depth: int = 0


@dataclass(slots=True, eq=False)
class RefillLane(Unit):
    """Read what waits in a lane, in order, between two commits.

    A FIFO lane reads by id beyond `after`. An unordered one (`unordered=True`) reads items beyond `after` that were
    never tried, and items whose `due` has come, by (due, id), without those in `exclude`. Reading stops at `limit`
    rows or, having one, at `max_bytes`. `depths` asks for the depth of each item's message. Filled by the store:

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
    depths: bool = False
    items: list[WaitingItem] = field(default_factory=list)
    complete: bool = False
    next_due: int = 0
    unreadable: list[int] = field(default_factory=list)
    unreadable_messages: list[int] = field(default_factory=list)
    last: int = 0


class WaitingMessage(NamedTuple):
    """A message, or one of its `routed` rows to be run again, as a refill reads it.

    `order` is its place in the flow (the ingress id, or the routed row's id). `attempts` counts runs that began before
    an unclean stop; `parent_id` and `depth` are as in `Receive`.
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
    parent_id: int | None = None
    depth: int = 0


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
