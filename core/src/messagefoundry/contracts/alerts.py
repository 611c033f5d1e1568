"""Alerts: an operational event that a human should hear of. Connection names, counts and times; never content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Alert:
    """One event: `kind` such as "queue_buildup" or "connection_stopped"; `at` microseconds since the epoch."""

    kind: str
    connection: str
    detail: str
    at: int
    severity: str = "warning"


class AlertSink(Protocol):
    """A place alerts are sent to. A failing sink is logged and never delays messages."""

    async def send(self, alert: Alert) -> None:
        """Deliver one alert."""
