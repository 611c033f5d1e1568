"""The demonstration's sending partner."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.harness.feed import synthetic_messages
from messagefoundry.harness.partner import deliver

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 7


@dataclass(slots=True)
class Sender:
    """The sending partner: one connection, one message at a time, as fast as answers allow or at a rate."""

    port: int
    count: int | None = None
    rate: float | None = None
    sent: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    recent_ns: deque[int] = field(default_factory=lambda: deque(maxlen=2000))
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    failure: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)
    _asked_ns: int = 0

    def run(self) -> None:
        """Send until the count is reached or it is stopped."""
        self.began = time.monotonic()
        try:
            for acknowledgment in deliver(self._messages(), self.port):
                self.recent_ns.append(time.monotonic_ns() - self._asked_ns)
                self.codes[acknowledgment.code or "none"] += 1
        except OSError as error:
            self.failure = error.strerror or str(error)
        self.ended = time.monotonic()

    def _messages(self) -> Iterator[bytes]:
        for message in synthetic_messages(SEED):
            if self.rate is not None:
                self.stopped.wait(max(0.0, self.began + self.sent / self.rate - time.monotonic()))
            if self.stopped.is_set() or self.sent == self.count:
                return
            self.sent += 1
            self._asked_ns = time.monotonic_ns()
            yield message

    @property
    def seconds(self) -> float:
        """How long it has been sending."""
        return (self.ended or time.monotonic()) - self.began
