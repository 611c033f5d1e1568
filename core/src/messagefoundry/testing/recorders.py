"""The engine's side of the connector contracts, for tests: what it was told, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.inbound import Receipt, check_bookmark

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from messagefoundry.message import Refusal

YES = b"yes"
"""The reply of a receipt for a message that was accepted."""
NO = b"no"
"""The reply of a receipt for a message that is refused for its content."""
AGAIN = b"again"
"""The reply of a receipt for a message that could not be committed now, which is nobody's fault."""

Judge = Callable[[bytes], Receipt]


def accept(raw: bytes) -> Receipt:
    """The receipt of a message that was committed."""
    return Receipt(accepted=True, message_id=1, reply=YES, code="AA")


def refuse(raw: bytes) -> Receipt:
    """The receipt of a message that is refused for its content."""
    return Receipt(accepted=False, reply=NO, code="AE", reason="The message cannot be read")


def try_again(raw: bytes) -> Receipt:
    """The receipt of a message that the store could not take."""
    return Receipt(accepted=False, reply=AGAIN, code="AE", retry=True, reason="The message could not be stored")


class Killed(BaseException):
    """Stands for the end of a process: nothing that the connector does afterwards counts."""


@dataclass
class InboundRecorder:
    """An `InboundContext` that remembers. `judge` makes each receipt; while `held` no commit comes to an end.

    `received` is filled when a connector hands a message in, `committed` when its receipt is returned, `marked` with
    the bookmark of what was committed. A recorder may serve one run of a connector after another, as a store does.
    """

    judge: Judge = accept
    name: str = "IB_TEST"
    bind_host: str = "127.0.0.1"
    first_opening: bool = True
    source_ip_allowlist: tuple[IPv4Network | IPv6Network, ...] = ()
    received: list[bytes] = field(default_factory=list)
    committed: list[bytes] = field(default_factory=list)
    refused: list[tuple[bytes, Refusal]] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)
    notes: list[tuple[str, str, bool]] = field(default_factory=list)
    marked: str = ""
    dead: bool = False
    _changed: trio.Event = field(default_factory=trio.Event)
    _held: set[bytes] | None = field(default_factory=set)
    _dies: bool = False
    _hangs: bool = False
    _undecided: list[tuple[bytes, str]] = field(default_factory=list)

    def hold(self, *raws: bytes) -> None:
        """Let the commits of these messages, or of all, wait."""
        self._held = set(raws) or None

    def release(self) -> None:
        """Let every commit come to its end."""
        self._held, self._hangs = set(), False
        for raw, bookmark in self._undecided:
            self._commit(raw, bookmark)
        self._undecided.clear()
        self._tell()

    def kill(self) -> None:
        """Let the process end right after the next commit: `receive` raises Killed."""
        self._dies = True

    def hang(self) -> None:
        """Let senders wait no longer for commits that come to their end, well, at `release`: receipts say `retry`."""
        self._hangs = True

    async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
        """Commit, in memory."""
        check_bookmark(bookmark)
        self.received.append(raw)
        self.peers.append(peer)
        self._tell()
        await trio.lowlevel.checkpoint()
        if self._hangs:
            self._undecided.append((raw, bookmark))
            return try_again(raw)
        await self.until(lambda: self._held is not None and raw not in self._held)
        receipt = self.judge(raw)
        if receipt.accepted:
            self._commit(raw, bookmark)
        self._tell()
        if self._dies:
            self._dies, self.dead = False, True
            raise Killed
        return receipt

    def _commit(self, raw: bytes, bookmark: str) -> None:
        self.committed.append(raw)
        self.marked = bookmark or self.marked

    async def bookmark(self) -> str:
        """The bookmark committed last, once no commit is undecided."""
        await trio.lowlevel.checkpoint()
        await self.until(lambda: not self._undecided)
        return self.marked

    async def refuse(self, raw: bytes, refusal: Refusal, *, peer: str = "") -> Receipt:
        """Record a message that the connector itself cannot accept."""
        await trio.lowlevel.checkpoint()
        self.refused.append((raw, refusal))
        self._tell()
        return refuse(raw)

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        """Remember an event."""
        self.notes.append((kind, detail, alert))
        self._tell()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds; it is asked whenever something was handed in, committed or noted."""
        while not condition():
            await self._changed.wait()

    async def has(self, count: int) -> None:
        """Wait until so many messages were handed in."""
        await self.until(lambda: len(self.received) >= count)

    def said(self) -> str:
        """Everything that was noted, as one text."""
        return "\n".join(f"{kind} {detail}" for kind, detail, _ in self.notes)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@dataclass
class OutboundRecorder:
    """An `OutboundContext` that remembers."""

    name: str = "OB_TEST"
    first_opening: bool = True
    notes: list[tuple[str, str, bool]] = field(default_factory=list)

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        """Remember an event."""
        self.notes.append((kind, detail, alert))

    def said(self) -> str:
        """Everything that was noted, as one text."""
        return "\n".join(f"{kind} {detail}" for kind, detail, _ in self.notes)
