"""The buildup watch: alerts when too much waits, or waits too long, at any of the three stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import trio

from messagefoundry.wiring.values import BuildupThreshold

if TYPE_CHECKING:
    from messagefoundry.contracts.stores import Backlog

CHECK_SECONDS = 5.0

Raise = Callable[[str, str, str], object]


def too_much(backlog: Backlog, threshold: BuildupThreshold, at: int) -> str | None:
    """What is wrong with a backlog at time `at` (microseconds), in a few words; None when nothing is."""
    oldest_seconds = max(0, at - backlog.oldest_id) / 1_000_000
    deep = threshold.max_depth is not None and backlog.depth >= threshold.max_depth
    old = bool(threshold.max_oldest_seconds) and oldest_seconds >= (threshold.max_oldest_seconds or 0)
    if not deep and not old:
        return None
    return f"{backlog.depth} waiting at the {backlog.stage} stage, the oldest for {oldest_seconds:.0f} s"


async def watch(
    read: Callable[[], Sequence[Backlog]],
    thresholds: Callable[[], Mapping[str, BuildupThreshold]],
    raise_alert: Raise,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Look at all backlogs every few seconds until cancelled. `read` blocks and runs in a thread of its own."""
    limiter = trio.CapacityLimiter(1)
    task_status.started()
    while True:
        known = thresholds()
        for backlog in await trio.to_thread.run_sync(read, limiter=limiter):
            trouble = too_much(backlog, known.get(backlog.connection, BuildupThreshold()), time.time_ns() // 1000)
            if trouble is not None:
                raise_alert("queue_buildup", backlog.connection, trouble)
        await trio.sleep(CHECK_SECONDS)
