"""Subjects of the kit for batches: what is built in, and the connector in memory, of which variants are made."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from messagefoundry.message import acknowledge_batch, split_batch
from messagefoundry.testing import Answer, BatchSubject, Desk, MemoryOutbound
from messagefoundry_file.destination import FileDestination
from messagefoundry_file.settings import FileSettings
from messagefoundry_mllp.sender import BatchSender, mllp_sender
from messagefoundry_mllp.settings import MLLPSettings
from tests.testing.in_memory import REPLIES, MemoryPartner
from tests.testing.test_file import Share
from tests.testing.test_mllp import HOST, Conversation, MLLPPartner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.outbound import BatchConnector, OutboundContext
    from messagefoundry.testing.memory.network import MemoryConnection

_BATCH = b"BHS"


def adt(text: str) -> bytes:
    """A message whose control id tells nothing of its text."""
    control_id = hashlib.sha256(text.encode()).hexdigest()[:12].encode()
    return b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|%b|P|2.5.1\rPID|1||77||%b\r" % (control_id, text.encode())


async def verdicts(messages: Sequence[bytes], desk: Desk) -> list[Answer] | None:
    """What the desk says of each message; None when the partner is to leave."""
    answers = []
    for message in messages:
        answers.append(await desk.take(message))
        if answers[-1] is Answer.LEAVE:
            return None
    return answers


class MLLPBatches(MLLPPartner, BatchSubject):
    """A partner that answers a batch with a batch of acknowledgments."""

    def connector(self, context: OutboundContext) -> BatchSender:
        return mllp_sender(MLLPSettings(host=HOST, port=self.port, timeout_seconds=0.5), context)

    async def converse(self, conversation: Conversation, desk: Desk) -> None:
        while (frame := await conversation.read()) is not None:
            messages = split_batch(frame).members if frame.startswith(_BATCH) else [frame]
            answers = await verdicts(messages, desk)
            if answers is None:
                break
            replies = [
                self.reply(message, answer)
                for message, answer in zip(messages, answers, strict=True)
                if answer is not Answer.OMIT
            ]
            await conversation.write(self.together(frame, replies) if frame.startswith(_BATCH) else replies[0])

    def together(self, batch: bytes, replies: Sequence[bytes]) -> bytes:
        return acknowledge_batch(split_batch(batch), replies, control_id=b"9", timestamp=b"20260101")

    def payload(self, text: str) -> bytes:
        return adt(text)


class MLLPFrames(MLLPBatches):
    """A partner that answers a batch with its acknowledgments one after the other in one frame."""

    def together(self, batch: bytes, replies: Sequence[bytes]) -> bytes:
        return b"".join(replies)


class MemoryBatches(MemoryPartner, BatchSubject):
    def __init__(self, make: type[MemoryOutbound] = MemoryOutbound, timeout_seconds: float = 0.3) -> None:
        super().__init__(make, timeout_seconds)
        self._batching = make

    def connector(self, context: OutboundContext) -> BatchConnector:
        return self._batching(self.settings(), context)

    async def _converse(self, connection: MemoryConnection, desk: Desk) -> None:
        try:
            with desk.connection():
                while (message := await connection.receive()) is not None:
                    messages = split_batch(message).members if message.startswith(_BATCH) else [message]
                    answers = await verdicts(messages, desk)
                    if answers is None:
                        break
                    connection.send(b" ".join(REPLIES.get(answer, b"-") for answer in answers))
        except OSError:
            pass  # the sender has left
        finally:
            connection.close()

    def payload(self, text: str) -> bytes:
        return adt(text)


class FileBatches(Share, BatchSubject):
    content_type = "hl7v2"

    def connector(self, context: OutboundContext) -> FileDestination:
        directory = str(self._mount / "out")
        return FileDestination(FileSettings(directory=directory, filename="{work_id}.hl7"), context)

    def payload(self, text: str) -> bytes:
        return adt(text)

    async def taken(self, desk: Desk) -> list[bytes]:
        files = await super().taken(desk)
        return [each for file in files for each in (split_batch(file).members if file.startswith(_BATCH) else [file])]
