"""The outbound side of MLLP and raw TCP: one message at a time over one connection."""

from __future__ import annotations

import ssl
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import trio

from messagefoundry.contracts.errors import StopLane, Unreachable
from messagefoundry.contracts.outbound import (
    Delivered,
    MemberOutcome,
    OutboundBatch,
    OutboundContext,
    OutboundItem,
    Rejected,
    Unanswered,
)
from messagefoundry.message import MessageError, build_batch
from messagefoundry_mllp.batch_replies import BatchReplies
from messagefoundry_mllp.framing import FrameTooLarge
from messagefoundry_mllp.link import Link, tls_fault
from messagefoundry_mllp.replies import Acknowledgments, Answer, AnyReply, Replies
from messagefoundry_mllp.rewrite import rewrite
from messagefoundry_mllp.tls import TLSWire, describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from messagefoundry_mllp.settings import MLLPSettings, StreamSettings, TcpSettings
    from messagefoundry_mllp.wire import Wire

LINGER_SECONDS = 1.0
"""How long a connection that is closed right after a write waits for the partner to close it first."""

VERDICT_SECONDS = 0.5
"""How long `test` waits for a partner of TLS 1.3 to refuse our certificate, which comes after the handshake."""


T_co = TypeVar("T_co", covariant=True)


class Reading(Protocol[T_co]):
    """Reads replies until it knows something."""

    def take(self, reply: bytes) -> T_co | None:
        """What `reply` tells, or None to wait for the next one."""


class Sender:
    """Sends frames and reads what comes back; `mllp_sender` and `tcp_sender` make one."""

    def __init__(
        self,
        settings: StreamSettings,
        replies: Replies | None,
        *,
        interval: float = 0.0,
        rewritten: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """Without `replies` a message is delivered when it is written.

        `interval` is the least time in seconds between two sends; `rewritten` changes each HL7 payload before it is
        sent and raises MessageError when it cannot.
        """
        self._settings = settings
        self._framing = settings.block_format()
        self._replies = replies
        self._interval = interval
        self._not_before = 0.0
        self._rewritten = rewritten
        self._link = Link(settings, replies.stray if replies else None)
        self._tasks = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Get ready; the partner is contacted with the first message."""
        nursery = await self._tasks.enter_async_context(trio.open_nursery())
        self._tasks.callback(nursery.cancel_scope.cancel)
        nursery.start_soon(self._link.watch)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._link.close()
        await self._tasks.aclose()

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        """Deliver one message and say what the partner answered.

        Raises Unreachable (with `outcome_unknown` once a byte was sent), CredentialFault, PartnerFault; after these,
        and when cancelled, the connection is closed.
        """
        payload = self._ready(item)
        if isinstance(payload, Rejected):
            return payload
        await self._pace()
        try:
            return await self._exchange(item.work_id, payload)
        except BaseException:
            self._link.close()
            raise

    def _ready(self, item: OutboundItem) -> bytes | Rejected:
        """The payload as it is framed, or why it cannot be."""
        payload = item.payload
        if self._rewritten is not None and item.content_type == "hl7v2":
            try:
                payload = self._rewritten(payload)
            except MessageError as error:
                return Rejected(f"the message cannot be re-encoded: {error}", permanent=True)
        if not self._framing.carries(payload):
            return Rejected("the message holds the byte that ends a frame", permanent=True)
        return payload

    async def _pace(self) -> None:
        if self._interval:
            await trio.sleep_until(self._not_before)
            self._not_before = trio.current_time() + self._interval

    async def _exchange(self, work_id: int, payload: bytes) -> Delivered | Rejected:
        if self._replies:
            self._replies.expect(work_id, payload)
        wire, sent_at = await self._write(self._framing.wrap(payload))
        if self._replies is None:
            await self._part(wire)
            return Delivered(peer=self._link.peer, sent_at=sent_at)
        answer = await self._answer(wire, self._replies)
        acknowledged_at = _now()
        await self._part(wire)
        return self._outcome(answer, sent_at, acknowledged_at)

    def _outcome(self, answer: Answer, sent_at: int, acknowledged_at: int) -> Delivered | Rejected:
        trail = (answer.reply, self._link.peer, sent_at, acknowledged_at, answer.msa_1, answer.msa_2)
        return Rejected(answer.reason, answer.permanent, *trail) if answer.reason else Delivered(*trail)

    async def _write(self, frame: bytes, *, again: bool = True) -> tuple[Wire, int]:
        """Write the frame; the connection, and when the write began.

        A connection that turns out to be gone before it took a byte is replaced, once: nothing was sent.
        """
        wire = await self._link.ready()
        sent_before, sent_at = wire.sent, _now()
        try:
            await wire.write(frame)
        except (OSError, trio.TooSlowError) as error:
            self._link.close()
            if wire.sent > sent_before or not again:
                slow = f"took nothing for {self._settings.timeout_seconds:g} s"
                text = describe(error) if isinstance(error, OSError) else slow
                raise self._unreachable(text, outcome_unknown=wire.sent > sent_before) from error
            return await self._write(frame, again=False)
        return wire, sent_at

    async def _answer(self, wire: Wire, replies: Reading[T_co]) -> T_co:
        self._link.expect_reply()
        try:
            while True:
                answer = replies.take(await self._link.read_frame(wire))
                if answer is not None:
                    return answer
        except trio.ClosedResourceError:
            raise self._unreachable(f"no reply within {self._settings.timeout_seconds:g} s") from None
        except ssl.SSLError as error:
            raise tls_fault(self._link.place, error, outcome_unknown=True) from error
        except OSError as error:
            raise self._unreachable(describe(error)) from error
        except FrameTooLarge as error:
            raise self._unreachable(f"in its reply {error}") from None  # it holds the reply

    def _unreachable(self, text: str, *, outcome_unknown: bool = True) -> Unreachable:
        return Unreachable(f"{self._link.place}: {text}", outcome_unknown=outcome_unknown)

    async def _part(self, wire: Wire) -> None:
        """Keep the connection, or close it so that the partner still gets what was written."""
        if self._settings.persistent:
            return self._link.release()
        if self._replies is None:
            await wire.linger(LINGER_SECONDS)
        self._link.close()

    async def test(self) -> str:
        """Connect and establish TLS on a connection of its own; no message is sent.

        Raises Unreachable, CredentialFault.
        """
        wire = await self._link.connect()
        try:
            if not isinstance(wire, TLSWire):
                return f"{self._link.peer} accepts connections"
            with trio.move_on_after(VERDICT_SECONDS):
                if not await wire.read():
                    raise self._unreachable("closes the connection after the TLS handshake", outcome_unknown=False)
            return f"{self._link.peer} accepts connections, {wire.version}"
        except ssl.SSLError as error:
            raise tls_fault(self._link.place, error) from error
        except OSError as error:
            raise self._unreachable(describe(error), outcome_unknown=False) from error
        finally:
            wire.close()


class BatchSender(Sender):
    """Sends batches too, each in one frame. Its replies are acknowledgments, or none are awaited."""

    _replies: Acknowledgments | None

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        """Deliver a batch and say what the partner answered for each member. Raises as `send` does."""
        ready = [self._ready(item) for item in batch.members]
        payloads = [each for each in ready if isinstance(each, bytes)]
        outcomes = await self._send_all(batch, payloads) if payloads else []
        answered = iter(outcomes)
        return [next(answered) if isinstance(each, bytes) else each for each in ready]

    async def _send_all(self, batch: OutboundBatch, payloads: list[bytes]) -> list[MemberOutcome]:
        await self._pace()
        try:
            return await self._exchange_batch(batch, payloads)
        except BaseException:
            self._link.close()
            raise

    async def _exchange_batch(self, batch: OutboundBatch, payloads: list[bytes]) -> list[MemberOutcome]:
        content = build_batch(payloads, control_id=batch.control_id, created=batch.created)
        wire, sent_at = await self._write(self._framing.wrap(content))
        if self._replies is None:
            await self._part(wire)
            return [Delivered(peer=self._link.peer, sent_at=sent_at)] * len(payloads)
        replies = BatchReplies(self._replies, batch.members[0].work_id, batch.control_id, payloads)
        missing = Unanswered(await self._hear(wire, replies), self._link.peer, sent_at)
        acknowledged_at = _now()
        return [
            missing if answer is None else self._outcome(answer, sent_at, acknowledged_at) for answer in replies.answers
        ]

    async def _hear(self, wire: Wire, replies: BatchReplies) -> str:
        """Read until the answer is complete, or no more of it comes; why a member may be left without one."""
        try:
            while not replies.complete:
                await self._answer(wire, replies)
        except (Unreachable, StopLane) as error:
            if not any(replies.answers):
                raise
            self._link.close()
            return str(error)
        await self._part(wire)
        return "the reply to its batch leaves this message out"


def mllp_sender(settings: MLLPSettings, context: OutboundContext) -> BatchSender:
    """The outbound connector of `MLLP(...)`."""
    nak = {str(code): str(outcome) for code, outcome in settings.nak.items()}
    replies = Acknowledgments(nak, verify=settings.verify_ack_control_id, note=context.note)

    def rewritten(payload: bytes) -> bytes:
        return rewrite(
            payload,
            encoding=settings.encoding,
            characters=settings.encoding_characters,
            raw_separators=settings.hl7_raw_separators,
        )

    return BatchSender(
        settings,
        None if settings.no_ack else replies,
        interval=settings.send_min_interval_seconds or 0.0,
        rewritten=rewritten if settings.encoding_characters or settings.hl7_raw_separators else None,
    )


def tcp_sender(settings: TcpSettings, context: OutboundContext) -> Sender:
    """The outbound connector of `Tcp(...)`."""
    return Sender(settings, AnyReply() if settings.expect_reply else None)


def _now() -> int:
    return time.time_ns() // 1000
