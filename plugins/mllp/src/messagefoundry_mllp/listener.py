"""The inbound side of MLLP and raw TCP: a TCP server on the interface that the operator chose."""

from __future__ import annotations

import ipaddress
import time
from functools import partial
from typing import TYPE_CHECKING

import trio

from messagefoundry_mllp.accepting import accept_each, bind
from messagefoundry_mllp.conversation import Conversation, Terms
from messagefoundry_mllp.rate import TokenBucket
from messagefoundry_mllp.settings import MLLPSettings
from messagefoundry_mllp.tls import TLSWire, server_context
from messagefoundry_mllp.wire import PlainWire, address_text

if TYPE_CHECKING:
    import socket
    import ssl
    from ipaddress import IPv4Network, IPv6Network

    from messagefoundry.contracts.inbound import InboundContext
    from messagefoundry_mllp.accepting import Address
    from messagefoundry_mllp.settings import StreamSettings

DRAIN_SECONDS = 5.0
"""How long a message whose last byte has come may take to its reply when the listener stops."""

_NOT_ALLOWED = "not in source_ip_allowlist"


class Listener:
    """Receives from any number of peers at once, from each strictly in order.

    Cancelling `run` stops accepting and ends idle connections at once, and lets a message whose last byte has come be
    committed and answered, for at most `DRAIN_SECONDS`.
    """

    def __init__(self, settings: StreamSettings, context: InboundContext) -> None:
        """Listen as `settings` say on the interface of `context`."""
        self._settings = settings
        self._context = context
        self._terms = _terms(settings, context)
        self._tls: ssl.SSLContext | None = None
        self._conversations: set[Conversation] = set()
        self.port = settings.port
        """The port listened on: once ready the system's choice, if the settings say 0."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled. Raises OSError when the port cannot be bound or a TLS file cannot be used."""
        self._tls = server_context(self._settings) if self._settings.tls else None
        listeners = await bind(self._context.bind_host, self._settings.port)
        self.port = listeners[0].getsockname()[1]
        async with trio.open_nursery() as nursery:
            for listener in listeners:
                nursery.start_soon(accept_each, listener, partial(self._admit, nursery), self._note_exhausted)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                for conversation in self._conversations:
                    conversation.stop(within=DRAIN_SECONDS)

    def _admit(self, nursery: trio.Nursery, connected: socket.socket, address: Address) -> None:
        """Converse with a peer that has connected, unless it may not."""
        peer = address_text(address)
        if reason := self._refusal(address[0]):
            connected.close()
            self._context.note("peer refused", f"{peer}: {reason}", alert=reason is not _NOT_ALLOWED)
            return
        try:
            plain = PlainWire(connected, self._settings.receive_timeout)
        except OSError:
            connected.close()  # it has left already
            return
        wire = TLSWire(plain, self._tls) if self._tls else plain
        conversation = Conversation(self._terms, wire, peer)
        self._conversations.add(conversation)
        nursery.start_soon(self._converse, conversation)

    async def _converse(self, conversation: Conversation) -> None:
        try:
            await conversation.run()
        finally:
            self._conversations.discard(conversation)

    def _refusal(self, host: str) -> str:
        """Why a peer may not stay; empty when it may."""
        allowed = self._context.source_ip_allowlist
        if allowed and not _within(host, allowed):
            return _NOT_ALLOWED
        if len(self._conversations) >= self._settings.max_connections:
            return f"max_connections = {self._settings.max_connections} are open"
        return ""

    def _note_exhausted(self, reason: str) -> None:
        self._context.note("cannot accept", reason, alert=True)


def _terms(settings: StreamSettings, context: InboundContext) -> Terms:
    rate = settings.max_messages_per_second if isinstance(settings, MLLPSettings) else None
    burst = settings.message_burst if isinstance(settings, MLLPSettings) else None
    bucket = TokenBucket(rate, burst, time.monotonic) if rate else None
    limits = settings.max_frame_bytes, settings.receive_timeout
    return Terms(context, settings.block_format(), *limits, bucket, settings.text_encoding())


def _within(host: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    address = ipaddress.ip_address(host.partition("%")[0])
    return any(address in network for network in networks)
