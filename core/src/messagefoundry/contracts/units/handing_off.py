"""Router and Handlers have run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.contracts.units.unit import Mint, Routing, Stage, Unit

if TYPE_CHECKING:
    from collections.abc import Sequence


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
