"""A session: a wire, and how the server knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry_postgres.connecting import connect
from messagefoundry_postgres.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messagefoundry_postgres.place import Place

_IDENTITY = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Session:
    """An open session: its process on the server, and when that began."""

    wire: Wire
    pid: int
    start: str


def open_session(place: Place, settings: Mapping[str, str], *, seconds: float, within: float | None = None) -> Session:
    """A session whose exchanges take `seconds` at most, opened `within` others. Raises ConnectionLost, ServerError."""
    wire = Wire(connect(place, settings, seconds=within), seconds)
    try:
        ((pid, start),) = wire.ask(_IDENTITY)
    except BaseException:
        wire.close()
        raise
    return Session(wire, pid, start)
