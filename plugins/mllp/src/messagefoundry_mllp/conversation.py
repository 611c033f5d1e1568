"""One peer of a listener: frames in, replies out, strictly one after the other."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.errors import fault_site, sole
from messagefoundry.message import DecodeError, Message, MessageError, Refusal, RefusalKind, peek
from messagefoundry_mllp.framing import Framer, FrameTooLarge, Framing
from messagefoundry_mllp.tls import TLSWire, describe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from messagefoundry.contracts.inbound import InboundContext
    from messagefoundry_mllp.rate import TokenBucket
    from messagefoundry_mllp.wire import Wire

LINGER_SECONDS = 1.0
HANDSHAKE_SECONDS = 10.0
_FOREIGN_PROTOCOLS = (
    (b"\x16\x03", "it looks like TLS"),
    (b"MSH", "it looks like HL7 without framing"),
    (b"GET ", "it looks like HTTP"),
    (b"POST", "it looks like HTTP"),
)
_NONE_NAMED = "; MSH-18 is empty, so this Connection's encoding was assumed (set encoding= to what the sender writes)"
_NAMED_DOES_NOT_FIT = "; what MSH-18 names does not fit either (the sender must mend MSH-18 or the text)"


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every peer of a listener.

    `receive_timeout` is in seconds, `encoding` the character set of messages that name none; without `bucket` the rate
    is free.
    """

    context: InboundContext
    framing: Framing
    max_frame_bytes: int
    receive_timeout: float
    bucket: TokenBucket | None = None
    encoding: str = "utf-8"


class Conversation:
    """Everything that happens with one peer, until it leaves, breaks a limit, or the listener stops."""

    __slots__ = (
        "_busy",
        "_deadline",
        "_framer",
        "_later",
        "_peer",
        "_scope",
        "_stopping",
        "_tasks",
        "_terms",
        "_wire",
        "_writing",
    )

    def __init__(self, terms: Terms, wire: Wire, peer: str) -> None:
        """Converse with `peer` over `wire`, which is closed in the end."""
        self._terms = terms
        self._wire = wire
        self._peer = peer
        self._framer = Framer(terms.framing, terms.max_frame_bytes)
        self._deadline = 0.0
        self._scope = trio.CancelScope(shield=True)
        self._busy = False
        self._later = 0
        self._writing = trio.Lock()
        self._stopping = False

    def stop(self, *, within: float) -> None:
        """End: at once when idle, else when the message in hand is answered, or in `within` seconds at the latest."""
        self._stopping = True
        if self._busy or self._later:
            self._scope.deadline = trio.current_time() + within
        else:
            self._scope.cancel()

    async def run(self) -> None:
        """Converse to the end. What goes wrong with this peer is noted and stays here.

        Only `stop` ends this from outside; cancelling the caller does not cut off a message in hand.
        """
        try:
            with self._scope:
                if await self._secured():
                    await self._converse_and_answer()
        except trio.TooSlowError:
            self._note("peer too slow", f"a frame or a reply took longer than {self._terms.receive_timeout:g} s")
        except OSError as error:
            if self._wire.heard:  # a load balancer's health check connects and says nothing
                self._note("peer lost", describe(error))
        except Exception as error:  # noqa: BLE001 - a fault met with one peer must not end the others
            self._note("peer dropped", fault_site(error), alert=True)
        finally:
            self._wire.close()
            self._note_noise()

    def _note(self, kind: str, detail: str, *, alert: bool = False) -> None:
        self._terms.context.note(kind, f"{self._peer}: {detail}", alert=alert)

    def _note_noise(self) -> None:
        """Once a connection: a sender that ends each frame with a stray LF is not worth a line a message."""
        if self._framer.noise:
            head = self._framer.noise_head
            hint = next((f"; {hint}" for start, hint in _FOREIGN_PROTOCOLS if head.startswith(start)), "")
            self._note("noise dropped", f"{self._framer.noise} bytes outside of frames{hint}")

    async def _secured(self) -> bool:
        """Whether TLS, if any, is established."""
        if not isinstance(self._wire, TLSWire):
            return True
        try:
            with trio.fail_after(min(HANDSHAKE_SECONDS, self._terms.receive_timeout)):
                await self._wire.handshake()
        except trio.TooSlowError:
            self._note("peer refused", "no TLS handshake in time")
            return False
        except ssl.SSLError as error:
            if not self._wire.heard:
                return False
            self._note("peer refused", f"TLS handshake failed: {describe(error)}")
        else:
            return True
        await self._wire.linger(LINGER_SECONDS)  # so that the peer gets the alert that says why
        return False

    async def _converse_and_answer(self) -> None:
        """Converse, and stay until every answer that was to come later is given."""
        try:
            async with trio.open_nursery() as self._tasks:
                unread = await self._converse()
        except BaseExceptionGroup as group:
            raise sole(group) from None
        if unread:
            await self._wire.linger(LINGER_SECONDS)

    async def _converse(self) -> bool:
        """Answer frame after frame. Whether the peer may have sent more than was read."""
        framer = self._framer
        while not self._stopping:
            try:
                frame = framer.next_frame()
            except FrameTooLarge as oversize:
                await self._refuse_oversize(oversize.head)
                break
            if frame is not None:
                self._deadline = 0.0
                if not await self._answered(frame):
                    break
            elif data := await self._read():
                framer.receive(data)
            else:
                self._note_cut()
                return False
        self._busy = True  # so that the last of the later answers does not cut the lingering short
        return True

    async def _read(self) -> bytes:
        """Wait for bytes; inside a frame not beyond its deadline, between frames for ever."""
        if not self._framer.begun:
            return await self._wire.read()
        self._deadline = self._deadline or trio.current_time() + self._terms.receive_timeout
        with trio.fail_at(self._deadline):
            return await self._wire.read()

    async def _answered(self, frame: bytes) -> bool:
        """Have one message committed and answer it; False when nothing more is to be read from this peer."""
        self._busy = True
        bucket = self._terms.bucket
        if bucket is None or bucket.take():
            receipt = await self._terms.context.receive(frame, peer=self._peer)
        else:
            receipt = await self._terms.context.refuse(frame, Refusal(RefusalKind.RATE_LIMIT), peer=self._peer)
        if receipt.reason and receipt.reason == RefusalKind.UNDECODABLE.sentence:
            self._note("not in its character set", undecodable(frame, self._terms.encoding))
        if receipt.reply is not None:
            if self._later:
                await self._write(receipt.reply)
            else:
                await self._wire.write(self._terms.framing.wrap(receipt.reply))
        self._busy = False
        if receipt.later is not None:
            self._later += 1
            self._tasks.start_soon(self._answer_later, receipt.later)
        return not receipt.close

    async def _write(self, reply: bytes) -> None:
        """Write one answer while others may come later: as long as none may, nothing else writes."""
        async with self._writing:
            await self._wire.write(self._terms.framing.wrap(reply))

    async def _answer_later(self, later: Callable[[], Awaitable[bytes | None]]) -> None:
        """Give the application acknowledgment of one message when it comes."""
        try:
            reply = await later()
            if reply is not None:
                await self._write(reply)
        finally:
            self._later -= 1
            if self._stopping and not self._later and not self._busy:
                self._scope.cancel()

    async def _refuse_oversize(self, head: bytes) -> None:
        self._busy = True
        self._note("frame refused", f"larger than max_frame_bytes = {self._terms.max_frame_bytes}")
        receipt = await self._terms.context.refuse(head, Refusal(RefusalKind.TOO_LARGE), peer=self._peer)
        if receipt.reply is not None:
            await self._write(receipt.reply)

    def _note_cut(self) -> None:
        if self._framer.begun:
            self._note("frame cut", "the peer closed inside a frame, which was not accepted")


def undecodable(frame: bytes, encoding: str) -> str:
    """Why a message was refused for its character set: in which it was read, where that fails, and the mend."""
    try:
        Message(frame, encoding=encoding)
    except DecodeError as error:
        return f"{error}{_NONE_NAMED if not peek(frame).character_set else _NAMED_DOES_NOT_FIT}"
    except MessageError as error:
        return str(error)
    return ""
