"""Outbound connectors: how a message goes out.

An async context manager; inside it `send` is called for one item at a time. Retry, back-off, ordering and settlement
are the engine's: a connector says what happened and no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class OutboundItem:
    """One payload to deliver. `attempt` counts from 1; `work_id` is the same for every attempt of it."""

    work_id: int
    message_id: int
    payload: bytes
    attempt: int
    content_type: str = "hl7v2"


@dataclass(frozen=True, slots=True)
class OutboundBatch:
    """Items to deliver as one HL7 batch (v2.5.1 §2.10.3): `members` in the order of the lane, one at least.

    Each has a readable MSH. `control_id` is for BHS-11: digits that no other batch of the Connection has. `created`, an
    HL7 DTM, is for BHS-7. Both stay while the same members are tried again. `message.build_batch` writes the batch.
    """

    control_id: bytes
    created: bytes
    members: tuple[OutboundItem, ...] = field(repr=False)


class Delivered(NamedTuple):
    """The partner has it. `reply` is its answer unframed; times are microseconds since the epoch."""

    reply: bytes | None = None
    peer: str = ""
    sent_at: int = 0
    acknowledged_at: int = 0
    msa_1: str = ""
    msa_2: str = ""
    note: str = ""


class Rejected(NamedTuple):
    """The partner said no. `permanent` dead-letters at once, else it is tried again as the retry policy says."""

    reason: str
    permanent: bool
    reply: bytes | None = None
    peer: str = ""
    sent_at: int = 0
    acknowledged_at: int = 0
    msa_1: str = ""
    msa_2: str = ""


class Unanswered(NamedTuple):
    """The answer to a batch leaves this member out: its outcome is unknown, and it is tried again.

    `reason` says why, without a field value.
    """

    reason: str
    peer: str = ""
    sent_at: int = 0


MemberOutcome = Delivered | Rejected | Unanswered
"""What became of one member of a batch."""


class OutboundContext(Protocol):
    """What the engine gives an outbound connector."""

    @property
    def name(self) -> str:
        """The Connection's name."""

    @property
    def first_opening(self) -> bool:
        """Whether the Connection begins now: with the engine, or by a reload that added it or named another place.

        Only then may a connector make what is missing, such as a folder: later it may be a share that went away.
        """

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        """Put an event of this Connection on its trail and in the log; never message content."""


class OutboundConnector(Protocol):
    """A way to one partner.

    `send` raises `Unreachable` when no answer that belongs to the item came (the connection is then closed, so that a
    late answer cannot meet the next item) and `StopLane` when a human is needed.
    """

    async def __aenter__(self) -> Self:
        """Get ready; must not fail because the partner is away."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Close whatever is open."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        """Deliver one item and say what the partner answered."""

    async def test(self) -> str:
        """Reach the partner without sending a message; one line saying what was found. Raises Unreachable."""


class BatchConnector(OutboundConnector, Protocol):
    """A way to one partner that takes batches too; its `ConnectorSpec` says `batches=True`.

    `send` is called between batches for what cannot stand in one.
    """

    async def send_batch(self, batch: OutboundBatch) -> Sequence[MemberOutcome]:
        """Deliver a batch and say what the partner answered for each member, in their order.

        A reply of a member is what concerns it alone. Raises as `send` does, when nothing is known of any member.
        """
