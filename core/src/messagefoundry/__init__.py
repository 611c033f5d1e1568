"""MessageFoundry: a healthcare integration engine whose routes and transforms are written in Python.

Authors import from here what configurations are made of; connectors (`MLLP`, `File` ...) come from installed plugins.
Everything is imported when it is first asked for, so that commands which need little start fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messagefoundry.internal import Loopback as Loopback
    from messagefoundry.internal import PassThrough as PassThrough
    from messagefoundry.message import Message as Message
    from messagefoundry.message import RawMessage as RawMessage
    from messagefoundry.wiring.codesets import CodeSet as CodeSet
    from messagefoundry.wiring.codesets import code_set as code_set
    from messagefoundry.wiring.declare import handler as handler
    from messagefoundry.wiring.declare import inbound as inbound
    from messagefoundry.wiring.declare import outbound as outbound
    from messagefoundry.wiring.declare import router as router
    from messagefoundry.wiring.environment import current_environment as current_environment
    from messagefoundry.wiring.environment import env as env
    from messagefoundry.wiring.keeping import SetMeta as SetMeta
    from messagefoundry.wiring.keeping import SetState as SetState
    from messagefoundry.wiring.reference_declare import Reference as Reference
    from messagefoundry.wiring.reference_files import FileRef as FileRef
    from messagefoundry.wiring.reference_sets import ReferenceSet as ReferenceSet
    from messagefoundry.wiring.reference_sets import reference as reference
    from messagefoundry.wiring.running import current_ingest_time as current_ingest_time
    from messagefoundry.wiring.running import response_get as response_get
    from messagefoundry.wiring.running import state_get as state_get
    from messagefoundry.wiring.untranslated import NotTranslated as NotTranslated
    from messagefoundry.wiring.values import AckMode as AckMode
    from messagefoundry.wiring.values import BatchConfig as BatchConfig
    from messagefoundry.wiring.values import BuildupThreshold as BuildupThreshold
    from messagefoundry.wiring.values import ContentType as ContentType
    from messagefoundry.wiring.values import Dedupe as Dedupe
    from messagefoundry.wiring.values import InternalErrorPolicy as InternalErrorPolicy
    from messagefoundry.wiring.values import OrderingMode as OrderingMode
    from messagefoundry.wiring.values import RetryPolicy as RetryPolicy
    from messagefoundry.wiring.values import Send as Send
    from messagefoundry.wiring.values import StallThreshold as StallThreshold

    __version__: str

_AUTHORING = {
    "AckMode": "wiring.values",
    "BatchConfig": "wiring.values",
    "BuildupThreshold": "wiring.values",
    "CodeSet": "wiring.codesets",
    "ContentType": "wiring.values",
    "Dedupe": "wiring.values",
    "FileRef": "wiring.reference_files",
    "InternalErrorPolicy": "wiring.values",
    "Loopback": "internal",
    "Message": "message",
    "NotTranslated": "wiring.untranslated",
    "OrderingMode": "wiring.values",
    "PassThrough": "internal",
    "RawMessage": "message",
    "Reference": "wiring.reference_declare",
    "ReferenceSet": "wiring.reference_sets",
    "RetryPolicy": "wiring.values",
    "Send": "wiring.values",
    "SetMeta": "wiring.keeping",
    "SetState": "wiring.keeping",
    "StallThreshold": "wiring.values",
    "code_set": "wiring.codesets",
    "current_environment": "wiring.environment",
    "current_ingest_time": "wiring.running",
    "env": "wiring.environment",
    "handler": "wiring.declare",
    "inbound": "wiring.declare",
    "outbound": "wiring.declare",
    "reference": "wiring.reference_sets",
    "response_get": "wiring.running",
    "router": "wiring.declare",
    "state_get": "wiring.running",
}

_NOT_YET = frozenset(
    {
        "DatabaseLookup",
        "DatabaseRef",
        "DbLookupError",
        "FhirLookup",
        "FhirLookupError",
        "X12Message",
        "db_lookup",
        "fhir_lookup",
    }
)

__all__ = [
    "AckMode",
    "BatchConfig",
    "BuildupThreshold",
    "CodeSet",
    "ContentType",
    "Dedupe",
    "FileRef",
    "InternalErrorPolicy",
    "Loopback",
    "Message",
    "NotTranslated",
    "OrderingMode",
    "PassThrough",
    "RawMessage",
    "Reference",
    "ReferenceSet",
    "RetryPolicy",
    "Send",
    "SetMeta",
    "SetState",
    "StallThreshold",
    "__version__",
    "code_set",
    "current_environment",
    "current_ingest_time",
    "env",
    "handler",
    "inbound",
    "outbound",
    "reference",
    "response_get",
    "router",
    "state_get",
]


def __getattr__(name: str) -> Any:
    return _version() if name == "__version__" else _authoring(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("messagefoundry-core")
    except PackageNotFoundError:
        return "0+uninstalled"


def _authoring(name: str) -> Any:
    """What authors import under `name`. Raises ImportError with a mend for what is known but absent."""
    if name in _AUTHORING:
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f"messagefoundry.{_AUTHORING[name]}"), name)
        return value
    if name in _NOT_YET and name not in _sources():
        raise _absent(f"{name} is not supported yet in this release")
    if name[:1].isupper():
        return _connector(name)
    raise AttributeError(f"module 'messagefoundry' has no attribute {name!r}")


def _sources() -> Any:
    """The sources of reference sets that are installed: one of a plugin may have a name that is announced here."""
    from messagefoundry.plugins import installed

    return installed().reference_sources


def _connector(name: str) -> Any:
    """What a plugin has under `name`. Raises NotInstalledError for what is only known."""
    from messagefoundry.contracts.specs import load
    from messagefoundry.plugins import NotInstalledError, installed, offer

    here = installed()
    if name in here.connectors:
        return load(here.connectors[name].spec.factory)
    if name in here.reference_sources:
        return load(here.reference_sources[name].spec.factory)
    problem = offer("connector", name, here.broken)
    if problem is None:
        raise AttributeError(f"module 'messagefoundry' has no attribute {name!r}")
    raise NotInstalledError(problem)


def _absent(text: str) -> ImportError:
    from messagefoundry.contracts.errors import Problem
    from messagefoundry.plugins import NotInstalledError

    return NotInstalledError(Problem(text))
