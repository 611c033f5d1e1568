"""A partner that receives over MLLP and answers as it is told, with every fault that partners have."""

from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from .acts import CLOSE, GARBAGE, NONE, WRONG_ID, Act
from .headers import Header, read_batch, read_header
from .mllp import Frames, acknowledge, acknowledge_each, frame

RUBBISH = frame(b"this is no acknowledgment\r")
LINGER_SECONDS = 0.5
"""How long a connection that is given up waits for the peer to close it, so that the last answer is not lost."""

_READ_SIZE = 65_536
_LONGEST_FIELD = 80


@dataclass(frozen=True, slots=True)
class Received:
    """One frame that came: its number from 0, who sent it, the messages in it, and the bytes between the marks.

    `control_id` is what is acknowledged: MSH-10 of a message, BHS-11 of a batch.
    """

    number: int
    peer: str
    control_id: str
    messages: tuple[Header, ...]
    batch: bool
    content: bytes = field(repr=False)


Answering = Callable[[Received], Act]
"""Decides, when a message or a batch comes, what happens to it."""

Hearing = Callable[[Received, Act], None]
"""Is told of it once that has happened."""


class ScriptedPartner:
    """Serves any number of ports; the frames of one connection are answered one after the other."""

    def __init__(self, answering: Answering, hearing: Hearing | None = None, host: str = "127.0.0.1") -> None:
        self._answering, self._hearing, self._host = answering, hearing, host
        self._received = 0
        self.connections = 0
        """connections so far"""

    async def serve(self, port: int, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled; starts with the port it has. Raises OSError when it cannot be had."""
        listeners = await trio.open_tcp_listeners(port, host=self._host)
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._converse, listeners)
            task_status.started(listeners[0].socket.getsockname()[1])

    async def _converse(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        try:
            await self._answer_all(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the peer has gone: nobody is there to be answered
        finally:
            with trio.CancelScope(shield=True):
                await _part(stream)

    async def _answer_all(self, stream: trio.SocketStream) -> None:
        frames, peer = Frames(), _name(stream)
        while data := await stream.receive_some(_READ_SIZE):
            for content in frames.feed(data):
                received = self._note(peer, content)
                act = self._answering(received)
                await trio.sleep(act.delay)
                try:
                    if reply := _reply(received, act):
                        await stream.send_all(reply)
                finally:
                    if self._hearing is not None:
                        self._hearing(received, act)
                if act.outcome == CLOSE:
                    return

    def _note(self, peer: str, content: bytes) -> Received:
        number, self._received = self._received, self._received + 1
        batch = read_batch(content)
        if batch is not None:
            return Received(number, peer, batch.control_id, batch.messages, True, content)
        header = read_header(content)
        return Received(number, peer, header.control_id, (header,), False, content)


def printable(text: str) -> str:
    """A field of a message as one may print it: control characters are shown as "?", and it is cut at 80."""
    return "".join(each if each.isprintable() else "?" for each in text[:_LONGEST_FIELD])


def _reply(received: Received, act: Act) -> bytes:
    """The bytes that answer a message or a batch; none for an outcome that writes nothing."""
    if act.outcome in (NONE, CLOSE):
        return b""
    if act.outcome == GARBAGE:
        return RUBBISH
    if act.outcome == WRONG_ID:
        return acknowledge(f"NOT-{received.control_id}")
    if received.batch and act.each:
        answers = ((each.control_id, act.of(place)) for place, each in enumerate(received.messages))
        return acknowledge_each(received.control_id, answers)
    return acknowledge(received.control_id, act.outcome)


def _name(stream: trio.SocketStream) -> str:
    try:
        host, port = stream.socket.getpeername()[:2]
    except OSError:  # it has left already
        return ""
    return f"{host}:{port}"


async def _part(stream: trio.SocketStream) -> None:
    """Say that no more comes, and close when the peer has: a close with unread bytes would take the answer with it."""
    with trio.move_on_after(LINGER_SECONDS):
        try:
            await stream.send_eof()
            while await stream.receive_some(_READ_SIZE):
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
    await trio.aclose_forcefully(stream)
