"""A window against a model of its store: whatever happens in whatever order, every item is taken once, in order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from messagefoundry.pipeline.window import Memory, Request, Window


class WindowMachine(RuleBasedStateMachine):
    """`store` is what waits durably, by order; `asked` the refill under way, answered in commit order with commits."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(limit=60)
        self.window: Window[int] = Window(self.memory, self.ask, max_items=5, max_bytes=40)
        self.store: dict[int, int] = {}
        self.asked: Request | None = None
        self.order = 0
        self.taken: list[int] = []
        self.sizes: dict[int, int] = {}
        self.held: list[int] = []

    def ask(self, request: Request) -> None:
        assert self.asked is None, "one refill at a time"
        self.asked = request

    @rule(size=st.integers(min_value=1, max_value=30))
    def commit(self, size: int) -> None:
        self.order += 1
        self.store[self.order] = size
        self.sizes[self.order] = size
        self.window.offer(self.order, self.order, size)

    @rule()
    def commit_without_offering(self) -> None:
        """A replay: the store has more, and the window is told to read again."""
        self.order += 1
        self.store[self.order] = self.sizes[self.order] = 3
        self.window.spilled = True
        self.window.want()

    @rule(limit=st.integers(min_value=1, max_value=5))
    def take(self, limit: int) -> None:
        for _ in range(limit):
            item = self.window.take()
            if item is None:
                return
            self.taken.append(item)
            self.held.append(item)

    @precondition(lambda self: self.held)
    @rule()
    def settle(self) -> None:
        item = self.held.pop(0)
        del self.store[item]
        self.window.release(self.sizes[item])

    @precondition(lambda self: self.held)
    @rule()
    def put_back(self) -> None:
        back = self.held
        self.held = []
        del self.taken[-len(back) :]
        self.window.put_back([(item, self.sizes[item]) for item in back])

    @precondition(lambda self: self.asked is not None)
    @rule()
    def answer(self) -> None:
        request, self.asked = self.asked, None
        assert request is not None
        waiting = [order for order in sorted(self.store) if order > request.after]
        read: list[tuple[int, int, int]] = []
        size = 0
        for order in waiting[: request.limit]:
            if read and size + self.store[order] > request.max_bytes:
                break
            read.append((order, order, self.store[order]))
            size += self.store[order]
        self.window.refilled(request, read, complete=len(read) == len(waiting))

    @precondition(lambda self: self.asked is not None)
    @rule()
    def fail_to_answer(self) -> None:
        request, self.asked = self.asked, None
        assert request is not None
        self.window.refill_failed(request)

    @precondition(lambda self: not self.held)
    @rule()
    def restart(self) -> None:
        """A stop and start: what was taken and not settled comes again from the store."""
        self.asked = None
        self.window.forget()
        self.taken = [item for item in self.taken if item not in self.store]

    @invariant()
    def taken_in_order_and_once(self) -> None:
        assert self.taken == sorted(set(self.taken))

    @invariant()
    def unspilled_means_everything_is_here(self) -> None:
        if not self.window.spilled:
            assert [*self.held, *self.window.waiting()] == sorted(self.store)

    @invariant()
    def memory_is_counted(self) -> None:
        used = sum(self.sizes[item] for item in [*self.held, *self.window.waiting()])
        assert self.memory.used == used

    @invariant()
    def items_are_bounded(self) -> None:
        assert len(self.window) + len(self.held) <= 5

    def teardown(self) -> None:
        """From every state everything can still be drained."""
        for _ in range(200):
            if not self.store:
                break
            self.take(1)
            if self.asked is not None:
                self.answer()
            while self.held:
                self.settle()
        assert not self.store
        assert self.memory.used == 0


WindowMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestWindow = WindowMachine.TestCase


@given(st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=20))
def test_a_full_window_spills_and_says_so(sizes: list[int]) -> None:
    window: Window[int] = Window(Memory(), lambda request: None, max_items=3, max_bytes=1000)
    window.refilled(Request(0, 3, 1000, 0), [], complete=True)
    accepted = [window.offer(order, order, size) for order, size in enumerate(sizes, 1)]
    assert accepted == [order <= 3 for order in range(1, len(sizes) + 1)]
    assert window.spilled == (len(sizes) > 3)


def test_an_empty_window_asks_at_once_for_what_it_could_not_take_in() -> None:
    """Others fill the memory: nobody takes or releases anything here, and would ask because of that."""
    asked: list[Request] = []
    window: Window[int] = Window(Memory(limit=10, used=10), asked.append, max_items=3, max_bytes=1000)
    window.refilled(Request(0, 3, 1000, 0), [], complete=True)
    assert not window.offer(1, 1, 5)
    (request,) = asked
    window.refilled(request, [(1, 1, 5)], complete=True)
    assert window.take() == 1
