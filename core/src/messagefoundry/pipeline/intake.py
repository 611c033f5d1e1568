"""Intake: what an inbound connector hands in is judged, committed, and only then answered."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import trio

from messagefoundry.contracts.codecs import Summary
from messagefoundry.contracts.errors import MessageFoundryError, Refused, UnstorableUnit
from messagefoundry.contracts.inbound import Receipt, check_bookmark
from messagefoundry.contracts.units import ReadBookmark, Receive, Refuse
from messagefoundry.message import AcknowledgmentMode, Refusal, RefusalKind
from messagefoundry.pipeline.committer import Committer, now
from messagefoundry.pipeline.strictness import Strictness

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Network, IPv6Network

    from messagefoundry.pipeline.flow import Flow
    from messagefoundry.pipeline.replies import Expectation, Replies
    from messagefoundry.wiring.graph import Inbound

log = logging.getLogger(__name__)

STORE_PATIENCE_SECONDS = 10.0

TRANSIENT = {RefusalKind.STORE_UNAVAILABLE, RefusalKind.RATE_LIMIT, RefusalKind.SHUTTING_DOWN}


class Note(Protocol):
    """Puts an event of a Connection on its trail, and alerts if asked to."""

    def __call__(self, connection: str, kind: str, detail: str, *, alert: bool = False) -> None:
        """Note one event."""


@dataclass(slots=True)
class Gate:
    """Whether messages are accepted now; shared by all inbounds."""

    stopping: bool = False
    disk_low: bool = False

    @property
    def closed(self) -> RefusalKind | None:
        """Why nothing is accepted; None when messages are."""
        if self.stopping:
            return RefusalKind.SHUTTING_DOWN
        return RefusalKind.STORE_UNAVAILABLE if self.disk_low else None


class Intake:
    """The engine's side of one inbound connector; an `InboundContext`."""

    def __init__(
        self,
        inbound: Inbound,
        committer: Committer,
        flow: Flow,
        replies: Replies,
        note: Note,
        gate: Gate,
        *,
        first_opening: bool,
    ) -> None:
        self.first_opening = first_opening
        self._inbound = inbound
        self._committer = committer
        self._flow = flow
        self._replies = replies
        self._note = note
        self._gate = gate
        self._mode = AcknowledgmentMode(inbound.ack_mode.value)
        self._encoding = inbound.settings.text_encoding()
        self._patience = patience(inbound)
        self._reply_from = inbound.settings.reply_source()
        self._strictness = Strictness(inbound, note) if inbound.strict else None

    @property
    def name(self) -> str:
        """The Connection's name."""
        return self._inbound.name

    @property
    def bind_host(self) -> str:
        """The interface to bind."""
        return self._inbound.bind_host

    @property
    def source_ip_allowlist(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks whose peers may connect."""
        return self._inbound.source_ip_allowlist

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        """Put an event of this Connection on its trail and in the log."""
        self._note(self._inbound.name, kind, detail, alert=alert)

    async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
        """Judge and commit one message; the receipt carries the answer."""
        inbound = self._inbound
        if bookmark:
            check_bookmark(bookmark)
        try:
            summary = inbound.codec.summarize(raw, encoding=self._encoding)
        except Refused as refused:
            return await self.refuse(raw, refused.refusal, peer=peer)
        if inbound.max_message_bytes is not None and len(raw) > inbound.max_message_bytes:
            return await self.refuse(raw, Refusal(RefusalKind.TOO_LARGE), peer=peer)
        if self._strictness is not None:
            found = await self._strictness.refusal(raw, summary)
            if found is not None:
                return await self.refuse(raw, found[0], peer=peer, detail=found[1])
        if self._gate.closed is not None:
            return self._answer(raw, summary, Refusal(self._gate.closed), None)
        if summary.header is not None and not (summary.control_id and summary.message_type):
            missing = "MSH-9" if summary.control_id else "MSH-10"
            self.note("incomplete header", f"{peer}: {missing} is empty; the message is accepted all the same")
        return await self._commit(raw, summary, peer, bookmark)

    async def _commit(self, raw: bytes, summary: Summary, peer: str, bookmark: str) -> Receipt:
        """Commit what was judged acceptable, and answer as that went."""
        inbound = self._inbound
        unit = Receive(
            inbound.name,
            raw,
            inbound.content_type,
            summary.encoding,
            summary.control_id,
            summary.message_type,
            peer,
            now(),
            bookmark=bookmark,
        )
        committed = Committed(self._continuation(unit))
        self._committer.submit(
            unit, committed.succeed, committed.fail, deadline=trio.current_time() + self._patience, size=len(raw)
        )
        await committed.wait()
        if committed.error is not None:
            return self._answer(raw, summary, Refusal(failure_kind(committed.error)), None)
        if committed.expectation is not None:
            return await self._answer_from_partner(raw, summary, unit, committed.expectation)
        return self._answer(raw, summary, None, unit.id)

    async def bookmark(self) -> str:
        """The last one that is durable, read in the committer's own order: behind every receive before it."""
        unit = ReadBookmark(self._inbound.name)
        await self._committer.commit(unit)
        return unit.bookmark

    def _continuation(self, unit: Receive) -> Callable[[bool], Expectation | None]:
        """What follows the commit in the committer's own step: the flow has the message, whoever still waits."""

        def hand_on(awaited: bool) -> Expectation | None:
            wanted = self._reply_from if awaited else None
            expectation = self._replies.expect(unit.id, wanted) if wanted else None
            self._flow.received(unit)
            return expectation

        return hand_on

    async def refuse(self, raw: bytes, refusal: Refusal, *, peer: str = "", detail: str = "") -> Receipt:
        """Record a refused message as an ERROR, or count a byte-identical repeat, and answer it.

        `detail` says more on its trail: places and rules, never a value.
        """
        summary = self._summary(raw)
        receipt = self._answer(raw, summary, refusal, None)
        log.warning(
            "%s: refused a message%s: %s", self.name, f" with {receipt.code}" * bool(receipt.code), receipt.reason
        )
        if refusal.kind not in (RefusalKind.STORE_UNAVAILABLE, RefusalKind.SHUTTING_DOWN):
            await self._record(raw, refusal, summary, receipt.code, peer, detail)
        return receipt

    def _summary(self, raw: bytes) -> Summary | None:
        """What can be said of a refused message; None when even its header cannot be read."""
        try:
            return self._inbound.codec.summarize(raw, encoding=self._encoding)
        except Refused as refused:
            return refused.summary

    async def _record(
        self, raw: bytes, refusal: Refusal, summary: Summary | None, code: str, peer: str, detail: str
    ) -> None:
        known = summary or Summary(encoding=self._encoding)
        kind = refusal.kind
        if kind is RefusalKind.UNDECODABLE:
            detail = f"read as {known.encoding}"
        unit = Refuse(
            self._inbound.name,
            raw,
            self._inbound.content_type,
            known.encoding,
            known.control_id,
            known.message_type,
            peer,
            now(),
            code or "refused",
            str(kind.code),
            f"{kind.sentence} ({detail})" if detail else kind.sentence,
            hashlib.blake2b(raw, digest_size=16).digest(),
        )
        try:
            await self._committer.commit(unit, patience=self._patience)
        except MessageFoundryError:
            self.note("refusal not recorded", kind.sentence)

    async def _answer_from_partner(
        self, raw: bytes, summary: Summary, unit: Receive, expectation: Expectation
    ) -> Receipt:
        """Wait for the partner's reply and pass it on; AE when it does not come in time."""
        reply: bytes | None = None
        try:
            with trio.move_on_after(float(getattr(self._inbound.settings, "reply_timeout", 30))):
                reply = await expectation.wait()
        finally:
            self._replies.forget(unit.id)
        if reply is None:
            receipt = self._answer(raw, summary, Refusal(RefusalKind.DELIVERY_FAILED), unit.id)
            return Receipt(True, unit.id, receipt.reply, receipt.code)
        return Receipt(True, unit.id, reply, "")

    def _answer(self, raw: bytes, summary: Summary | None, refusal: Refusal | None, message_id: int | None) -> Receipt:
        code, reply = self._inbound.codec.acknowledge(
            raw, summary, refusal, self._mode, control_id=control_id(message_id), timestamp=hl7_now()
        )
        transient = refusal is not None and refusal.kind in TRANSIENT
        silent = self._mode is AcknowledgmentMode.NONE
        reason = refusal.kind.sentence if refusal is not None else ""
        return Receipt(refusal is None, message_id, reply, code, transient and silent, transient, reason)


class Committed:
    """Waits for one commit; `hand_on` runs in the commit's own step, and is told whether anybody still waits."""

    __slots__ = ("_done", "_hand_on", "_task", "error", "expectation")

    def __init__(self, hand_on: Callable[[bool], Expectation | None]) -> None:
        self._hand_on = hand_on
        self._done = False
        self._task: trio.lowlevel.Task | None = None
        self.error: MessageFoundryError | None = None
        self.expectation: Expectation | None = None

    def succeed(self) -> None:
        """The commit is durable."""
        self.expectation = self._hand_on(self._task is not None)
        self._wake()

    def fail(self, error: MessageFoundryError) -> None:
        """The commit failed, or has taken too long."""
        self.error = error
        self._wake()

    def _wake(self) -> None:
        self._done = True
        task, self._task = self._task, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    async def wait(self) -> None:
        """Wait for either; one task does, so nothing is made for it to wait on."""
        if self._done:
            return
        self._task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._give_up)

    def _give_up(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED


def failure_kind(error: MessageFoundryError) -> RefusalKind:
    """How a failed commit is answered: the sender may try again, unless the message itself cannot be stored."""
    return RefusalKind.INTERNAL if isinstance(error, UnstorableUnit) else RefusalKind.STORE_UNAVAILABLE


def patience(inbound: Inbound) -> float:
    """Seconds that a sender waits for a store that is away: 10, or half of what the sender is given."""
    receive_timeout = getattr(inbound.settings, "receive_timeout", None)
    return min(STORE_PATIENCE_SECONDS, receive_timeout / 2) if receive_timeout else STORE_PATIENCE_SECONDS


def control_id(message_id: int | None) -> bytes:
    """An MSH-10 of our own, at most 20 characters: made from the message's id, or from the time."""
    return b"MF%d" % (message_id if message_id is not None else now())


_second = (0, b"")


def hl7_now() -> bytes:
    """The present second as an HL7 DTM with its offset, such as 20261122031502+0000."""
    global _second
    second = int(time.time())
    if _second[0] != second:
        local = time.localtime(second)
        _second = (second, time.strftime("%Y%m%d%H%M%S%z", local).encode())
    return _second[1]
