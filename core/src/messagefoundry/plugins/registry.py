"""The frozen registry of what plugins register."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from messagefoundry.contracts.errors import Problem

if TYPE_CHECKING:
    from messagefoundry.contracts import (
        AlertSinkSpec,
        BlueprintSpec,
        CodecSpec,
        CommandSpec,
        ConnectorSpec,
        ReferenceSourceSpec,
        Requirement,
        StoreSpec,
    )

Spec = TypeVar("Spec", covariant=True)


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that works: its entry point, the distribution that owns it, and the contract that it was made for."""

    name: str
    distribution: str
    version: str
    contract: int


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin that cannot be used. `cause` is one sentence; `name` its entry point."""

    distribution: str
    cause: str
    name: str = ""
    version: str = ""
    contract: int | None = None


@dataclass(frozen=True, slots=True)
class Registered(Generic[Spec]):
    """One registered spec and the plugin that it comes from."""

    spec: Spec
    plugin: Plugin


@dataclass(frozen=True, slots=True)
class Clash:
    """Two plugins that claim one name. `kind` is what it is the name of: "connector", "store", "command" ..."""

    kind: str
    name: str
    first: Plugin
    second: Plugin

    def problem(self) -> Problem:
        """The sentence for people."""
        return Problem(
            f"the {self.kind} {self.name!r} is registered by two plugins, {self.first.distribution} and "
            f"{self.second.distribution}",
            f"uninstall one of them: pip uninstall {self.second.distribution}",
        )


Table = Mapping[str, Registered[Spec]]


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Installed:
    """Everything installed, by name. Where two plugins claim a name the first keeps it and `clashes` says so."""

    plugins: tuple[Plugin, ...] = ()
    broken: tuple[BrokenPlugin, ...] = ()
    clashes: tuple[Clash, ...] = ()
    connectors: Table[ConnectorSpec] = field(default_factory=_empty)
    codecs: Table[CodecSpec] = field(default_factory=_empty)
    stores: Table[StoreSpec] = field(default_factory=_empty)
    alert_sinks: Table[AlertSinkSpec] = field(default_factory=_empty)
    commands: Table[CommandSpec] = field(default_factory=_empty)
    blueprints: Table[BlueprintSpec] = field(default_factory=_empty)
    reference_sources: Table[ReferenceSourceSpec] = field(default_factory=_empty)
    requirements: Table[Requirement] = field(default_factory=_empty)

    def problems(self) -> tuple[Problem, ...]:
        """What keeps an engine from starting whatever its configuration: names claimed twice."""
        return tuple(clash.problem() for clash in self.clashes)

    def registered_by(self, plugin: Plugin) -> Iterator[tuple[str, str]]:
        """What one plugin registers, as (kind, name)."""
        for kind, table in self.tables():
            for name, registered in table.items():
                if registered.plugin == plugin:
                    yield kind, name

    def tables(self) -> Iterator[tuple[str, Table[Any]]]:
        """Every table with the word for what it holds."""
        yield "connector", self.connectors
        yield "content type", self.codecs
        yield "store", self.stores
        yield "alert sink", self.alert_sinks
        yield "command", self.commands
        yield "blueprint", self.blueprints
        yield "reference source", self.reference_sources
        yield "requirement", self.requirements
