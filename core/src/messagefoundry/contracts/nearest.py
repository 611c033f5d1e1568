"""The known name that a mistyped one is nearest to."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None when none is alike."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    matches = get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A mend that names the nearest known name, or else all of them when they are few."""
    known = sorted(known)
    match = nearest(name, known)
    if match is not None:
        return f"did you mean {match!r}?"
    return f"known are {', '.join(known)}" if 0 < len(known) <= 12 else ""
