"""Messages come in, and begin to be routed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from messagefoundry.contracts.units.unit import Mint, Unit

if TYPE_CHECKING:
    from collections.abc import Collection


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
