"""What Routers and Handlers may ask for while they run: the receipt of their message, state, references, replies.

All of it is the same when a message is run again, but for what has been committed or synced meanwhile.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from messagefoundry.contracts.errors import kind_of
from messagefoundry.message import RawMessage
from messagefoundry.wiring.misuse import MisuseError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Services(Protocol):
    """What an engine, or a dry run, offers to all messages. Called in worker threads; may block."""

    def state(self, namespace: str, key: str) -> str | None:
        """A value of transform state as JSON text; None when there is none."""

    def reference(self, name: str) -> Mapping[str, Any]:
        """The reference set of this name. Raises LookupError when there is none, or it was never synced."""

    def reply(self, message_id: int, parent_id: int, outbound: str) -> bytes | None:
        """The reply of `outbound` to the nearest message that this one came from, beginning with `parent_id`."""


class NoServices:
    """What a message has that no engine runs: nothing was kept, nothing synced, nothing answered."""

    def state(self, namespace: str, key: str) -> str | None:
        """Nothing."""
        return None

    def reference(self, name: str) -> Mapping[str, Any]:
        """Raises LookupError."""
        raise LookupError(f"there is no reference set {name!r} here")

    def reply(self, message_id: int, parent_id: int, outbound: str) -> bytes | None:
        """Nothing."""
        return None


@dataclass(slots=True)
class Running:
    """One message while it is run. `written` has what its Handlers wrote so far, as JSON text by namespace and key."""

    received_at: int = 0
    message_id: int = 0
    parent_id: int | None = None
    depth: int = 0
    services: Services = field(default_factory=NoServices)
    written: dict[tuple[str, str], str] = field(default_factory=dict)


_running: ContextVar[Running | None] = ContextVar("running", default=None)


class as_running:  # noqa: N801 - used as a block, and for every message: a generator would cost twice as much
    """Let authors' code in the block ask for what belongs to a message."""

    __slots__ = ("_message", "_token")

    def __init__(self, message: Running) -> None:
        self._message = message

    def __enter__(self) -> None:
        self._token = _running.set(self._message)

    def __exit__(self, *_: object) -> None:
        _running.reset(self._token)


class OutsideRunError(LookupError):
    """Something was asked for that there is only while a message is run."""

    def __init__(self, call: str) -> None:
        super().__init__(f"{call} is for Routers and Handlers: call it inside of one, not while the module loads")


def current(call: str) -> Running:
    """The message that is being run. Raises OutsideRunError, naming `call`."""
    message = _running.get()
    if message is None:
        raise OutsideRunError(call)
    return message


def current_ingest_time() -> float:
    """When the message that is being run was received: seconds since the epoch, the same whenever it is run again.

    Raises OutsideRunError outside of Routers and Handlers.
    """
    return current("current_ingest_time()").received_at / 1_000_000


def state_get(namespace: str, key: str, default: Any = None) -> Any:
    """The value that a Handler last kept with `SetState(namespace, key, value)`, `default` when there is none.

    A Handler sees what Handlers before it wrote for the same message, and what messages before it wrote that came
    through the same inbound. What is returned belongs to the caller: to change it changes nothing that is kept.
    """
    message = current("state_get()")
    for word, given in (("namespace", namespace), ("key", key)):
        if not isinstance(given, str):
            raise MisuseError(f"state_get(namespace, key): the {word} is text, not {kind_of(given)}")
    text = message.written.get((namespace, key))
    if text is None:
        text = message.services.state(namespace, key)
    return default if text is None else json.loads(text)


def response_get(outbound: str, default: Any = None) -> Any:
    """The reply of the outbound Connection that led to this message, as a RawMessage; `default` when there is none.

    That is the reply to the message that this one was re-ingressed or passed through from, or to the nearest before
    that one which `outbound` has answered.
    """
    message = current("response_get()")
    if message.parent_id is None:
        return default
    reply = message.services.reply(message.message_id, message.parent_id, outbound)
    return default if reply is None else RawMessage(reply)
