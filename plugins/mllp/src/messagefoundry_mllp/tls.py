"""TLS 1.2 and later: contexts from settings, and a wire that speaks TLS over another.

The TLS state machine is kept in memory (ssl.SSLObject), so that a session ticket waiting on an idle connection is told
from bytes of a late reply without waiting.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from messagefoundry_mllp.wire import CHUNK_BYTES, PlainWire

if TYPE_CHECKING:
    from messagefoundry_mllp.settings import StreamSettings

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the ssl module does not name."""

_REFUSED_CREDENTIAL = (
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_REQUIRED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "UNKNOWN_CA",
    "ACCESS_DENIED",
)


def server_context(settings: StreamSettings) -> ssl.SSLContext:
    """The context of a listener; with `tls_ca_file` peers must present a certificate. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    _configure(context, settings)
    if settings.tls_ca_file:
        context.load_verify_locations(settings.tls_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(settings: StreamSettings) -> ssl.SSLContext:
    """The context of a sender: the system's authorities unless `tls_ca_file` names others. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _configure(context, settings)
    if settings.tls_ca_file:
        context.load_verify_locations(settings.tls_ca_file)
    else:
        context.load_default_certs()
    context.check_hostname = settings.tls_verify and settings.tls_check_hostname
    context.verify_mode = ssl.CERT_REQUIRED if settings.tls_verify else ssl.CERT_NONE
    return context


def _configure(context: ssl.SSLContext, settings: StreamSettings) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.tls_cert_file:
        load_identity(context, settings.tls_cert_file, settings.tls_key_file, settings.tls_key_password)
    if settings.tls_allow_expired:
        context.verify_flags |= _NO_CHECK_TIME


def load_identity(context: ssl.SSLContext, certificate: str, key: str | None, password: str | None) -> None:
    """Give `context` our certificate and its key, which may be in the same file. Never asks on the terminal."""
    context.load_cert_chain(certificate, key, lambda: password or "")


def refused_credential(error: ssl.SSLError) -> bool:
    """Whether the peer's alert says that it does not accept our certificate, or the lack of one (RFC 8446 §6.2)."""
    reason = error.reason or ""
    return "ALERT" in reason and reason.endswith(_REFUSED_CREDENTIAL)


def describe(error: OSError) -> str:
    """What went wrong with a connection, in a few words and without content."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate does not verify: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS broken off").replace("_", " ").lower()
    # trio's own text begins with the address: "Error connecting to (...): Connection refused".
    return (error.strerror or type(error).__name__).rpartition("): ")[2]


class TLSWire:
    """TLS over a plain wire."""

    __slots__ = ("_incoming", "_outgoing", "_plain", "_tls")

    def __init__(self, plain: PlainWire, context: ssl.SSLContext, *, name: str | None = None) -> None:
        """Be the client of the server `name`, or a server without one. `handshake` comes first."""
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server_side = context.protocol is ssl.PROTOCOL_TLS_SERVER
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side, server_hostname=name)

    @property
    def sent(self) -> int:
        """How many bytes, encrypted, the operating system has taken so far."""
        return self._plain.sent

    @property
    def heard(self) -> bool:
        """Whether the peer has sent anything yet."""
        return self._plain.heard

    @property
    def version(self) -> str:
        """The version agreed on, such as "TLSv1.3"."""
        return self._tls.version() or ""

    async def handshake(self) -> None:
        """Agree on keys and verify certificates. Raises OSError, ssl.SSLError among them."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._exchange()
            except ssl.SSLError:
                self._plain.send_now(self._outgoing.read())  # the alert that tells the peer why
                raise
            else:
                return await self._flush()

    async def read(self) -> bytes:
        """The next bytes; b"" when the peer sends no more."""
        while (data := self._decrypted()) is None:
            await self._exchange()
        return data

    async def write(self, data: bytes) -> None:
        """Hand all of `data`, encrypted, to the operating system."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._tls.write(rest) :]
            except ssl.SSLWantReadError:
                await self._exchange()
        await self._flush()

    def arrived(self) -> bytes | None:
        """What has come without waiting for it; session tickets and the like are not bytes of the peer."""
        while (data := self._decrypted()) is None:
            more = self._plain.arrived()
            if more is None:
                return None
            self._take(more)
        return data

    def interrupt(self) -> None:
        """Let a `read` that waits fail with trio.ClosedResourceError."""
        self._plain.interrupt()

    async def linger(self, seconds: float) -> None:
        """Send no more, and discard what still comes."""
        self._say_goodbye()
        await self._plain.linger(seconds)

    def close(self) -> None:
        """Close; never waits."""
        self._say_goodbye()
        self._plain.close()

    def _decrypted(self) -> bytes | None:
        try:
            return self._tls.read(CHUNK_BYTES)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def _exchange(self) -> None:
        if self._outgoing.pending:
            await self._flush()
        self._take(await self._plain.read())

    async def _flush(self) -> None:
        await self._plain.write(self._outgoing.read())

    def _take(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _say_goodbye(self) -> None:
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._plain.send_now(self._outgoing.read())
