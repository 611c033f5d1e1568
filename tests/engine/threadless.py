"""An engine without threads, for virtual time: the real parts over the kit's store, every call made in the trio thread.

What a thread would do is done when the loop next looks at what other threads have asked of it, so whoever waits for it
waits as long, and is woken in the same way and order.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from messagefoundry.alerts.alarm import Alarm
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.engine.background import background
from messagefoundry.engine.engine import Engine
from messagefoundry.engine.run import close_books, lanes, listeners, mark_running, sweep_removed
from messagefoundry.engine.stored import Reading, Stored
from messagefoundry.pipeline import committer, routing
from messagefoundry.pipeline.crossing import Call, Crossing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest

    from messagefoundry.contracts.stores import StoreReader
    from messagefoundry.engine.plan import Plan

T = TypeVar("T")

TURNS = 5
"""How long a call takes, in turns of the other tasks: long enough for a lane to send a few items meanwhile."""


class ThreadlessCrossing(Crossing):
    """A crossing into the thread that it comes from."""

    def __init__(self, name: str) -> None:
        self._token = trio.lowlevel.current_trio_token()

    def begin(self, function: Callable[[], T]) -> Call[T]:
        call = Call(function)
        self._token.run_sync_soon(_carry_out, call, TURNS)
        return call

    def close(self) -> None:
        """There is no thread to end."""


class ThreadlessReading(Reading):
    """Look-ups in the trio thread."""

    async def __call__(self, look_up: Callable[[StoreReader], T]) -> T:
        await trio.lowlevel.checkpoint()
        return look_up(self._reader)


def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let engines of this test cross into no thread."""
    for module in (committer, routing):
        monkeypatch.setattr(module, "Crossing", ThreadlessCrossing)


@asynccontextmanager
async def threadless(plan: Plan) -> AsyncIterator[Engine]:
    """An engine as `run` makes it, without the pages and the watches; it is stopped when the block ends."""
    store = plan.factory.open(plan.location, Plaintext())
    reader = plan.factory.reader(plan.location, Plaintext())
    engine = Engine(plan, Stored(store, ThreadlessReading(reader), reader, reader), Alarm({}))
    async with background([engine.committer.run]):
        last_id = store.last_id()
        unclean = await mark_running(engine)
        await sweep_removed(engine)
        engine.assemble(reader.held(), last_id if unclean else 0)
        async with background(lanes(engine)) as engine.lane_nursery:
            async with background([engine.routing.run]):
                async with background(listeners(engine)) as engine.listener_nursery:
                    yield engine
                    await engine.refuse_new()
                await engine.drained()
        await close_books(engine, store)


def _carry_out(call: Call[Any], turns: int) -> None:
    """Make the call once the other tasks have had so many turns."""
    if turns:
        trio.lowlevel.current_trio_token().run_sync_soon(_carry_out, call, turns - 1)
        return
    call.execute()
    call.finish()
