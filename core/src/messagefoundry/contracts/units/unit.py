"""What every unit of work has."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar, Literal

Mint = Callable[[], int]
Routing = Literal["UNROUTED", "FILTERED", "PROCESSED"]
Stage = Literal["ingress", "routed", "outbound"]


@dataclass(slots=True, eq=False)
class Unit:
    """One atomic change. `alone` units get a transaction of their own."""

    alone: ClassVar[bool] = False
    filled: ClassVar[Collection[str]] = ()
    """The members that the store fills in. What they hold is true once the unit is committed."""

    @property
    def row(self) -> int | None:
        """The id of the row that this changes, or None when it only adds."""
        return None

    def clear(self) -> None:
        """Empty the filled members. A store applies a unit from here: after a commit that failed, it comes again."""
        for member in fields(self):
            if member.name in self.filled:
                fresh = member.default if member.default_factory is MISSING else member.default_factory()
                setattr(self, member.name, fresh)

    def mint(self, mint: Mint) -> None:
        """Take the ids that this unit needs."""
