"""The alert sink that is always there: alerts go to the log as warnings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from messagefoundry.contracts.alerts import Alert

log = logging.getLogger("messagefoundry.alert")


class LoggingSink:
    """Writes each alert as one WARNING (or worse) line."""

    async def send(self, alert: Alert) -> None:
        """Log one alert."""
        level = logging.CRITICAL if alert.severity == "critical" else logging.WARNING
        log.log(level, "ALERT %s %s: %s", alert.kind, alert.connection, alert.detail)
