"""Intake: what an inbound connector hands in is judged, committed, and only then answered."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import trio

from messagefoundry.contracts.codecs import Summary
from messagefoundry.contracts.errors import MessageFoundryError, Refused
from messagefoundry.contracts.inbound import Receipt, check_bookmark
from messagefoundry.contracts.units import ReadBookmark, Receive, Refuse
from messagefoundry.message import AcknowledgmentMode, Refusal, RefusalKind
from messagefoundry.pipeline.answering import control_id, failure_kind, hl7_now
from messagefoundry.pipeline.batch_intake import BATCH_TYPE, batches_of
from messagefoundry.pipeline.committed import Committed
from messagefoundry.pipeline.committer import Committer, now
from messagefoundry.pipeline.dedupe import Repeats, first_id
from messagefoundry.pipeline.strictness import Strictness

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Network, IPv6Network

    from messagefoundry.pipeline.ack_after import AfterDelivery
    from messagefoundry.pipeline.batch_intake import BatchIntake
    from messagefoundry.pipeline.flow import Flow
    from messagefoundry.pipeline.replies import Expectation, Replies
    from messagefoundry.wiring.graph import Inbound

log = logging.getLogger(__name__)

STORE_PATIENCE_SECONDS = 10.0

TRANSIENT = {RefusalKind.STORE_UNAVAILABLE, RefusalKind.RATE_LIMIT, RefusalKind.SHUTTING_DOWN}
UNRECORDED = TRANSIENT | {RefusalKind.INTERNAL}


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
        after_delivery: AfterDelivery | None = None,
        *,
        first_opening: bool,
    ) -> None:
        self.first_opening = first_opening
        self._after = after_delivery
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
        self._batches = batches_of(self, inbound, committer, gate, self._patience)
        self._repeats = Repeats(inbound.dedupe, flow, note) if inbound.dedupe is not None else None

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
        """Judge and commit one message or batch; the receipt carries the answer."""
        if bookmark:
            check_bookmark(bookmark)
        try:
            summary = self._summarized(raw, self._encoding)  # not `judge`: every message would pay for a coroutine
            if self._strictness is not None:
                await self._strictness.hold(raw, summary)
        except Refused as refused:
            if refused.refusal.kind is RefusalKind.BATCH and self._batches is not None:
                return await self._receive_batch(self._batches, raw, peer, bookmark)
            return await self.refuse(raw, refused.refusal, peer=peer, detail=refused.detail)
        if self._gate.closed is not None:
            return self._answer(raw, summary, Refusal(self._gate.closed), None)
        if summary.header is not None and not (summary.control_id and summary.message_type):
            missing = "MSH-9" if summary.control_id else "MSH-10"
            self.note("incomplete header", f"{peer}: {missing} is empty; the message is accepted all the same")
        return await self._commit(raw, summary, peer, bookmark)

    async def judge(self, raw: bytes, encoding: str) -> Summary:
        """What is known of a message that may be accepted. Raises Refused for one that may not."""
        summary = self._summarized(raw, encoding)
        if self._strictness is not None:
            await self._strictness.hold(raw, summary)
        return summary

    def _summarized(self, raw: bytes, encoding: str) -> Summary:
        inbound = self._inbound
        summary = inbound.codec.summarize(raw, encoding=encoding)
        if inbound.max_message_bytes is not None and len(raw) > inbound.max_message_bytes:
            raise Refused(Refusal(RefusalKind.TOO_LARGE), summary)
        return summary

    async def _receive_batch(self, batches: BatchIntake, raw: bytes, peer: str, bookmark: str) -> Receipt:
        try:
            return await batches.receive(raw, peer, bookmark)
        except Refused as refused:
            if refused.refusal.kind in UNRECORDED:
                return self._answer(raw, self._summary(raw), refused.refusal, None)
            return await self.refuse(raw, refused.refusal, peer=peer, detail=refused.detail, batch=True)

    async def _commit(self, raw: bytes, summary: Summary, peer: str, bookmark: str) -> Receipt:
        """Commit what was judged acceptable, and answer as that went."""
        unit = self.accepted(raw, summary, peer, bookmark)
        committed = Committed(self._continuation(unit))
        self._committer.submit(
            unit, committed.succeed, committed.fail, deadline=trio.current_time() + self._patience, size=len(raw)
        )
        await committed.wait()
        if committed.error is not None:
            return self._answer(raw, summary, Refusal(failure_kind(committed.error)), None)
        if committed.expectation is not None:
            return await self._answer_from_partner(raw, summary, unit, committed.expectation)
        if self._after is not None:
            return await self._after.answer(raw, summary, self._mode, unit)
        return self._answer(raw, summary, None, first_id(unit))

    def accepted(self, raw: bytes, summary: Summary, peer: str, bookmark: str = "") -> Receive:
        """The unit that accepts a message; on an inbound that tells repeats, unless it came before."""
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
        return unit if self._repeats is None else self._repeats.once(unit, summary.header)

    def refused(self, raw: bytes, refused: Refused, code: str, peer: str) -> Refuse:
        """The unit that records a refused message, answered with `code` of MSA-1, "" for no answer."""
        known = refused.summary or Summary(encoding=self._encoding)
        kind = refused.refusal.kind
        detail = f"read as {known.encoding}" if kind is RefusalKind.UNDECODABLE else refused.detail
        return Refuse(
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

    async def bookmark(self) -> str:
        """The last one that is durable, read in the committer's own order: behind every receive before it."""
        unit = ReadBookmark(self._inbound.name)
        await self._committer.commit(unit)
        return unit.bookmark

    def hand_on(self, unit: Receive) -> None:
        """What follows the commit of a message of a batch, in the committer's own step."""
        self._continuation(unit)(False)

    def _continuation(self, unit: Receive) -> Callable[[bool], Expectation | None]:
        """What follows the commit in the committer's own step: the flow has the message, whoever still waits."""

        def hand_on(awaited: bool) -> Expectation | None:
            if self._repeats is not None and self._repeats.came_before(unit):
                return None
            if self._after is not None and awaited:
                self._after.expect(unit.id)
            wanted = self._reply_from if awaited else None
            expectation = self._replies.expect(unit.id, wanted) if wanted else None
            self._flow.received(unit)
            return expectation

        return hand_on

    async def refuse(
        self, raw: bytes, refusal: Refusal, *, peer: str = "", detail: str = "", batch: bool = False
    ) -> Receipt:
        """Record a refused message, or whole `batch`, as an ERROR, or count a byte-identical repeat, and answer it.

        `detail` says more on its trail: places and rules, never a value.
        """
        summary = self._summary(raw)
        receipt = self._answer(raw, summary, refusal, None)
        log.warning(
            "%s: refused a message%s: %s", self.name, f" with {receipt.code}" * bool(receipt.code), receipt.reason
        )
        if refusal.kind not in (RefusalKind.STORE_UNAVAILABLE, RefusalKind.SHUTTING_DOWN):
            unit = self.refused(raw, Refused(refusal, summary, detail), receipt.code, peer)
            if batch or refusal.kind is RefusalKind.BATCH:
                unit.message_type = BATCH_TYPE
            await self._record(unit)
        return receipt

    def _summary(self, raw: bytes) -> Summary | None:
        """What can be said of a refused message; None when even its header cannot be read."""
        try:
            return self._inbound.codec.summarize(raw, encoding=self._encoding)
        except Refused as refused:
            return refused.summary

    async def _record(self, unit: Refuse) -> None:
        try:
            await self._committer.commit(unit, patience=self._patience)
        except MessageFoundryError:
            self.note("refusal not recorded", unit.reason)

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


def patience(inbound: Inbound) -> float:
    """Seconds that a sender waits for a store that is away: 10, or half of what the sender is given."""
    receive_timeout = getattr(inbound.settings, "receive_timeout", None)
    return min(STORE_PATIENCE_SECONDS, receive_timeout / 2) if receive_timeout else STORE_PATIENCE_SECONDS
