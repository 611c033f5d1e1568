"""What configurations import."""

from __future__ import annotations

from messagefoundry.contracts.transport import transport
from messagefoundry_timer.settings import TimerSettings

Timer = transport("Timer", TimerSettings)
