"""Telling an operator of trouble once, not at every poll."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messagefoundry.contracts import InboundContext


class Notices:
    """Notes on a Connection's trail that are not repeated as long as what they tell of goes on."""

    def __init__(self, context: InboundContext) -> None:
        """Notes go to `context`."""
        self._context = context
        self._before: set[tuple[str, str]] = set()
        self._now: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """A new poll begins; what was not told in the last one is over."""
        self._before, self._now = self._now, set()

    def tell(self, kind: str, about: str, detail: str) -> None:
        """Alert of `kind`, unless the last poll or this one has told it of the same `about`."""
        if (kind, about) not in self._before | self._now:
            self._context.note(kind, detail, alert=True)
        self._now.add((kind, about))

    def told_before(self, kind: str) -> bool:
        """Whether the last poll told of it."""
        return any(told == kind for told, _ in self._before)
