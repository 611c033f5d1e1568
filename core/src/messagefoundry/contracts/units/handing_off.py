"""Router and Handlers have run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.contracts.units.unit import Mint, Routing, Stage, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.contracts.units.receiving import Receive


@dataclass(slots=True, eq=False)
class Outgoing:
    """One payload for one lane, made by a hand-off. `depth` is its message's."""

    lane: str
    handler: str
    payload: bytes
    content_type: str
    simulate: bool = False
    depth: int = 0
    id: int = 0


@dataclass(slots=True, eq=False)
class Failed:
    """A stage that cannot go on: a Router (`ingress`) or Handler (`routed`) that raised, or a Send to nowhere."""

    stage: Stage
    handler: str
    error: str
    id: int = 0


@dataclass(slots=True, eq=False)
class StateWrite:
    """A value of transform state, as JSON text. The last write of a key counts."""

    namespace: str
    key: str
    value: str
    id: int = 0


@dataclass(slots=True, eq=False)
class HandOff(Unit):
    """Router and Handlers have run: every outcome of one message at once.

    `routing` is what the message counts as when all its work is done. With `routed_id` this is the outcome of one
    Handler alone, run again from its `routed` row. `detail` is a short line for the trail: which Handlers ran.
    `passed` are messages for inbounds of this engine, `states` the writes of transform state in their order, `meta`
    labels of the message: each replaces the one of the same name.
    """

    message_id: int
    inbound: str
    routing: Routing
    outgoing: Sequence[Outgoing]
    failed: Sequence[Failed]
    detail: str
    at: int
    routed_id: int | None = None
    passed: Sequence[Receive] = ()
    states: Sequence[StateWrite] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
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
        for passed in self.passed:
            passed.mint(mint)
        for state in self.states:
            state.id = mint()
