"""Transform state in memory against a model: a flow gets the newest value that it wrote, others the newest committed.

Memory is bounded.
"""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from messagefoundry.contracts.units import StateWrite
from messagefoundry.pipeline.state import ENTRY_BYTES, State, Writes, size

KEYS = st.sampled_from("abcd")
VALUES = st.integers(0, 9).map(str)
MOST = 3 * (ENTRY_BYTES + 10)


class Lives(RuleBasedStateMachine):
    """Messages write, and their hand-offs are committed in order, or dropped; readers ask at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.store: dict[str, str] = {}
        self.reading: list[Any] = []
        self.waiting: list[list[StateWrite]] = []
        self.kept = State(self.read, MOST)
        self.state, self.other = Writes(self.kept), Writes(self.kept)

    def read(self, namespace: str, key: str) -> str | None:
        """The store, to which things happen while it is read."""
        found = self.store.get(key)
        while self.reading:
            self.reading.pop()()
        return found

    def newest(self, key: str) -> str | None:
        written = [write.value for writes in self.waiting for write in writes if write.key == key]
        return written[-1] if written else self.store.get(key)

    @rule(values=st.dictionaries(KEYS, VALUES, min_size=1))
    def write(self, values: dict[str, str]) -> None:
        writes = [StateWrite("s", key, value) for key, value in values.items()]
        self.state.written(writes)
        self.waiting.append(writes)

    @rule()
    def commit(self) -> None:
        if self.waiting:
            writes = self.waiting.pop(0)
            self.store.update({write.key: write.value for write in writes})
            self.state.committed(writes)

    @rule(place=st.integers(0, 5))
    def drop(self, place: int) -> None:
        if place < len(self.waiting):
            self.state.dropped(self.waiting.pop(place))

    @rule(key=KEYS)
    def ask(self, key: str) -> None:
        assert self.state.get("s", key) == self.newest(key)

    @rule(key=KEYS)
    def ask_through_another_flow(self, key: str) -> None:
        assert self.other.get("s", key) == self.store.get(key)

    @rule(key=KEYS, value=VALUES, committed=st.booleans())
    def ask_while_something_happens(self, key: str, value: str, committed: bool) -> None:
        """Another thread writes the same key, and that may be durable before the answer of the store is here."""

        def happens() -> None:
            self.write.__wrapped__(self, {key: value})  # type: ignore[attr-defined]
            while committed and self.waiting:
                self.commit.__wrapped__(self)  # type: ignore[attr-defined]

        before = self.newest(key)
        self.reading = [happens]
        assert self.state.get("s", key) in (before, value)
        self.reading.clear()

    @invariant()
    def memory_is_bounded(self) -> None:
        held = sum(size(place, value) for place, value in self.kept._cache.items())
        assert held == self.kept._bytes <= MOST
        assert sum(map(len, self.state._pending.values())) == sum(map(len, self.waiting))


TestLives = Lives.TestCase


def test_what_is_asked_again_and_again_stays() -> None:
    asked: list[str] = []

    def read(namespace: str, key: str) -> str:
        asked.append(key)
        return "1"

    state = State(read, MOST)
    for number in range(10):
        state.get("s", "often")
        state.get("s", str(number))
    assert asked.count("often") == 1
