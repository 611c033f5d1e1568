"""What tells repeats is kept as long as a repeat may come: then it is forgotten, a little at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.errors import MessageFoundryError
from messagefoundry.contracts.units import ForgetOnce
from messagefoundry.pipeline.committer import now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from messagefoundry.pipeline.committer import Committer
    from messagefoundry.wiring.graph import Graph

log = logging.getLogger(__name__)

PIECE = 1000
"""What one commit forgets at most: messages that come in meanwhile wait for a few milliseconds."""


async def a_minute() -> None:
    """Wait until it is time to forget again."""
    await trio.sleep(60)


async def watch(
    graph: Callable[[], Graph],
    committer: Committer,
    *,
    pause: Callable[[], Awaitable[None]] = a_minute,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Forget after every pause, until cancelled, by the windows of the graph of that moment."""
    task_status.started()
    emptied = False
    while True:
        await pause()
        window = longest_window(graph())
        if window is not None or not emptied:
            await forget(committer, now() - (window or 0))
        emptied = window is None


def longest_window(graph: Graph) -> int | None:
    """The longest time in which a repeat counts, in microseconds; None when no inbound tells repeats."""
    windows = [each.dedupe.window_seconds for each in graph.inbounds.values() if each.dedupe is not None]
    return round(max(windows) * 1_000_000) if windows else None


async def forget(committer: Committer, before: int) -> None:
    """Forget what tells repeats of messages with ids below `before`. A store that is away is waited for."""
    count = PIECE
    while count == PIECE:
        await committer.available()
        unit = ForgetOnce(before, PIECE)
        try:
            await committer.commit(unit)
        except MessageFoundryError as error:
            log.warning("what tells old repeats was not forgotten: %s", error)
        count = unit.count
