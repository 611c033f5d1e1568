"""Transform state in memory: what a flow wrote and is not committed yet, over a bounded cache, over the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from messagefoundry.contracts.units import StateWrite

MOST_BYTES = 32 * 1024 * 1024
ENTRY_BYTES = 250
"""About what an entry of the cache takes beside its texts."""

Place = tuple[str, str]


class State:
    """What is committed: values by namespace and key, as JSON text. `read` asks the store, and may block.

    Safe to use from any thread.
    """

    def __init__(self, read: Callable[[str, str], str | None], most_bytes: int = MOST_BYTES) -> None:
        self._read = read
        self._most = most_bytes
        self._lock = threading.Lock()
        self._cache: OrderedDict[Place, str | None] = OrderedDict()
        self._bytes = 0
        self._commits = 0

    def get(self, namespace: str, key: str) -> str | None:
        """The value, None when there is none."""
        place = (namespace, key)
        with self._lock:
            if place in self._cache:
                self._cache.move_to_end(place)
                return self._cache[place]
            commits = self._commits
        value = self._read(namespace, key)
        with self._lock:
            if commits == self._commits:  # else what was read may be older than what is committed now
                self._remember(place, value)
        return value

    def committed(self, writes: Sequence[StateWrite]) -> None:
        """The writes are durable; told in commit order."""
        with self._lock:
            self._commits += 1
            for write in writes:
                self._remember((write.namespace, write.key), write.value)

    def _remember(self, place: Place, value: str | None) -> None:
        if place in self._cache:
            self._forget(place, self._cache.pop(place))
        self._cache[place] = value
        self._bytes += size(place, value)
        while self._bytes > self._most:
            self._forget(*self._cache.popitem(last=False))

    def _forget(self, place: Place, value: str | None) -> None:
        self._bytes -= size(place, value)


class Writes:
    """State as the messages of one flow see it: what was written before them, committed or on its way to the store.

    A write is seen from `written` on, and stays until it is `committed` or `dropped`: whoever reads the store
    meanwhile would find the value before it. Other flows do not see it until then: they may be committed first, and
    what they made of it would outlive a write that never comes.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._pending: dict[Place, list[StateWrite]] = {}

    def get(self, namespace: str, key: str) -> str | None:
        """The value, None when there is none."""
        with self._lock:
            waiting = self._pending.get((namespace, key))
            if waiting:
                return waiting[-1].value
        return self._state.get(namespace, key)

    def written(self, writes: Sequence[StateWrite]) -> None:
        """A message has been run, and its writes are on their way to the store."""
        with self._lock:
            for write in writes:
                self._pending.setdefault((write.namespace, write.key), []).append(write)

    def committed(self, writes: Sequence[StateWrite]) -> None:
        """The writes are durable; told in commit order."""
        self._state.committed(writes)
        self.dropped(writes)

    def dropped(self, writes: Sequence[StateWrite]) -> None:
        """The writes are not on their way any more."""
        with self._lock:
            for write in writes:
                self._take(write)

    def _take(self, write: StateWrite) -> None:
        place = (write.namespace, write.key)
        waiting = self._pending.get(place, [])
        if write in waiting:  # else it was never to be seen before its commit
            waiting.remove(write)
        if not waiting:
            self._pending.pop(place, None)


def size(place: Place, value: str | None) -> int:
    """About how many bytes an entry takes."""
    return ENTRY_BYTES + len(place[0]) + len(place[1]) + len(value or "")
