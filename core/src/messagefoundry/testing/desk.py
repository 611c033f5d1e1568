"""What a partner of an outbound connector does with each message, as the kit decides it.

The author of a connector writes a partner that speaks its protocol and asks the desk about each message it gets. A
partner that never answers, or answers late, needs no code of its own: the desk keeps it waiting.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Answer(Enum):
    """What a partner does with a message that it has read."""

    YES = "answer that it has the message"
    NO = "answer that it will never take this message"
    LATER = "answer that it cannot take the message now"
    LEAVE = "close the connection without an answer"
    OMIT = "answer the batch of the message, and leave the message out: asked for by the kit for batches alone"


@dataclass
class Step:
    """The answer to one message. While `ready` is not set the partner says nothing."""

    answer: Answer = Answer.YES
    ready: trio.Event = field(default_factory=trio.Event)

    def release(self) -> None:
        """Let the partner answer now."""
        self.ready.set()


class Desk:
    """Decides about messages in the order in which they come: `plan` says what follows, then everything is taken."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        """Every message that the partner has read, whatever it answered."""
        self.taken: list[bytes] = []
        """The messages that it answered YES."""
        self.open = 0
        """Connections that are open now, of those that the partner told of."""
        self.opened = 0
        """Connections that were ever opened."""
        self._plan: list[Step] = []
        self._changed = trio.Event()

    def plan(self, *answers: Answer) -> None:
        """Answer the next messages so, at once."""
        for answer in answers:
            self.plan_late(answer).release()

    def plan_late(self, answer: Answer = Answer.YES) -> Step:
        """Keep the next message waiting until `release()` of what is returned."""
        step = Step(answer)
        self._plan.append(step)
        return step

    async def take(self, payload: bytes) -> Answer:
        """What to do with a message that the partner has read; returns when it is to be done."""
        step = self._plan.pop(0) if self._plan else None
        self.seen.append(payload)
        self._tell()
        if step is not None:
            await step.ready.wait()
        answer = Answer.YES if step is None else step.answer
        if answer is Answer.YES:
            self.taken.append(payload)
        self._tell()
        return answer

    @contextmanager
    def connection(self) -> Iterator[None]:
        """A connection is open while this block runs: put all that is done with one inside."""
        self.open += 1
        self.opened += 1
        self._tell()
        try:
            yield
        finally:
            self.open -= 1
            self._tell()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds; it is asked whenever a message or a connection comes or goes."""
        while not condition():
            await self._changed.wait()

    async def has_seen(self, count: int) -> None:
        """Wait until the partner has read so many messages."""
        await self.until(lambda: len(self.seen) >= count)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
