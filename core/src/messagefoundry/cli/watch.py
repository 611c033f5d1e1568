"""Watching messages being run through Handlers: one that never returns would hang without a word."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from messagefoundry.cli.failures import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from messagefoundry.cli.sources import Source

LONG_SECONDS = 2.0
LOOK_SECONDS = 0.1


class Watch:
    """Says on standard error which message has been running for long, of each once."""

    def __init__(self) -> None:
        self._running: tuple[str, float] | None = None
        self._over = threading.Event()

    def each(self, messages: Iterable[Source]) -> Iterator[Source]:
        """The same messages; each is taken as running until the next is asked for."""
        for message in messages:
            self._running = message.label, time.monotonic()
            yield message
        self._running = None

    def look(self) -> None:
        """Look until the end."""
        said = None
        while not self._over.wait(LOOK_SECONDS):
            running = self._running
            if running is not None and running is not said and time.monotonic() - running[1] >= LONG_SECONDS:
                said = running
                say(f"message {running[0]} has been running for {LONG_SECONDS:.0f} s; Ctrl-C ends it and shows where")

    def end(self) -> None:
        """Stop looking."""
        self._over.set()


@contextmanager
def watching() -> Iterator[Watch]:
    """A watch, looking until the block ends."""
    watch = Watch()
    thread = threading.Thread(target=watch.look, name="watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()
