"""Timer Connections: an inbound that hands in a message of its own, at moments that the author names.

Timer(body="…", interval_seconds=60)                                             every minute
Timer(body="…", cron_expression="30 6 * * MON-FRI", timezone="Europe/Berlin")    by the calendar
Timer(body="…", run_once=True)                                                   once at each start

They are imported when first asked for: finding out what is installed needs no transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messagefoundry_timer.authoring import Timer

__all__ = ["Timer"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from messagefoundry_timer import authoring

    return getattr(authoring, name)
