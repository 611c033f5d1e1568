"""The one connection that a sender keeps to its partner."""

from __future__ import annotations

import math
import socket
import ssl
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.errors import CredentialFault, Unreachable
from messagefoundry_mllp.framing import Framer, FrameTooLarge
from messagefoundry_mllp.tls import TLSWire, client_context, describe, refused_credential
from messagefoundry_mllp.wire import PlainWire, address_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from messagefoundry_mllp.settings import StreamSettings
    from messagefoundry_mllp.wire import Wire

_MOST_STRAY_CHUNKS = 16
INTERRUPT_AGAIN_SECONDS = 0.1


class Link:
    """Opens a connection when one is needed, and never sends on one where an old reply may still come.

    `stray` is asked about each frame that came while nobody waited: True if it is explained. Anything else that came
    costs the connection. Without `stray` whatever comes is thrown away.
    """

    def __init__(self, settings: StreamSettings, stray: Callable[[bytes], bool] | None) -> None:
        """Connect to the host and port of `settings`; not yet."""
        self._settings = settings
        self._stray = stray
        self._tls: ssl.SSLContext | None = None
        self._wire: Wire | None = None
        self._framer = self._new_framer()
        self._opened_at = self._used_at = 0.0
        self._reply_due = math.inf
        self._busy = False
        self.place = f"{settings.host}:{settings.port}"
        """The partner, for people."""
        self.peer = ""
        """The address connected to last."""

    def _new_framer(self) -> Framer:
        return Framer(self._settings.block_format(), self._settings.max_frame_bytes)

    async def ready(self) -> Wire:
        """A connection on which nothing is unread: the one there is, if it is good, else a new one.

        The caller ends its use with `release` or `close`. Raises Unreachable, CredentialFault.
        """
        if self._wire is None or not self._usable(self._wire):
            self.close()
            self._wire = await self.connect()
            self._framer = self._new_framer()
            self._opened_at = trio.current_time()
        self._busy = True
        return self._wire

    def expect_reply(self) -> None:
        """From now on the reply may take `timeout_seconds`."""
        self._reply_due = trio.current_time() + self._settings.timeout_seconds

    async def read_frame(self, wire: Wire) -> bytes:
        """The next frame.

        Raises Unreachable when the partner closes before it, trio.ClosedResourceError when it has not come in time,
        FrameTooLarge, OSError.
        """
        while (frame := self._framer.next_frame()) is None:
            if trio.current_time() >= self._reply_due:
                raise trio.ClosedResourceError
            data = await wire.read()
            if not data:
                raise Unreachable(f"{self.place} closed the connection before its reply", outcome_unknown=True)
            self._framer.receive(data)
        return frame

    def release(self) -> None:
        """The exchange is complete: keep the connection for the next message."""
        self._busy = False
        self._reply_due = math.inf
        self._used_at = trio.current_time()

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._busy = False
        self._reply_due = math.inf
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def watch(self) -> None:
        """Interrupt the wait for a reply that is overdue, and close a connection that is idle; runs until cancelled.

        Looks up at least once in the shorter of `timeout_seconds` and `idle_timeout_seconds`, so neither is exceeded: a
        deadline that is only noted costs a message nothing, while a cancel scope of its own would cost it more than its
        two system calls.
        """
        idle = self._settings.idle_timeout_seconds
        longest = min(self._settings.timeout_seconds, idle)
        while True:
            clock = trio.current_time()
            rest = self._reply_due - clock if self._busy else self._used_at + idle - clock
            if rest <= 0 and self._busy and self._wire is not None:
                self._wire.interrupt()
                rest = INTERRUPT_AGAIN_SECONDS  # it meets nobody who is just about to wait
            elif rest <= 0 and not self._busy:
                self.close()
            await trio.sleep(min(rest, longest) if rest > 0 else longest)

    def _usable(self, wire: Wire) -> bool:
        oldest = self._settings.max_connection_age_seconds
        if oldest and trio.current_time() - self._opened_at >= oldest:
            return False
        try:
            return self._silent(wire)
        except (OSError, FrameTooLarge):
            return False

    def _silent(self, wire: Wire) -> bool:
        """Whether the partner is still there and everything that it sent unasked is explained."""
        for _ in range(_MOST_STRAY_CHUNKS):
            arrived = wire.arrived()
            if arrived is None:
                return self._explained()
            if not arrived:
                return False
            if self._stray:
                self._framer.receive(arrived)
        return False

    def _explained(self) -> bool:
        while self._stray and (frame := self._framer.next_frame()) is not None:
            if not self._stray(frame):
                return False
        return not self._framer.begun

    async def connect(self) -> Wire:
        """A new connection, TLS established. Raises Unreachable, CredentialFault."""
        try:
            with trio.fail_after(self._settings.connect_timeout):
                return await self._open()
        except trio.TooSlowError:
            raise Unreachable(f"{self.place} did not answer within {self._settings.connect_timeout:g} s") from None
        except ssl.SSLError as error:
            self._tls = None  # the files may have been renewed by the next attempt
            raise tls_fault(self.place, error) from error
        except OSError as error:
            raise Unreachable(f"{self.place}: {_reason(error)}") from error

    async def _open(self) -> Wire:
        host = self._settings.host or ""
        if self._settings.tls and self._tls is None:
            self._tls = self._context()
        stream = await trio.open_tcp_stream(host, self._settings.port)
        connected = socket.socket(fileno=stream.socket.detach())
        plain = PlainWire(connected, self._settings.timeout_seconds)
        try:
            self.peer = address_text(connected.getpeername())
            return await self._secured(plain, host)
        except BaseException:
            plain.close()
            raise

    def _context(self) -> ssl.SSLContext:
        try:
            return client_context(self._settings)
        except OSError as error:
            raise Unreachable(f"the TLS files for {self.place} cannot be used: {describe(error)}") from error

    async def _secured(self, plain: PlainWire, host: str) -> Wire:
        if self._tls is None:
            return plain
        wire = TLSWire(plain, self._tls, name=host)
        await wire.handshake()
        return wire


def tls_fault(place: str, error: ssl.SSLError, *, outcome_unknown: bool = False) -> Unreachable | CredentialFault:
    """A partner that refuses our certificate needs a human; one whose own does not verify may be renewed any time."""
    if refused_credential(error):
        return CredentialFault(f"{place} does not accept our certificate: {describe(error)}")
    return Unreachable(f"{place}: TLS: {describe(error)}", outcome_unknown=outcome_unknown)


def _reason(error: OSError) -> str:
    """Why all attempts to connect failed: what the first one met."""
    cause: BaseException | None = error.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return describe(cause if isinstance(cause, OSError) else error)
