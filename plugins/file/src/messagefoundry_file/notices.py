"""Telling an operator of trouble once, not at every poll."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messagefoundry.contracts import InboundContext

_MOST_REMEMBERED = 1000


class Notices:
    """Notes on a Connection's trail that are not repeated until what they tell of is over."""

    def __init__(self, context: InboundContext) -> None:
        """Notes go to `context`."""
        self._context = context
        self._told: set[tuple[str, str]] = set()

    def tell(self, kind: str, about: str, detail: str) -> None:
        """Alert of `kind` once for each `about`."""
        if (kind, about) in self._told:
            return
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told.add((kind, about))
        self._context.note(kind, detail, alert=True)

    def over(self, kind: str, about: str) -> bool:
        """It is over: the next time is told again. True when there had been something to tell."""
        told = (kind, about) in self._told
        self._told.discard((kind, about))
        return told
