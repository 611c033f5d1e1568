"""The space left for the store: below a low-water mark nothing more is accepted, while lanes go on and settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from messagefoundry.pipeline.intake import Gate, Note

LOW_WATER_BYTES = 256 * 1024 * 1024
CHECK_SECONDS = 1.0


async def watch(
    bytes_free: Callable[[], int | None],
    gate: Gate,
    note: Note,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Look at the space every second until cancelled, and close or open the gate."""
    limiter = trio.CapacityLimiter(1)
    task_status.started()
    while True:
        free = await trio.to_thread.run_sync(bytes_free, limiter=limiter)
        if free is not None and (free < LOW_WATER_BYTES) is not gate.disk_low:
            gate.disk_low = not gate.disk_low
            left = f"{free // (1024 * 1024)} MiB left for the store"
            if gate.disk_low:
                note("store", "disk low", f"{left}; nothing is accepted until there is more", alert=True)
            else:
                note("store", "disk recovered", f"{left}; messages are accepted again")
        await trio.sleep(CHECK_SECONDS)
