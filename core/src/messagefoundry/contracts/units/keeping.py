"""What the engine keeps beside messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from messagefoundry.contracts.units.unit import Mint, Unit


@dataclass(slots=True, eq=False)
class KeepReference(Unit):
    """A reference set was read from its source: `content` takes the place of what was kept before, sealed.

    With `content` None it had not changed, and only the time of the sync is kept.
    """

    alone: ClassVar[bool] = True
    name: str
    content: bytes | None
    at: int
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The snapshot's id."""
        self.id = mint()
