"""Callers of a committer, of every kind, all at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.contracts.errors import StaleUnit, StoreUnavailable
from tests.pipeline.test_committer import handed_off, received

if TYPE_CHECKING:
    from random import Random

    from messagefoundry.contracts.errors import MessageFoundryError
    from messagefoundry.contracts.units import Receive
    from messagefoundry.pipeline.committer import Committer


class Caller:
    """One of many. `handed_on` has the ids of the messages whose continuation ran, shared by all, in order."""

    def __init__(self, committer: Committer, handed_on: list[int], chance: Random, turns: int) -> None:
        self._committer = committer
        self._handed_on = handed_on
        self._chance = chance
        self._turns = turns
        self.told: list[str] = []

    async def work(self) -> None:
        """Take turns of every kind."""
        for _ in range(self._turns):
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


async def submit_in_order(committer: Committer, handed_on: list[int], count: int) -> None:
    """Messages of one connection that does not wait for answers: they are handed on in the order in which they came."""
    order = list[int]()

    def then(number: int, unit: Receive) -> None:
        order.append(number)
        handed_on.append(unit.id)

    for number in range(count):
        unit = received(number)
        committer.submit(unit, partial(then, number, unit))
        await trio.sleep(0.0005)
    await committer.drained()
    assert order == list(range(count))
