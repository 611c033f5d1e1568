"""Virtual time for variants: what they do must not depend on how busy the machine is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio
from trio.testing import MockClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def virtually(function: Callable[..., Awaitable[None]], **options: Any) -> None:
    """As trio.run; give it to `pytest.mark.trio(run=...)`."""
    return trio.run(function, **{**options, "clock": MockClock(autojump_threshold=0)})
