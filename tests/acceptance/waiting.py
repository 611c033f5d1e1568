"""Waiting for something that another process does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_AGAIN_SECONDS = 0.002


def until(condition: Callable[[], object], what: str, *, within: float = 30) -> None:
    """Look until `condition` holds. Raises AssertionError, naming `what`, when it does not in time."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(LOOK_AGAIN_SECONDS)
