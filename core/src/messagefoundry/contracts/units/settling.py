"""Lanes report what became of an attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.contracts.units.unit import Mint, Unit

if TYPE_CHECKING:
    from messagefoundry.contracts.units.receiving import Receive


@dataclass(slots=True, eq=False)
class Settle(Unit):
    """What became of one attempt to send a lane's item.

    `detail` is compact JSON for the trail (times, peer, MSA-1, MSA-2, whether the outcome is unknown); `reply` is
    stored sealed.
    """

    work_id: int
    message_id: int
    lane: str
    attempt: int
    detail: str
    reply: bytes | None
    at: int
    id: int = field(default=0, kw_only=True)

    @property
    def row(self) -> int:
        """The item's work row."""
        return self.work_id

    def mint(self, mint: Mint) -> None:
        """The trail's id."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class SettleDelivered(Settle):
    """The item is delivered. `reingressed` is the partner's reply as a message for an inbound of this engine."""

    reingressed: Receive | None = field(default=None, kw_only=True)

    def mint(self, mint: Mint) -> None:
        """The trail's id, and that of the re-ingressed message."""
        self.id = mint()
        if self.reingressed is not None:
            self.reingressed.mint(mint)


@dataclass(slots=True, eq=False)
class SettleRetry(Settle):
    """The attempt failed; the item waits until `due`."""

    error: str
    due: int


@dataclass(slots=True, eq=False)
class SettleDead(Settle):
    """The item is dead-lettered: it is not tried again by itself, and can be replayed."""

    error: str


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
