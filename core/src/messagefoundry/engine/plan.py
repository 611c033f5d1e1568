"""What an engine is to run: everything that was decided before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.contracts.ciphers import Cipher, Plaintext
from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.pipeline.committer import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from messagefoundry.contracts.stores import StoreFactory, StoreLocation
    from messagefoundry.plugins import Installed
    from messagefoundry.wiring.graph import Graph

MOST_REMOVED = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """`load` loads and checks the configuration anew, for a reload; it blocks.

    `sync_on_startup` has the start wait until the reference sets are read, those of which a copy is kept too. `clock`
    tells schedules the time, in microseconds since the epoch.
    """

    graph: Graph
    load: Callable[[], Graph]
    installed: Installed
    factory: StoreFactory
    location: StoreLocation
    cipher: Cipher = field(default_factory=Plaintext)
    api_host: str = "127.0.0.1"
    api_port: int | None = 8765
    shutdown_timeout_seconds: float = 30
    realert_seconds: float = 300
    unsettled: int = 32
    sync_on_startup: bool = True
    clock: Callable[[], int] = now
    hold_outbound: bool = False
    accept_removed: bool = False


class TooMuchRemoved(ConfigurationError):
    """A start or reload would dead-letter the work of many removed Connections or Handlers."""

    def __init__(self, rows: int) -> None:
        text = f"{rows} messages wait for Connections or Handlers that the configuration no longer has, and would die"
        super().__init__([Problem(text, "put back what was removed, or start once with --accept-removed")])


def died(count: int) -> str:
    """What the log says of messages whose Connection or Handler was removed."""
    waited = "1 message waited" if count == 1 else f"{count} messages waited"
    are = "it is a dead letter" if count == 1 else "they are dead letters"
    return f"{waited} for what is no longer configured; {are} now"
