"""The alarm: takes alerts from everywhere, holds back repeats, and sends the rest to every sink.

Raising never waits and never fails: a full queue drops the alert with a warning in the log, and a sink that fails is
logged. Messages are never delayed by an alert.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.alerts import Alert, AlertSink
from messagefoundry.contracts.errors import fault_site

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

QUEUE = 100
SINK_SECONDS = 30


class Alarm:
    """Sends alerts to the sinks, each (kind, connection) at most once in `realert_seconds`."""

    def __init__(self, sinks: Mapping[str, AlertSink], realert_seconds: float = 300) -> None:
        self._sinks = sinks
        self._realert_seconds = realert_seconds
        self._last: dict[tuple[str, str], float] = {}
        self._send, self._receive = trio.open_memory_channel[Alert](QUEUE)

    def raise_alert(self, kind: str, connection: str, detail: str, *, severity: str = "warning") -> bool:
        """Raise an alert; False when it repeats one that was raised a short while ago."""
        clock, key = time.monotonic(), (kind, connection)
        if clock - self._last.get(key, float("-inf")) < self._realert_seconds:
            return False
        try:
            self._send.send_nowait(Alert(kind, connection, detail, time.time_ns() // 1000, severity))
        except trio.WouldBlock:
            log.warning("alert %s of %s was dropped: the alert sinks do not keep up", kind, connection)
            return False
        self._last[key] = clock
        return True

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Send until cancelled."""
        task_status.started()
        async for alert in self._receive:
            for name, sink in self._sinks.items():
                await self._send_to(name, sink, alert)

    async def _send_to(self, name: str, sink: AlertSink, alert: Alert) -> None:
        try:
            with trio.fail_after(SINK_SECONDS):
                await sink.send(alert)
        except Exception as error:  # noqa: BLE001 - a sink is a plugin; what it raises must not stop the others
            log.warning("alert sink %s failed: %s", name, fault_site(error))
