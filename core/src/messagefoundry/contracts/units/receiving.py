"""Messages come in, and begin to be routed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from messagefoundry.contracts.units.unit import Mint, Unit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@dataclass(slots=True, eq=False)
class Receive(Unit):
    """A message is accepted: one `message` row in RECEIVED, its body, and "received" on its trail.

    A `bookmark` that is not empty becomes the one of the inbound, in place of the one before, in the transaction of the
    message. Of several in one batch the last counts. `parent_id` is the message that it came from, if any: the batch
    that it was a part of, or the one that was passed through or answered; `depth` counts such hops without batches.
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
    depth: int = field(default=0, kw_only=True)
    id: int = field(default=0, kw_only=True)

    def mint(self, mint: Mint) -> None:
        """The message's id, which is its ingress id too."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class ReceiveOnce(Receive):
    """A message is accepted unless it came before: then it is an event on the trail of the first one, and no more.

    It came before when a message with the same `identity` and `digest` and an id of at least `since` is in the store
    and is no ERROR; one earlier in its batch is in the store, and an ERROR of its batch need not be one yet. `identity`
    is a signed 64-bit hash, `digest` has at most 32 bytes. The bookmark counts all the same. Filled by the store:
    `repeat_of`, the first message's id, or None for a message that is new; and `reused`, whether a new one has the
    identity of another message, with other content.
    """

    filled: ClassVar[Collection[str]] = ("repeat_of", "reused")
    identity: int = field(kw_only=True)
    digest: bytes = field(kw_only=True)
    since: int = field(kw_only=True)
    repeat_of: int | None = field(default=None, kw_only=True)
    reused: bool = field(default=False, kw_only=True)


@dataclass(slots=True, eq=False)
class ForgetOnce(Unit):
    """What tells repeats of messages with ids below `before` is forgotten, at most `limit` of it. Filled: `count`."""

    alone: ClassVar[bool] = True
    filled: ClassVar[Collection[str]] = ("count",)
    before: int
    limit: int = 5000
    count: int = 0


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
    parent_id: int | None = None
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The id of the row, if it turns out to be a new one."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class ReceiveBatch(Unit):
    """A batch is accepted with all its messages, in one transaction.

    `batch` becomes a message of its own that is never routed: its routing is SPLIT, its disposition PROCESSED. Every
    member that is a Receive becomes a message in RECEIVED, every Refuse an ERROR; all have the batch as their parent.
    """

    alone: ClassVar[bool] = True
    batch: Receive
    members: Sequence[Receive | Refuse]
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The batch's id, that of its event, then those of its members in their order."""
        self.batch.mint(mint)
        self.id = mint()
        for member in self.members:
            member.parent_id = self.batch.id
            member.mint(mint)

    def clear(self) -> None:
        """Empty what the store fills in of members."""
        for member in self.members:
            member.clear()


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
