"""A store far away, in memory and strict about its use, with threads that change at every chance."""

from __future__ import annotations

import sys
import time
from collections import deque
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.contracts.errors import StaleUnit, StoreUnavailable
from messagefoundry.pipeline import batches
from messagefoundry.pipeline import committer as committing
from messagefoundry.pipeline.committer import Committer
from tests.pipeline.test_committer import received

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from messagefoundry.contracts.errors import MessageFoundryError
    from messagefoundry.contracts.units import Receive, Unit

SECONDS = 3
CALLERS = 100


class Far:
    """An `AheadStore` of 2.5 ms a commit, about where batches begin to be sent ahead here; a few of them fail."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._sent: deque[tuple[float, list[int]]] = deque()
        self._free = 0.0
        self.misused = 0
        self.most = 0
        self.durable: list[int] = []

    def last_id(self) -> int:
        return 0

    def commit(self, units: Sequence[Unit]) -> None:
        self.misused += bool(self._sent)
        time.sleep(max(0.0, self._due() - time.monotonic()))
        self._decide()
        self.durable += ids(units)

    def send(self, units: Sequence[Unit]) -> bool:
        if self._chance.random() < 0.02:
            return False
        self._sent.append((self._due(), ids(units)))
        self.most = max(self.most, len(self._sent))
        return True

    def collect(self, within: float | None = None) -> bool:
        due, found = self._sent[0]
        left = due - time.monotonic()
        if within is not None and left > within:
            time.sleep(within)
            return False
        time.sleep(max(0.0, left))
        try:
            self._decide()
        except (StoreUnavailable, StaleUnit):
            self._sent.clear()
            raise
        self._sent.popleft()
        self.durable += found
        return True

    def bytes_free(self) -> None:
        return None

    def close(self) -> None:
        """Nothing is open."""

    def _due(self) -> float:
        self._free = max(time.monotonic(), self._free) + 0.0005
        return self._free + 0.0025 * self._chance.uniform(0.5, 1.5)

    def _decide(self) -> None:
        chance = self._chance.random()
        if chance < 0.03:
            raise StoreUnavailable("away")
        if chance < 0.05:
            raise StaleUnit("stale")


def ids(units: Sequence[Unit]) -> list[int]:
    return [unit.id for unit in units if hasattr(unit, "id")]


class Told:
    """What one unit's caller was told."""

    def __init__(self, unit: Receive, handed_on: list[int]) -> None:
        self.unit = unit
        self._handed_on = handed_on
        self.words: list[str] = []
        self.done = trio.Event()

    def then(self) -> None:
        self.words.append("then")
        self._handed_on.append(self.unit.id)
        self.done.set()

    def failed(self, error: MessageFoundryError) -> None:
        self.words.append("failed")
        self.done.set()


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads give way to one another all the time."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("seed", range(2))
async def test_whatever_fails_and_whoever_waits(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(committing, "WATCH_SECONDS", 0.001)
    monkeypatch.setattr(committing, "RETRY_SECONDS", (0.001,))
    monkeypatch.setattr(batches, "AHEAD_FROM_SECONDS", 0.0025)
    far, handed_on, told = Far(seed), list[int](), list[Told]()
    committer = Committer(far)
    end = trio.current_time() + SECONDS

    async def call(number: int) -> None:
        chance = Random(number)
        while trio.current_time() < end:
            one = Told(received(), handed_on)
            told.append(one)
            deadline = trio.current_time() + (0.008 if chance.random() < 0.5 else 600)
            committer.submit(one.unit, one.then, one.failed, deadline=deadline)
            assert committer.waiting, "it is somewhere"
            await one.done.wait()
            await trio.sleep(chance.random() * 0.001)

    with trio.fail_after(SECONDS + 60):
        async with trio.open_nursery() as nursery:
            await nursery.start(committer.run)
            async with trio.open_nursery() as crowd:
                for number in range(CALLERS):
                    crowd.start_soon(call, number)
            await committer.drained()
            nursery.cancel_scope.cancel()
    assert far.misused == 0, "nothing is committed while batches are on their way"
    assert far.durable == handed_on, "durable is what was handed on, in that order"
    assert handed_on == sorted(set(handed_on))
    assert far.most > 1
    assert {tuple(one.words) for one in told} <= {("then",), ("failed",), ("failed", "then")}
