"""Inbound connectors: how a message comes in.

A connector binds or polls, and for each message awaits `context.receive(raw)`, which returns after the message is
committed (or refused); only then does it answer its peer, with the bytes that the receipt carries. Supervision,
restarts and back-off are the engine's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from ipaddress import IPv4Network, IPv6Network

    import trio

    from messagefoundry.message import Refusal


LONGEST_BOOKMARK = 1024
"""Bytes of the longest bookmark, in UTF-8."""


def check_bookmark(bookmark: str) -> None:
    """Raise ValueError for a bookmark that a store need not keep."""
    if len(bookmark.encode()) > LONGEST_BOOKMARK or "\0" in bookmark:
        raise ValueError(f"a bookmark is text of at most {LONGEST_BOOKMARK} bytes without NUL")


class Receipt(NamedTuple):
    """What became of one received message.

    `reply` is what the peer is answered, unframed, or None for nothing; `close` asks to close the peer's connection
    (a commit failed and no acknowledgment may say so). `code` is MSA-1, "" when nothing is answered. `retry` tells a
    refusal that is nobody's fault (store unavailable, shutting down) from one for the message's content; `reason` is
    the refusal's fixed sentence, without content.

    `later` gives, when its message has been delivered or has come to something else, a second answer on the same
    connection, None for none: the application acknowledgment of enhanced mode (HL7 v2.5.1 §2.9.3) on an inbound with
    `ack_after="delivered"`. A connector awaits it beside what it receives next, and may leave it alone.
    """

    accepted: bool
    message_id: int | None = None
    reply: bytes | None = None
    code: str = ""
    close: bool = False
    retry: bool = False
    reason: str = ""
    later: Callable[[], Awaitable[bytes | None]] | None = None


class InboundContext(Protocol):
    """What the engine gives an inbound connector."""

    @property
    def name(self) -> str:
        """The Connection's name."""

    @property
    def bind_host(self) -> str:
        """The interface to bind: `[inbound] bind_host` or the Connection's `bind_address`."""

    @property
    def source_ip_allowlist(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks whose peers may connect; empty for all."""

    @property
    def first_opening(self) -> bool:
        """Whether the Connection begins now: with the engine, or by a reload that added it or named another place.

        Only then may a connector make what is missing, such as a folder: later it may be a share that went away.
        """

    async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
        """Commit one message, or a batch of them as a whole; `peer` says from where, for the trail.

        Never raises for a bad message or a lost store: the receipt says so. Cancelling it loses nothing: a message
        that is committed goes on whether or not its sender is still there.

        `bookmark` is for a source that takes its messages one after the other from where they lie: it is committed
        with the message, in one transaction, and `bookmark()` gives it back. It is text of the connector's own
        choosing without content of a message, at most LONGEST_BOOKMARK bytes and without NUL: ValueError else. A
        message that is refused moves no bookmark: found again, it is refused again, which adds one to its repeats.
        """

    async def bookmark(self) -> str:
        """The bookmark of the message of this inbound that was committed last with one, "" for none.

        Comes after every `receive` of this inbound that went before it, and waits while the outcome of one is unknown
        or the store is away: ask at the start of `run`, and after a receipt that says `retry`, whose message may have
        been committed after all.
        """

    async def refuse(self, raw: bytes, refusal: Refusal, *, peer: str = "") -> Receipt:
        """Record a message that the connector itself cannot accept (too large, rate limit) and get its answer."""

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        """Put an event of this Connection on its trail and in the log: "peer refused", "noise dropped".

        `detail` never carries message content. `alert=True` also alerts, once in `[alerts] realert_seconds`.
        """


class InboundConnector(Protocol):
    """A running source of messages."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Bind, call `task_status.started()` when ready, and receive until cancelled. OSError when the bind fails."""
