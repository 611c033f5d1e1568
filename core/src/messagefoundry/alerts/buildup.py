"""The watch over backlogs: alerts when too much waits or waits too long at a stage, and when a lane has stalled."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from messagefoundry.wiring.values import BuildupThreshold, StallThreshold

if TYPE_CHECKING:
    from messagefoundry.contracts.stores import Backlog

CHECK_SECONDS = 5.0

Raise = Callable[[str, str, str], object]


@dataclass(frozen=True, slots=True)
class Limits:
    """From what on the backlog of a Connection is worth an alert.

    For `buildup`, waiting counts from `since` (microseconds since the epoch) on: what waits for a schedule is no
    buildup. For `stall` all of it counts.
    """

    buildup: BuildupThreshold = field(default_factory=BuildupThreshold)
    stall: StallThreshold = field(default_factory=StallThreshold)
    since: int = 0


def too_much(backlog: Backlog, limits: Limits, at: int) -> str | None:
    """What is wrong with a backlog at time `at` (microseconds), in a few words; None when nothing is."""
    threshold = limits.buildup
    counted_seconds = max(0, at - max(backlog.oldest_id, limits.since)) / 1_000_000
    deep = threshold.max_depth is not None and backlog.depth >= threshold.max_depth
    old = bool(threshold.max_oldest_seconds) and counted_seconds >= (threshold.max_oldest_seconds or 0)
    if not deep and not old:
        return None
    return f"{backlog.depth} waiting at the {backlog.stage} stage, the oldest for {waited(backlog, at):.0f} s"


def stalled(backlog: Backlog, limits: Limits, at: int) -> str | None:
    """That the oldest undelivered message of a lane is too old; None when it is not, or nobody asked."""
    limit = limits.stall.max_oldest_seconds
    if limit is None or backlog.stage != "outbound" or waited(backlog, at) < limit:
        return None
    return f"the oldest of {backlog.depth} undelivered has waited for {waited(backlog, at):.0f} s"


def waited(backlog: Backlog, at: int) -> float:
    """How many seconds the oldest has waited; none when the clock was set back."""
    return max(0, at - backlog.oldest_id) / 1_000_000


async def watch(
    read: Callable[[], Sequence[Backlog]],
    limits: Callable[[], Mapping[str, Limits]],
    raise_alert: Raise,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Look at all backlogs every few seconds until cancelled. `read` blocks and runs in a thread of its own."""
    limiter = trio.CapacityLimiter(1)
    task_status.started()
    while True:
        backlogs = await trio.to_thread.run_sync(read, limiter=limiter)
        look(backlogs, limits(), raise_alert)
        await trio.sleep(CHECK_SECONDS)


def look(backlogs: Sequence[Backlog], known: Mapping[str, Limits], raise_alert: Raise) -> None:
    """Raise the alerts that backlogs are worth."""
    at = time.time_ns() // 1000
    for backlog in backlogs:
        limits = known.get(backlog.connection, Limits())
        for kind, judge in (("queue_buildup", too_much), ("stalled", stalled)):
            trouble = judge(backlog, limits, at)
            if trouble is not None:
                raise_alert(kind, backlog.connection, trouble)
