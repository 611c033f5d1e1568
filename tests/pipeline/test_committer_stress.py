"""Hundreds of callers, a store that comes and goes, and both threads at once: what is durable is what was handed on."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.contracts.errors import StoreUnavailable
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.pipeline import committer as committing
from messagefoundry.pipeline.committer import Committer
from tests.pipeline.callers import Caller, submit_in_order
from tests.pipeline.conftest import Failing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.stores import Store, StoreReader
    from messagefoundry.contracts.units import Unit

CALLERS = 200
TURNS = 8


class Fickle(Failing):
    """A real store that is away for a moment now and then, and slow now and then. Its chance is its own thread's."""

    def __init__(self, store: Store, seed: int) -> None:
        super().__init__(store, [])
        self._chance = Random(seed)

    def commit(self, units: Sequence[Unit]) -> None:
        """Commit, late or not at all."""
        fate = self._chance.random()
        if fate < 0.15:
            raise StoreUnavailable("away")
        if fate < 0.3:
            time.sleep(self._chance.random() * 0.004)
        super().commit(units)


@pytest.mark.parametrize("seed", range(3))
async def test_durable_is_what_was_handed_on(
    store: Store, reader: StoreReader, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(committing, "WATCH_SECONDS", 0.001)
    monkeypatch.setattr(committing, "RETRY_SECONDS", (0.0005, 0.002))
    committer, handed_on = Committer(Fickle(store, seed)), list[int]()
    callers = [Caller(committer, handed_on, Random(seed * CALLERS + number), TURNS) for number in range(CALLERS)]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(committer.run)
            async with trio.open_nursery() as crowd:
                crowd.start_soon(submit_in_order, committer, handed_on, 400)
                for caller in callers:
                    crowd.start_soon(caller.work)
            await committer.drained()
            nursery.cancel_scope.cancel()
    assert handed_on == sorted(set(handed_on)), "once each, in the order of ids"
    assert handed_on == sorted(row.id for row in reader.messages(MessageQuery(limit=CALLERS * TURNS + 400)))
    assert committer.waiting == 0
    assert any(caller.told for caller in callers), "the store was away long enough for somebody"
    assert committer.units > committer.commits, "and batches were formed"
