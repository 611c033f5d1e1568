"""The wired graph: what runs, frozen and checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry.contracts.specs import load
from messagefoundry.wiring.place import NOWHERE
from messagefoundry.wiring.place import Place as Place
from messagefoundry.wiring.values import (
    AckAfter,
    AckMode,
    BatchConfig,
    BuildupThreshold,
    Dedupe,
    InternalErrorPolicy,
    OrderingMode,
    RetryPolicy,
    StallThreshold,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

    from messagefoundry.contracts.codecs import Codec
    from messagefoundry.contracts.errors import Problem
    from messagefoundry.contracts.references import ReferenceSource
    from messagefoundry.contracts.settings import ReferenceSettings
    from messagefoundry.contracts.specs import ConnectorSpec, ReferenceSourceSpec
    from messagefoundry.wiring.codesets import CodeSet
    from messagefoundry.wiring.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Router:
    """A pure function from a message to the names of Handlers."""

    name: str
    function: Callable[[Any], Any]
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Handler:
    """A pure function from a message to Sends; `accepts` declines messages before it runs."""

    name: str
    function: Callable[[Any], Any]
    accepts: Callable[[Any], Any] | None = None
    place: Place = NOWHERE


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
    ack_after: AckAfter = AckAfter.INGEST
    ack_deadline_seconds: float | None = None
    """How long a sender waits for deliveries at most."""
    ack_on_deadline: str = "AE"
    """The answer when that has passed: AA, AE or AR."""
    auto_start: bool = True
    deployed: bool = True
    bind_host: str = "127.0.0.1"
    source_ip_allowlist: tuple[IPv4Network | IPv6Network, ...] = ()
    max_message_bytes: int | None = None
    strict: bool = False
    hl7_version: str | None = None
    """The version that strict validation takes all messages for; None for that of MSH-12."""
    strict_timeout_s: float | None = None
    dedupe: Dedupe | None = None
    buildup: BuildupThreshold = field(default_factory=BuildupThreshold)
    schedule: Schedule | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    flagged: bool = False
    place: Place = NOWHERE

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
    stall: StallThreshold = field(default_factory=StallThreshold)
    batch: BatchConfig | None = None
    """How items are gathered into HL7 batches; None when each goes alone."""
    simulate: bool = False
    auto_start: bool = True
    deployed: bool = True
    schedule: Schedule | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    flagged: bool = False
    place: Place = NOWHERE

    def endpoint(self) -> str:
        """Where it sends, for people."""
        return self.settings.endpoint(Surroundings("outbound"))


@dataclass(frozen=True, slots=True)
class DeclaredReference:
    """A reference set, resolved for this deployment. Times in seconds; `max_staleness_seconds` 0 for no such limit."""

    name: str
    source: ReferenceSourceSpec
    settings: ReferenceSettings
    directory: Path
    refresh_seconds: float = 3600
    max_staleness_seconds: float = 0
    place: Place = NOWHERE

    def origin(self) -> str:
        """Where its rows come from, for people."""
        return f"{self.source.name} {self.settings.place()}".rstrip()

    def is_like(self, other: DeclaredReference) -> bool:
        """Whether both say the same; where they are written makes no difference."""
        return replace(self, place=Place()) == replace(other, place=Place())

    def read(self) -> Mapping[str, Any]:
        """All of its rows, from the source. Blocks; raises SourceUnreadable, and whatever a plugin may raise."""
        source: ReferenceSource = load(self.source.source)(self.settings, self.directory)
        return source.read()


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
    max_correlation_depth: int = 8
    """How often a message may go on to an inbound of this engine: `[pipeline] max_correlation_depth`."""

    @property
    def destinations(self) -> Mapping[str, Inbound | Outbound]:
        """Where Handlers may send, by name: the outbounds, and the inbounds that take what is sent to them."""
        taking = {name: each for name, each in self.inbounds.items() if each.settings.fed_by == "sends"}
        return {**self.outbounds, **taking}

    captured: tuple[tuple[str, Place], ...] = ()
    """Names with which the modules asked for code sets while they loaded, and where."""
    references: Mapping[str, DeclaredReference] = field(default_factory=dict)
