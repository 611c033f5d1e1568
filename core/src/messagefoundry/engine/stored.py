"""The open store of an engine: the hold on it, its writing side, and readers that work beside the committer."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import trio

from messagefoundry.contracts.stores import Lease

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.stores import Store, StoreFactory, StoreLocation, StoreReader

T = TypeVar("T")


class Reading:
    """A store's reader for the trio thread: each look-up runs in a thread, one at a time, never on the committer's."""

    def __init__(self, reader: StoreReader) -> None:
        self._reader = reader
        self._limiter = trio.CapacityLimiter(1)

    async def __call__(self, look_up: Callable[[StoreReader], T]) -> T:
        """Run `look_up` with the reader in a worker thread."""
        return await trio.to_thread.run_sync(look_up, self._reader, limiter=self._limiter)


@dataclass(frozen=True, slots=True)
class Stored:
    """An open store."""

    store: Store
    read: Reading
    watch: StoreReader
    """A reader of its own for the buildup watch, so that a long look-up delays no alert."""
    lookups: StoreReader
    """A reader of its own for Routers and Handlers."""
    lease: Lease | None = None
    """On a server database, what says until when a send may begin."""


@contextmanager
def opened(factory: StoreFactory, location: StoreLocation, cipher: Cipher) -> Iterator[Stored]:
    """Hold and open a store; everything closes with the block. Blocks: for start and stop only."""
    hold = factory.hold(location)
    try:
        with (
            closing(factory.open(location, cipher)) as store,
            closing(factory.reader(location, cipher)) as reader,
            closing(factory.reader(location, cipher)) as watch,
            closing(factory.reader(location, cipher)) as lookups,
        ):
            yield Stored(store, Reading(reader), watch, lookups, hold if isinstance(hold, Lease) else None)
    finally:
        hold.release()


@asynccontextmanager
async def open_store(factory: StoreFactory, location: StoreLocation, cipher: Cipher) -> AsyncIterator[Stored]:
    """The same from a trio task. Opening and closing block the loop: nothing else runs then."""
    with opened(factory, location, cipher) as stored:
        yield stored
