"""Hundreds of callers, a store that comes and goes, and both threads at once: what is durable is what was handed on."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.contracts.errors import MessageFoundryError, StaleUnit, StoreUnavailable
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.pipeline import committer as committing
from messagefoundry.pipeline.committer import Committer
from tests.pipeline.conftest import Failing
from tests.pipeline.test_committer import handed_off, received

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


class Caller:
    """One of many. `handed_on` has the ids of the messages whose continuation ran, shared by all, in order."""

    def __init__(self, committer: Committer, handed_on: list[int], chance: Random) -> None:
        self._committer = committer
        self._handed_on = handed_on
        self._chance = chance
        self.told: list[str] = []

    async def work(self) -> None:
        """Take turns of every kind."""
        for _ in range(TURNS):
            turns = (self.patient, self.impatient, self.gone, self.stale, self.twice)
            (turn,) = self._chance.choices(turns, weights=(8, 8, 8, 1, 4))
            await turn()

    async def patient(self) -> None:
        """A receive that waits however long it takes."""
        unit = received()
        await self._committer.commit(unit, lambda: self._handed_on.append(unit.id))
        assert unit.id in self._handed_on, "its continuation ran before the caller woke"

    async def impatient(self) -> None:
        """A receive whose sender is answered soon, one way or the other."""
        unit = received()
        try:
            await self._committer.commit(unit, lambda: self._handed_on.append(unit.id), patience=0.003)
        except StoreUnavailable:
            self.told.append("unavailable")

    async def gone(self) -> None:
        """A receive whose connection is cancelled while it waits."""
        unit = received()
        with trio.move_on_after(self._chance.random() * 0.003):
            await self._committer.commit(unit, lambda: self._handed_on.append(unit.id))

    async def stale(self) -> None:
        """A hand-off of what is not there fails alone, whoever shares its batch."""
        with pytest.raises(StaleUnit):
            await self._committer.commit(handed_off(1))

    async def twice(self) -> None:
        """Two hand-offs of one message: the first is committed, the second finds that it was."""
        unit = received()
        await self._committer.commit(unit, lambda: self._handed_on.append(unit.id))
        outcomes = list[str]()

        def failed(error: MessageFoundryError) -> None:
            outcomes.append(type(error).__name__)

        for _ in range(2):
            self._committer.submit(handed_off(unit.id), lambda: outcomes.append("committed"), failed)
        await self._committer.drained()
        assert outcomes == ["committed", "StaleUnit"]


@pytest.mark.parametrize("seed", range(3))
async def test_durable_is_what_was_handed_on(
    store: Store, reader: StoreReader, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(committing, "WATCH_SECONDS", 0.001)
    monkeypatch.setattr(committing, "RETRY_SECONDS", (0.0005, 0.002))
    committer, handed_on = Committer(Fickle(store, seed)), list[int]()
    callers = [Caller(committer, handed_on, Random(seed * CALLERS + number)) for number in range(CALLERS)]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(committer.run)
            async with trio.open_nursery() as crowd:
                for caller in callers:
                    crowd.start_soon(caller.work)
            await committer.drained()
            nursery.cancel_scope.cancel()
    assert handed_on == sorted(set(handed_on)), "once each, in the order of ids"
    assert handed_on == sorted(row.id for row in reader.messages(MessageQuery(limit=CALLERS * TURNS)))
    assert committer.waiting == 0
    assert any(caller.told for caller in callers), "the store was away long enough for somebody"
    assert committer.units > committer.commits, "and batches were formed"
