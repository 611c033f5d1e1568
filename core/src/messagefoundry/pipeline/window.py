"""What of a lane or flow is in memory: a bounded window over work that is all in the store.

A window is *spilled* when the store holds work that the window does not: then new work is not taken into memory, and
refills read it from the store, between two commits. The window leaves the spilled state in the very step in which a
refill reads everything that was left. Every window begins spilled.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")


@dataclass(slots=True)
class Memory:
    """Bytes of work in memory, over all windows together."""

    limit: int = 256 * 1024 * 1024
    used: int = 0

    @property
    def full(self) -> bool:
        """Whether windows must spill."""
        return self.used >= self.limit


@dataclass(frozen=True, slots=True)
class Request:
    """What a refill is asked for. `generation` goes back with the answer: an older one is ignored."""

    after: int
    limit: int
    max_bytes: int
    generation: int


class Window(Generic[T]):
    """The part of a lane or flow that is in memory, in order.

    An item counts from when it is taken in until it is `release`d: while it waits, and while it is worked on.
    `ask` is called with a Request when the window wants more from the store; the answer comes to `refilled`.
    """

    def __init__(
        self, memory: Memory, ask: Callable[[Request], None], *, max_items: int = 1000, max_bytes: int = 8 * 1024 * 1024
    ) -> None:
        self._memory = memory
        self._ask = ask
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._items: deque[tuple[T, int]] = deque()
        self._held = 0
        self._bytes = 0
        self._asking = False
        self._generation = 0
        self._closed = False
        self.after = 0
        self.spilled = True

    def __len__(self) -> int:
        return len(self._items)

    @property
    def held(self) -> int:
        """Items taken out and not released yet."""
        return self._held

    @property
    def full(self) -> bool:
        """Whether no more is taken into memory until something is released."""
        return len(self._items) + self._held >= self._max_items or self._bytes >= self._max_bytes or self._memory.full

    def offer(self, order: int, item: T, size: int) -> bool:
        """Take in new work that was just committed; False when it stays in the store alone."""
        if self.spilled:
            return False
        if self.full:
            self.spilled = True
            self.want()  # where others fill the memory, an empty window has nobody else who would ask
            return False
        self._take_in(order, item, size)
        return True

    def take(self) -> T | None:
        """The next item, which counts until it is released; None when none is in memory."""
        self.want()
        if not self._items:
            return None
        item, _ = self._items.popleft()
        self._held += 1
        return item

    def peek(self) -> T | None:
        """The next item, left where it is."""
        self.want()
        return self._items[0][0] if self._items else None

    def waiting(self) -> Iterator[T]:
        """The items in memory that were not taken yet, in order."""
        return (item for item, _ in self._items)

    def put_back(self, items: Sequence[tuple[T, int]]) -> None:
        """Put items that were taken and not worked on back at the head, in their order."""
        self._items.extendleft(reversed(items))
        self._held -= len(items)

    def release(self, size: int) -> None:
        """An item that was taken is done with, or given back to the store."""
        if not self._closed:
            self._held -= 1
            self._count(-size)
            self.want()

    def close(self) -> None:
        """Nothing is wanted any more: what is in memory is forgotten, and what comes later is not taken in."""
        self.forget()
        self._closed = True

    def want(self, *, urgent: bool = False) -> None:
        """Ask for a refill when one is due: the window is spilled and running low, or it is `urgent`."""
        if not self.spilled or self._asking or self._closed:
            return
        if len(self._items) > self._max_items // 4 and not urgent:
            return
        places = self._max_items - self._held - len(self._items)
        crowded = self._bytes >= self._max_bytes or self._memory.full
        if places <= 0 or (crowded and (self._items or self._held)):
            return
        self._asking = True
        room = 1 if crowded else self._max_bytes - self._bytes
        self._ask(Request(self.after, places, room, self._generation))

    def refilled(self, request: Request, entries: Sequence[tuple[int, T, int]], complete: bool, last: int = 0) -> None:
        """The answer to a request: (order, item, size) each, in order. `complete`: the store has no more.

        `last` is the highest order read, which is beyond the entries when some could not be given.
        """
        if request.generation != self._generation:
            return
        self._asking = False
        for order, item, size in entries:
            self._take_in(order, item, size)
        self.after = max(self.after, last)
        self.spilled = not complete

    def refill_failed(self, request: Request) -> None:
        """The request could not be answered; `want` may ask again."""
        if request.generation == self._generation:
            self._asking = False

    def discard(self, unwanted: Callable[[T], bool]) -> int:
        """Forget waiting items that are no longer wanted; how many there were."""
        kept = deque((item, size) for item, size in self._items if not unwanted(item))
        gone = len(self._items) - len(kept)
        self._count(sum(size for _, size in kept) - sum(size for _, size in self._items))
        self._items = kept
        return gone

    def forget(self) -> None:
        """Begin again from the store: nothing is in memory, spilled. Nothing may be held."""
        self._count(-self._bytes)
        self._items.clear()
        self._held = 0
        self._asking = False
        self._generation += 1
        self.after = 0
        self.spilled = True

    def _take_in(self, order: int, item: T, size: int) -> None:
        self._items.append((item, size))
        self._count(size)
        self.after = max(self.after, order)

    def _count(self, size: int) -> None:
        self._bytes += size
        self._memory.used += size
