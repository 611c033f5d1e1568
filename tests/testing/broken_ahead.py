"""Stores that break the contract, each in one way, when batches are sent ahead. As broken_stores.py."""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import TYPE_CHECKING, ClassVar

from messagefoundry.contracts.errors import MessageFoundryError
from messagefoundry.testing import MemoryStore
from tests.testing.store_variant import InPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import Unit
    from messagefoundry.testing.memory.store import Disk
    from messagefoundry.testing.memory.tables import Tables


class Wired(MemoryStore):
    """A sound `AheadStore`: a batch is committed when it is collected."""

    def __init__(self, disk: Disk, cipher: Cipher) -> None:
        super().__init__(disk, cipher)
        self.sent: deque[Sequence[Unit]] = deque()

    def commit(self, units: Sequence[Unit]) -> None:
        assert not self.sent, "a batch is committed while others are on their way"
        super().commit(units)

    def send(self, units: Sequence[Unit]) -> bool:
        if any(unit.filled or unit.alone for unit in units):
            return False
        self.sent.append(units)
        return True

    def collect(self, within: float | None = None) -> bool:
        try:
            super().commit(self.sent.popleft())
        except MessageFoundryError:
            self.sent.clear()
            raise
        return True


class TestASoundWire(InPart):
    store = Wired


class OutOfTurn(Wired):
    def collect(self, within: float | None = None) -> bool:
        self.sent.rotate()
        return super().collect(within)


class TestCommitsTheNewestFirst(InPart):
    store = OutOfTurn
    caught_by: ClassVar = {
        "test_a_batch_sees_those_sent_before_it",
        "test_batches_sent_ahead_are_committed_in_turn",
        "test_what_is_sent_behind_a_failure_is_not_committed",
    }


class GoingOn(Wired):
    """Commits what is behind a batch that failed."""

    def collect(self, within: float | None = None) -> bool:
        rest = list(self.sent)[1:]
        try:
            return super().collect(within)
        except MessageFoundryError:
            for units in rest:
                super().commit(units)
            raise


class TestGoesOnBehindAFailure(InPart):
    store = GoingOn
    caught_by: ClassVar = {
        "test_what_is_sent_behind_a_failure_is_not_committed",
    }


class Hasty(Wired):
    """Commits what it is sent at once, and raises."""

    def send(self, units: Sequence[Unit]) -> bool:
        if not super().send(units):
            return False
        MemoryStore.commit(self, self.sent.pop())
        self.sent.append(())
        return True


class TestRaisesWhenItIsSent(InPart):
    store = Hasty
    caught_by: ClassVar = {
        "test_what_is_sent_behind_a_failure_is_not_committed",
        "test_what_is_sent_in_an_outage_fails_when_collected",
    }


class Guessing(Wired):
    """Takes what asks for an answer, and gives none."""

    def send(self, units: Sequence[Unit]) -> bool:
        self.sent.append([copy(unit) for unit in units])
        return True


class TestLeavesQuestionsUnanswered(InPart):
    store = Guessing
    caught_by: ClassVar = {
        "test_what_is_asked_behind_batches_is_answered",
    }


class Apart(Wired):
    """Applies each batch to what was there when it was sent."""

    def __init__(self, disk: Disk, cipher: Cipher) -> None:
        super().__init__(disk, cipher)
        self.seen: deque[Tables] = deque()

    def send(self, units: Sequence[Unit]) -> bool:
        taken = super().send(units)
        if taken:
            self.seen.append(self.disk.tables)
        return taken

    def collect(self, within: float | None = None) -> bool:
        self.disk.tables = self.seen.popleft()
        return super().collect(within)


class TestAppliesBatchesApart(InPart):
    store = Apart
    caught_by: ClassVar = {
        "test_a_batch_sees_those_sent_before_it",
        "test_batches_sent_ahead_are_committed_in_turn",
        "test_what_is_asked_behind_batches_is_answered",
        "test_what_is_sent_behind_a_failure_is_not_committed",
        "test_what_is_sent_in_an_outage_fails_when_collected",
    }
