"""Everything a plugin may import: hook specifications, Protocols, values and the error tree.

A plugin is a module named by an entry point of the group `messagefoundry`. It carries `contract = 1` and implements
some of the hooks of `hookspecs`; each returns frozen specs whose parts are named by reference ("package.module:name"),
so that finding out what is installed imports no transport and no database driver.
"""

from messagefoundry.contracts.errors import (
    ConfigurationError,
    CorruptStore,
    CredentialFault,
    EngineRunning,
    Fenced,
    MessageFoundryError,
    PartnerFault,
    Refused,
    SourceUnreadable,
    StaleUnit,
    StopLane,
    StoreFull,
    StoreUnavailable,
    Unreachable,
    UnstorableUnit,
)
from messagefoundry.contracts.hookspecs import CONTRACT, ENTRY_POINT_GROUP, Hooks, hookimpl, hookspec
from messagefoundry.contracts.inbound import InboundConnector, InboundContext, Receipt
from messagefoundry.contracts.outbound import (
    BatchConnector,
    Delivered,
    MemberOutcome,
    OutboundBatch,
    OutboundConnector,
    OutboundContext,
    OutboundItem,
    Rejected,
    Unanswered,
)
from messagefoundry.contracts.references import ReferenceSource, SourceUse, reference_source
from messagefoundry.contracts.specs import (
    AlertSinkSpec,
    BlueprintSpec,
    CodecSpec,
    CommandSpec,
    ConnectorSpec,
    ReferenceSourceSpec,
    Requirement,
    StoreSpec,
    load,
)
from messagefoundry.contracts.transport import Transport, transport

__all__ = [
    "CONTRACT",
    "ENTRY_POINT_GROUP",
    "AlertSinkSpec",
    "BatchConnector",
    "BlueprintSpec",
    "CodecSpec",
    "CommandSpec",
    "ConfigurationError",
    "ConnectorSpec",
    "CorruptStore",
    "CredentialFault",
    "Delivered",
    "EngineRunning",
    "Fenced",
    "Hooks",
    "InboundConnector",
    "InboundContext",
    "MemberOutcome",
    "MessageFoundryError",
    "OutboundBatch",
    "OutboundConnector",
    "OutboundContext",
    "OutboundItem",
    "PartnerFault",
    "Receipt",
    "ReferenceSource",
    "ReferenceSourceSpec",
    "Refused",
    "Rejected",
    "Requirement",
    "SourceUnreadable",
    "SourceUse",
    "StaleUnit",
    "StopLane",
    "StoreFull",
    "StoreSpec",
    "StoreUnavailable",
    "Transport",
    "Unanswered",
    "Unreachable",
    "UnstorableUnit",
    "hookimpl",
    "hookspec",
    "load",
    "reference_source",
    "transport",
]
