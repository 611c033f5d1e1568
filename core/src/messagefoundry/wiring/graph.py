"""The wired graph: what runs, frozen and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry.wiring.values import (
    AckMode,
    BuildupThreshold,
    InternalErrorPolicy,
    OrderingMode,
    RetryPolicy,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ipaddress import IPv4Network, IPv6Network

    from messagefoundry.contracts.codecs import Codec
    from messagefoundry.contracts.errors import Problem
    from messagefoundry.contracts.specs import ConnectorSpec
    from messagefoundry.wiring.codesets import CodeSet


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""


@dataclass(frozen=True, slots=True)
class Router:
    """A pure function from a message to the names of Handlers."""

    name: str
    function: Callable[[Any], Any]
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Handler:
    """A pure function from a message to Sends; `accepts` declines messages before it runs."""

    name: str
    function: Callable[[Any], Any]
    accepts: Callable[[Any], Any] | None = None
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Inbound:
    """An inbound Connection, resolved for this deployment."""

    name: str
    connector: ConnectorSpec
    settings: ConnectorSettings
    router: str
    codec: Codec
    content_type: str = "hl7v2"
    ack_mode: AckMode = AckMode.ORIGINAL
    auto_start: bool = True
    deployed: bool = True
    bind_host: str = "127.0.0.1"
    source_ip_allowlist: tuple[IPv4Network | IPv6Network, ...] = ()
    max_message_bytes: int | None = None
    strict: bool = False
    hl7_version: str | None = None
    """The version that strict validation takes all messages for; None for that of MSH-12."""
    strict_timeout_s: float | None = None
    buildup: BuildupThreshold = field(default_factory=BuildupThreshold)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    place: Place = Place()

    def endpoint(self) -> str:
        """Where it listens or polls, for people."""
        around = Surroundings("inbound", self.bind_host, source_ip_allowlist=self.source_ip_allowlist)
        return self.settings.endpoint(around)


@dataclass(frozen=True, slots=True)
class Outbound:
    """An outbound Connection, resolved for this deployment; its lane has the same name."""

    name: str
    connector: ConnectorSpec
    settings: ConnectorSettings
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    ordering: OrderingMode = OrderingMode.FIFO
    internal_error: InternalErrorPolicy = InternalErrorPolicy.CONTINUE
    buildup: BuildupThreshold = field(default_factory=BuildupThreshold)
    simulate: bool = False
    auto_start: bool = True
    deployed: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)
    place: Place = Place()

    def endpoint(self) -> str:
        """Where it sends, for people."""
        return self.settings.endpoint(Surroundings("outbound"))


@dataclass(frozen=True, slots=True)
class Graph:
    """Everything that a configuration wires, by name. `environment` is the active environment's name, if any."""

    inbounds: Mapping[str, Inbound]
    outbounds: Mapping[str, Outbound]
    routers: Mapping[str, Router]
    handlers: Mapping[str, Handler]
    environment: str | None = None
    source: str = ""
    warnings: tuple[Problem, ...] = ()
    code_sets: Mapping[str, CodeSet] = field(default_factory=dict)
    captured: tuple[tuple[str, Place], ...] = ()
    """Names with which the modules asked for code sets while they loaded, and where."""
