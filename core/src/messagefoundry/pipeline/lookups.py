"""What the Routers and Handlers of a running engine look up: transform state, reference sets, earlier replies."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from messagefoundry.contracts.errors import StoreUnavailable
from messagefoundry.pipeline.state import State, Writes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from messagefoundry.contracts.stores import StoreReader

log = logging.getLogger(__name__)

T = TypeVar("T")

AGAIN_SECONDS = 0.25
CLOSE_SECONDS = 5.0


class Lookups:
    """What an engine has to look up. `references` gives a reference set by name, or raises LookupError.

    While the store is away a look-up waits, and with it its message: nothing dies of that.
    """

    def __init__(self, reader: StoreReader, references: Callable[[str], Mapping[str, Any]]) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._references = references
        self._state = State(self._stored_state)

    def of_flow(self) -> FlowLookups:
        """What the messages of one flow look up."""
        return FlowLookups(self, Writes(self._state))

    def reference(self, name: str) -> Mapping[str, Any]:
        """The reference set of this name. Raises LookupError."""
        return self._references(name)

    def reply(self, message_id: int, parent_id: int, outbound: str) -> bytes | None:
        """The reply of `outbound` to the nearest message that this one came from, beginning with `parent_id`."""
        return self._ask(lambda reader: _reply(reader, message_id, parent_id, outbound))

    def close(self) -> None:
        """Let look-ups that wait for the store end, and begin none: the reader is about to be closed.

        One that is being answered is waited for a while: to close its connection under it may end the process.
        """
        self._closed.set()
        if self._lock.acquire(timeout=CLOSE_SECONDS):
            self._lock.release()

    def _stored_state(self, namespace: str, key: str) -> str | None:
        return self._ask(lambda reader: reader.state(namespace, key))

    def _ask(self, look_up: Callable[[StoreReader], T]) -> T:
        told = False
        while True:
            try:
                with self._lock:
                    if self._closed.is_set():
                        raise StoreUnavailable("the engine has stopped")
                    return look_up(self._reader)
            except StoreUnavailable as error:
                if not told:
                    log.warning("a Router or Handler waits for the store: %s", error)
                told = True
                if self._closed.wait(AGAIN_SECONDS):
                    raise


class FlowLookups:
    """The `Services` of the messages of one flow. `writes` is what they keep."""

    def __init__(self, lookups: Lookups, writes: Writes) -> None:
        self.writes = writes
        self.reference = lookups.reference
        self.reply = lookups.reply
        self.state = writes.get


def _reply(reader: StoreReader, message_id: int, parent_id: int | None, outbound: str) -> bytes | None:
    while parent_id is not None:
        found = reader.last_reply(parent_id, outbound, message_id)
        if found is not None:
            return found
        parent = reader.message(parent_id)
        message_id, parent_id = parent_id, None if parent is None else parent.parent_id
    return None
