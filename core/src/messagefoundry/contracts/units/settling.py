"""Lanes report what became of an attempt."""

from __future__ import annotations

from dataclasses import dataclass

from messagefoundry.contracts.units.unit import Mint, Unit


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
