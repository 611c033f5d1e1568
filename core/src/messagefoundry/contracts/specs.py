"""What plugins register: frozen values that name their parts by reference, "package.module:name"."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """A kind of Connection.

    `factory` is what configurations import (`MLLP`), made with `transport()`; `settings` the frozen pydantic model of
    its options, a `ConnectorSettings`. `inbound` is called with (settings, InboundContext) and gives an
    InboundConnector; `outbound` with (settings, OutboundContext) and gives an OutboundConnector. A direction that the
    kind does not have is None. `batches` says that the outbound is a BatchConnector; without, the option `batch` is
    refused at load.
    """

    name: str
    factory: str
    settings: str
    inbound: str | None = None
    outbound: str | None = None
    batches: bool = False


@dataclass(frozen=True, slots=True)
class CodecSpec:
    """How messages of one content type are read, acknowledged and given to Routers; `codec` names a `Codec`."""

    content_type: str
    codec: str


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """A durable home for messages; `store` names a `StoreFactory`."""

    name: str
    store: str


@dataclass(frozen=True, slots=True)
class AlertSinkSpec:
    """Where alerts go; `sink` names a callable without arguments that gives an `AlertSink`."""

    name: str
    sink: str


@dataclass(frozen=True, slots=True)
class ReferenceSourceSpec:
    """A kind of source of reference sets.

    `factory` is what configurations import (`FileRef`), made with `reference_source()`; `settings` the frozen pydantic
    model of its options, a `ReferenceSettings`. `source` is called with (settings, directory), the directory being that
    of the configuration, where relative paths start, and gives a `ReferenceSource`.
    """

    name: str
    factory: str
    settings: str
    source: str


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command of `messagefoundry`; `command` names a click command, imported only when it is called."""

    name: str
    summary: str
    command: str


@dataclass(frozen=True, slots=True)
class BlueprintSpec:
    """Pages of the HTTP API; `blueprint` names a quart Blueprint.

    `control=True` pages change things: they are served on the engine's owner-only socket, not on the network.
    """

    name: str
    blueprint: str
    control: bool = False


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something outside Python that a plugin needs, for `messagefoundry doctor`.

    `check` names a callable without arguments that returns None when the need is met, else a sentence saying what is
    missing; `mend` says how to get it.
    """

    name: str
    check: str
    mend: str


def load(reference: str) -> Any:
    """Import what a reference "package.module:name" names."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
