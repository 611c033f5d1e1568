"""An MLLP client (HL7 MLLP Release 1) that shows what a partner answers. It shares no code with the MLLP plugin."""

from __future__ import annotations

import ssl
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import trio

from messagefoundry.cli.failures import WrongCall
from messagefoundry.message import Message, MessageError, for_log, is_batch, peek, read_acknowledgment
from messagefoundry.message.batch_reply import read_batch_reply
from messagefoundry.message.errors import UnreadableError
from messagefoundry.message.reply import same_control_id

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

START, END = b"\x0b", b"\x1c\r"
LONGEST_REPLY = 16 * 1024 * 1024
LONGEST_TEXT = 200
ACCEPTED = ("AA", "CA")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, and how: `tls` None for plain TCP; `timeout` in seconds, for connecting and for each answer."""

    host: str
    port: int
    timeout: float = 30.0
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: MSA-1, or "" and a reason in `text`; the milliseconds that it took.

    `reached` is False when there was no connection to send anything over. `reply` has the bytes that belong to the
    message, without framing.
    """

    code: str
    text: str
    milliseconds: float
    reached: bool = True
    reply: bytes = field(default=b"", repr=False)

    @property
    def accepted(self) -> bool:
        """Whether the partner took the message."""
        return self.code in ACCEPTED


def target_of(address: str) -> tuple[str, int]:
    """Host and port of "host:port", "[::1]:port" or "port". Raises WrongCall."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise WrongCall(f"{address!r} is no address; write HOST:PORT, such as 127.0.0.1:2575")
    return host, int(port)


def tls_context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer that verifies the partner. Raises WrongCall for files that cannot be used."""
    for file in (ca, certificate, key):
        if file is not None and not file.is_file():
            raise WrongCall(f"{file}: there is no such file")
    try:
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except OSError as error:  # an SSLError is one too
        raise WrongCall(f"the certificate or key cannot be used: {error.strerror or error}") from error
    return context


class NoConnection(Exception):
    """There is no connection to send anything over."""


class Conversation:
    """One connection to a partner, opened when it is first needed and again after it was lost."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._socket: trio.SocketStream | None = None
        self._stream: trio.abc.Stream | None = None
        self._rest = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection, if there is one, at once and without a farewell."""
        if self._socket is not None:
            self._socket.socket.close()
        self._socket, self._stream, self._rest = None, None, b""

    async def ask(self, raw: bytes) -> Answer:
        """Send one message and wait for its answer. After anything but a matched answer the connection is closed."""
        began = trio.current_time()
        code, text, reply = "", f"no answer within {self._target.timeout:g} s", b""
        try:
            with trio.move_on_after(self._target.timeout):
                reply = await self._exchange(raw)
                code, text = judged(raw, reply)
        except (OSError, trio.BrokenResourceError, NoConnection) as error:
            text = reason(error)
        reached = self._socket is not None
        if not code:
            self.hang_up()
        return Answer(code, text, (trio.current_time() - began) * 1000, reached, reply if code else b"")

    async def _exchange(self, raw: bytes) -> bytes:
        if self._stream is None:
            self._stream = await self._connect()
        await self._stream.send_all(START + raw + END)
        while END not in self._rest:
            data = await self._stream.receive_some(65536)
            if not data or len(self._rest) > LONGEST_REPLY:
                raise ConnectionResetError(0, "the partner closed the connection instead of answering")
            self._rest += data
        reply, _, self._rest = self._rest.partition(END)
        return reply[reply.find(START) + 1 :]

    async def _connect(self) -> trio.abc.Stream:
        target = self._target
        try:
            self._socket = await trio.open_tcp_stream(target.host, target.port)
        except OSError as error:
            raise NoConnection(f"cannot connect to {target}: {reason(first_attempt(error))}") from error
        if target.tls is None:
            return self._socket
        secured = trio.SSLStream(self._socket, target.tls, server_hostname=target.host, https_compatible=True)
        await secured.do_handshake()
        return secured


def judged(raw: bytes, reply: bytes) -> tuple[str, str]:
    """MSA-1 and a text of an answer; no code when it does not belong to the message.

    What has no readable MSH-10 of its own is answered by whatever comes; of a batch, see `judged_batch`.
    """
    if is_batch(reply):
        return judged_batch(reply)
    acknowledgment = read_acknowledgment(reply)
    if acknowledgment is None:
        return "", "the answer is no HL7 acknowledgment"
    number = control_id(raw)
    if number and not same_control_id(acknowledgment.control_id, number):
        return "", f"{acknowledgment.code} for another message: MSA-2 is {for_log(acknowledgment.control_id)}"
    text = for_log(acknowledgment.text, limit=LONGEST_TEXT)
    return acknowledgment.code, text if acknowledgment.code in ACCEPTED else complaint(reply) or text


def judged_batch(reply: bytes) -> tuple[str, str]:
    """The first code of a batch of acknowledgments that is no acceptance, AA when there is none, and their count."""
    answers = read_batch_reply(reply).answers
    codes = Counter(each.acknowledgment.code for each in answers)
    text = ", ".join(f"{count} {code}" for code, count in codes.items()) or "none that is negative"
    for each in answers:
        if each.acknowledgment.code not in ACCEPTED:
            return each.acknowledgment.code, f"a batch of acknowledgments: {text}: {complaint(each.reply)}".rstrip(": ")
    return "AA", f"a batch of acknowledgments: {text}"


def complaint(reply: bytes) -> str:
    """Why a message was not taken, "" when no ERR segment tells.

    From v2.5 (§2.15.5) that is ERR-3.1 with ERR-8, else ERR-3.2, of each; before, ERR-1.4.1 with MSA-3.
    """
    try:
        message = Message(reply)
        found = [_one_complaint(message, occurrence) for occurrence in range(1, message.count_segments("ERR") + 1)]
    except MessageError:
        return ""
    return for_log("; ".join(filter(None, dict.fromkeys(found))), limit=LONGEST_TEXT)


def _one_complaint(message: Message, occurrence: int) -> str:
    def first(*paths: str) -> str | None:
        return next(filter(None, (message.field(path, occurrence=occurrence) for path in paths)), None)

    return " ".join(filter(None, [first("ERR-3.1", "ERR-1.4.1"), first("ERR-8", "ERR-3.2") or message["MSA-3"]]))


def control_id(raw: bytes) -> bytes:
    """MSH-10; empty when there is no readable MSH."""
    try:
        return peek(raw).control_id
    except UnreadableError:
        return b""


def reason(error: BaseException) -> str:
    """Why the partner could not be asked, in the words of the operating system or of TLS."""
    if isinstance(error, trio.BrokenResourceError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, NoConnection):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not verify: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or type(error).__name__}"
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).rpartition("): ")[2]
    return "the connection broke"


def first_attempt(error: OSError) -> BaseException:
    """Of several addresses of one host that were tried in vain, what the first one said."""
    cause = error.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause if isinstance(cause, OSError) else error
