"""What Connections tell, and how much of it is kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messagefoundry.engine.engine import Engine


class Sparingly:
    """Lets a few events of one kind through in a minute."""

    def __init__(self, most: int = 20, seconds: float = 60) -> None:
        self._most = most
        self._seconds = seconds
        self._seen: dict[object, tuple[float, int]] = {}

    def allows(self, key: object) -> bool:
        """Whether one more event of this kind is let through now."""
        clock = time.monotonic()
        since, count = self._seen.get(key, (clock, 0))
        if clock - since >= self._seconds:
            since, count = clock, 0
        self._seen[key] = (since, count + 1)
        return count < self._most


class ConnectionNotes:
    """The engine's side of one outbound connector; an `OutboundContext`."""

    def __init__(self, name: str, engine: Engine, *, first_opening: bool) -> None:
        self.first_opening = first_opening
        self._name = name
        self._engine = engine

    @property
    def name(self) -> str:
        """The Connection's name."""
        return self._name

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        """Put an event of this Connection on its trail and in the log."""
        self._engine.note(self._name, kind, detail, alert=alert)
