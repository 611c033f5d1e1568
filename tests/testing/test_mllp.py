"""MLLP and raw TCP keep the clauses of their contracts."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

import pytest
import trio

from messagefoundry.message import HeaderError, peek
from messagefoundry.testing import (
    Answer,
    Desk,
    InboundConformance,
    InboundPeer,
    InboundSubject,
    OutboundConformance,
    OutboundSubject,
    free_port,
)
from messagefoundry_mllp.framing import MLLP_FRAMING, STX_ETX_FRAMING, Framer, Framing
from messagefoundry_mllp.listener import Listener
from messagefoundry_mllp.sender import mllp_sender, tcp_sender
from messagefoundry_mllp.settings import MLLPSettings, TcpSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from messagefoundry.contracts.inbound import InboundConnector, InboundContext
    from messagefoundry.contracts.outbound import OutboundConnector, OutboundContext

HOST = "127.0.0.1"
CODES = {Answer.YES: b"AA", Answer.NO: b"AR", Answer.LATER: b"AE"}


def adt(text: str) -> bytes:
    # A control id of its own would let a late answer be told by it: the clauses ask that it be no answer at all.
    return b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01||P|2.5.1\rPID|1||%b\r" % text.encode()


def acknowledged(message: bytes, answer: Answer) -> bytes:
    return b"MSH|^~\\&|C|D|A|B|20260101||ACK|9|P|2.5.1\rMSA|%b|%b\r" % (CODES[answer], control_id(message))


def control_id(message: bytes) -> bytes:
    try:
        return peek(message).control_id
    except HeaderError:
        return b""


class Conversation:
    """Frames over one stream."""

    def __init__(self, stream: trio.SocketStream, framing: Framing) -> None:
        self.stream = stream
        self._framing = framing
        self._framer = Framer(framing, 4_000_000)

    async def read(self) -> bytes | None:
        """The next content; None when the other side has closed."""
        while (frame := self._framer.next_frame()) is None:
            data = b""
            with suppress(trio.BrokenResourceError):
                data = await self.stream.receive_some()
            if not data:
                return None
            self._framer.receive(data)
        return frame

    async def write(self, content: bytes) -> None:
        await self.stream.send_all(self._framing.wrap(content))


class MLLPPartner(OutboundSubject):
    framing = MLLP_FRAMING

    def __init__(self) -> None:
        self.port = free_port()

    def connector(self, context: OutboundContext) -> OutboundConnector:
        return mllp_sender(MLLPSettings(host=HOST, port=self.port, timeout_seconds=0.5), context)

    @asynccontextmanager
    async def partner(self, desk: Desk) -> AsyncIterator[None]:
        async def serve(stream: trio.SocketStream) -> None:
            async with stream:
                with desk.connection(), suppress(trio.BrokenResourceError):
                    await self.converse(Conversation(stream, self.framing), desk)

        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_tcp, serve, self.port)
            yield
            nursery.cancel_scope.cancel()

    async def converse(self, conversation: Conversation, desk: Desk) -> None:
        while (message := await conversation.read()) is not None:
            answer = await desk.take(message)
            if answer is Answer.LEAVE:
                break
            await conversation.write(self.reply(message, answer))

    def reply(self, message: bytes, answer: Answer) -> bytes:
        return acknowledged(message, answer)

    def payload(self, text: str) -> bytes:
        return adt(text)


class TcpPartner(MLLPPartner):
    """A partner of raw TCP that answers each message with one frame."""

    content_type = "binary"
    framing = STX_ETX_FRAMING

    def connector(self, context: OutboundContext) -> OutboundConnector:
        settings = TcpSettings(host=HOST, port=self.port, timeout_seconds=0.5, expect_reply=True)
        return tcp_sender(settings, context)

    def reply(self, message: bytes, answer: Answer) -> bytes:
        return b"any reply"

    def payload(self, text: str) -> bytes:
        return text.encode()


class StreamSender(InboundPeer):
    def __init__(self, conversation: Conversation, framing: Framing) -> None:
        self._conversation = conversation
        self._framing = framing

    async def send(self, payload: bytes) -> None:
        await self._conversation.write(payload)

    async def answer(self) -> bytes | None:
        return await self._conversation.read()

    async def send_part(self, payload: bytes) -> None:
        await self._conversation.stream.send_all(self._framing.wrap(payload)[: len(payload) // 2])


class MLLPPlace(InboundSubject):
    framing = MLLP_FRAMING
    answers_again = True

    def __init__(self) -> None:
        self.port = free_port()

    def connector(self, context: InboundContext) -> InboundConnector:
        return Listener(MLLPSettings(port=self.port), context)

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[InboundPeer]:
        async with await trio.open_tcp_stream(HOST, self.port) as stream:
            yield StreamSender(Conversation(stream, self.framing), self.framing)

    def payload(self, text: str) -> bytes:
        return adt(text)

    @asynccontextmanager
    async def occupied(self) -> AsyncIterator[None]:
        (listener,) = await trio.open_tcp_listeners(self.port, host=HOST)
        async with listener:
            yield


class TcpPlace(MLLPPlace):
    framing = STX_ETX_FRAMING

    def connector(self, context: InboundContext) -> InboundConnector:
        return Listener(TcpSettings(port=self.port), context)

    def payload(self, text: str) -> bytes:
        return text.encode()


class TestMLLPOutbound(OutboundConformance):
    @pytest.fixture
    def subject(self) -> MLLPPartner:
        return MLLPPartner()


_ANY_FRAME = "raw TCP takes any frame after a message for its delivery: there is no way to say no"


class TestTcpOutbound(OutboundConformance):
    not_applicable: ClassVar = {
        "test_a_refusal_for_good_is_permanent": _ANY_FRAME,
        "test_a_refusal_for_now_is_not_permanent": _ANY_FRAME,
        "test_delivers_after_a_refusal": _ANY_FRAME,
        "test_a_refusal_says_nothing_of_the_content": _ANY_FRAME,
    }

    @pytest.fixture
    def subject(self) -> TcpPartner:
        return TcpPartner()


_SENDERS_DUTY = "the sender keeps what was not accepted and sends it again"


class TestMLLPInbound(InboundConformance):
    patience = 8
    not_applicable: ClassVar = {"test_what_was_not_committed_is_received_after_a_restart": _SENDERS_DUTY}

    @pytest.fixture
    def subject(self) -> MLLPPlace:
        return MLLPPlace()


class TestTcpInbound(InboundConformance):
    patience = 8
    not_applicable: ClassVar = {"test_what_was_not_committed_is_received_after_a_restart": _SENDERS_DUTY}

    @pytest.fixture
    def subject(self) -> TcpPlace:
        return TcpPlace()
