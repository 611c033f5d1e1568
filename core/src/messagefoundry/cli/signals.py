"""Signals to a running engine: stop, stop at once, load the configuration again."""

from __future__ import annotations

import logging
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from messagefoundry.cli.failures import INTERRUPTED
from messagefoundry.contracts.errors import ConfigurationError, MessageFoundryError
from messagefoundry.engine.reload import reload

if TYPE_CHECKING:
    from messagefoundry.engine.engine import Engine

log = logging.getLogger(__name__)

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
RELOADS = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []


@dataclass(slots=True)
class Ending:
    """How an engine is brought to its end. `engine` is None until it is ready."""

    engine: Engine | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    exit_code: int = 0

    def asked(self) -> None:
        """Stop the engine: the first time in order, the second time, or before it is ready, at once."""
        if self.engine is None or self.engine.stopping.is_set():
            self.exit_code = INTERRUPTED
            self.scope.cancel()
        else:
            self.engine.stop()


async def obey_signals(ending: Ending, *, task_status: trio.TaskStatus[None]) -> None:
    """Obey until the engine has ended; whoever presses Ctrl-C once more after that changes nothing."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)  # what they are again when the receiver has gone
    async with trio.open_nursery() as reloads:
        with trio.open_signal_receiver(*STOPS, *RELOADS) as signals:
            task_status.started()
            async for number in signals:
                if number in RELOADS:
                    reloads.start_soon(reload_now, ending)
                else:
                    ending.asked()


async def reload_now(ending: Ending) -> None:
    """Load the configuration again; a bad one changes nothing and is named in the log, line by line."""
    if ending.engine is None:
        return
    try:
        found = await reload(ending.engine)
    except ConfigurationError as error:
        for problem in error.problems:
            log.error("%s", problem)
    except MessageFoundryError as error:
        log.error("the configuration was not loaded again: %s", error)
    else:
        parts = [("added", found.added), ("changed", found.changed), ("removed", found.removed)]
        said = "; ".join(f"{word}: {', '.join(names)}" for word, names in parts if names)
        log.info("the configuration was loaded again; %s", said or "no Connection has changed")
