"""The known name that a mistyped one is nearest to."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST_BEGINNING = 3


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None when none is alike; first of all one that begins with it."""
    folded = name.casefold()
    by_fold = {candidate.casefold(): candidate for candidate in known}
    begun = [each for each in by_fold if each.startswith(folded)] if len(folded) >= SHORTEST_BEGINNING else []
    matches = get_close_matches(folded, begun or by_fold, n=1, cutoff=0.0 if begun else 0.6)
    return by_fold[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A mend that names the nearest known name, or else all of them when they are few."""
    known = sorted(known)
    match = nearest(name, known)
    if match is not None:
        return f"did you mean {match!r}?"
    return f"known are {', '.join(known)}" if 0 < len(known) <= 12 else ""
