"""Tasks that live as long as a block of code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import trio

Task = Callable[..., Awaitable[Any]]


@asynccontextmanager
async def background(tasks: Iterable[Task] = ()) -> AsyncIterator[trio.Nursery]:
    """Start each task, wait until it reports ready, and cancel them all when the block ends."""
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as starting:
            for task in tasks:
                starting.start_soon(nursery.start, task)
        yield nursery
        nursery.cancel_scope.cancel()
