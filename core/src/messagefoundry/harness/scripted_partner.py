"""A partner that receives over MLLP and answers as it is told, with every fault that partners have."""

from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from .acts import CLOSE, GARBAGE, NONE, WRONG_ID, Act
from .mllp import Frames, acknowledge, frame

RUBBISH = frame(b"this is no acknowledgment\r")
LINGER_SECONDS = 0.5
"""How long a connection that is given up waits for the peer to close it, so that the last answer is not lost."""

_READ_SIZE = 65_536
_LONGEST_FIELD = 80


@dataclass(frozen=True, slots=True)
class Received:
    """One message that came: its number from 0, who sent it, MSH-9 and MSH-10, and the bytes between the marks."""

    number: int
    peer: str
    message_type: str
    control_id: str
    content: bytes = field(repr=False)


Answering = Callable[[Received], Act]
"""Decides, when a message comes, what happens to it."""

Hearing = Callable[[Received, Act], None]
"""Is told of a message once that has happened."""


class ScriptedPartner:
    """Serves any number of ports; the messages of one connection are answered one after the other."""

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
        return Received(number, peer, *read_header(content), content)


def read_header(content: bytes) -> tuple[str, str]:
    """MSH-9 and MSH-10 in the message's own separators; both empty when it does not begin with MSH."""
    if not content.startswith(b"MSH") or len(content) < 4:
        return "", ""
    fields = content[3:].split(b"\r", 1)[0].split(content[3:4], 11)
    fields += [b""] * (11 - len(fields))
    return fields[8].decode("latin-1"), fields[9].decode("latin-1")


def printable(text: str) -> str:
    """A field of a message as one may print it: control characters are shown as "?", and it is cut at 80."""
    return "".join(each if each.isprintable() else "?" for each in text[:_LONGEST_FIELD])


def _reply(received: Received, act: Act) -> bytes:
    """The bytes that answer a message; none for an outcome that writes nothing."""
    if act.outcome in (NONE, CLOSE):
        return b""
    if act.outcome == GARBAGE:
        return RUBBISH
    if act.outcome == WRONG_ID:
        return acknowledge(f"NOT-{received.control_id}")
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
