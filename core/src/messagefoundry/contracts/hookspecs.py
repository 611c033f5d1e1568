"""The hooks. Each runs once, at start-up, synchronously, and returns a list of frozen specs.

None runs on the message path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from messagefoundry.contracts.specs import (
        AlertSinkSpec,
        BlueprintSpec,
        CodecSpec,
        CommandSpec,
        ConnectorSpec,
        ReferenceSourceSpec,
        Requirement,
        StoreSpec,
    )

CONTRACT = 1
"""The number of this contract. A plugin says `contract = 1`; another number is refused."""

ENTRY_POINT_GROUP = "messagefoundry"

hookspec = pluggy.HookspecMarker("messagefoundry")
hookimpl = pluggy.HookimplMarker("messagefoundry")


class Hooks:
    """What a plugin may implement, as plain functions of its module."""

    @hookspec
    def register_connectors(self) -> list[ConnectorSpec]:  # type: ignore[empty-body]
        """Kinds of Connection: transports, pollers, timers."""

    @hookspec
    def register_codecs(self) -> list[CodecSpec]:  # type: ignore[empty-body]
        """Content types and how they are read."""

    @hookspec
    def register_stores(self) -> list[StoreSpec]:  # type: ignore[empty-body]
        """Databases that hold messages and work."""

    @hookspec
    def register_alert_sinks(self) -> list[AlertSinkSpec]:  # type: ignore[empty-body]
        """Places that alerts are sent to."""

    @hookspec
    def register_reference_sources(self) -> list[ReferenceSourceSpec]:  # type: ignore[empty-body]
        """Places that reference sets are read from."""

    @hookspec
    def register_commands(self) -> list[CommandSpec]:  # type: ignore[empty-body]
        """Commands of `messagefoundry`."""

    @hookspec
    def register_blueprints(self) -> list[BlueprintSpec]:  # type: ignore[empty-body]
        """Pages of the HTTP API."""

    @hookspec
    def register_requirements(self) -> list[Requirement]:  # type: ignore[empty-body]
        """Needs outside Python, checked by `messagefoundry doctor`."""
