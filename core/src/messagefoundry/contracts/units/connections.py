"""What happens to Connections and to the engine itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from messagefoundry.contracts.units.unit import Mint, Unit

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(slots=True, eq=False)
class NoteConnection(Unit):
    """An event of a Connection: started, stopped, peer refused, lane stopped."""

    connection: str
    kind: str
    detail: str
    at: int
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The event's id."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class HoldConnection(Unit):
    """An operator's stop (`held=True`) or start of a Connection; it survives restart and reload."""

    alone: ClassVar[bool] = True
    connection: str
    held: bool
    actor: str
    at: int
    id: int = 0

    def mint(self, mint: Mint) -> None:
        """The event's id."""
        self.id = mint()


@dataclass(slots=True, eq=False)
class MarkRunning(Unit):
    """The engine starts (`running=True`) or has stopped cleanly (False). Filled: `was_running`, true after a crash."""

    alone: ClassVar[bool] = True
    filled: ClassVar[Collection[str]] = ("was_running",)
    running: bool
    at: int
    was_running: bool = False
