"""MessageFoundry: a healthcare integration engine whose routes and transforms are written in Python.

Authors import from here what configurations are made of; connectors (`MLLP`, `File` ...) come from installed plugins.
Everything is imported when it is first asked for, so that commands which need little start fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from messagefoundry.wiring.untranslated import NotTranslated as NotTranslated
    from messagefoundry.wiring.values import AckMode as AckMode
    from messagefoundry.wiring.values import BuildupThreshold as BuildupThreshold
    from messagefoundry.wiring.values import ContentType as ContentType
    from messagefoundry.wiring.values import InternalErrorPolicy as InternalErrorPolicy
    from messagefoundry.wiring.values import OrderingMode as OrderingMode
    from messagefoundry.wiring.values import RetryPolicy as RetryPolicy
    from messagefoundry.wiring.values import Send as Send

    __version__: str

_AUTHORING = {
    "AckMode": "wiring.values",
    "BuildupThreshold": "wiring.values",
    "CodeSet": "wiring.codesets",
    "ContentType": "wiring.values",
    "InternalErrorPolicy": "wiring.values",
    "Message": "message",
    "NotTranslated": "wiring.untranslated",
    "OrderingMode": "wiring.values",
    "RawMessage": "message",
    "RetryPolicy": "wiring.values",
    "Send": "wiring.values",
    "code_set": "wiring.codesets",
    "current_environment": "wiring.environment",
    "env": "wiring.environment",
    "handler": "wiring.declare",
    "inbound": "wiring.declare",
    "outbound": "wiring.declare",
    "router": "wiring.declare",
}

_NOT_YET = frozenset(
    {
        "BatchConfig",
        "DatabaseLookup",
        "DatabaseRef",
        "DbLookupError",
        "FhirLookup",
        "FhirLookupError",
        "FileRef",
        "Reference",
        "SetMeta",
        "SetState",
        "StallThreshold",
        "X12Message",
        "current_ingest_time",
        "db_lookup",
        "fhir_lookup",
        "reference",
        "response_get",
        "state_get",
    }
)

__all__ = [
    "AckMode",
    "BuildupThreshold",
    "CodeSet",
    "ContentType",
    "InternalErrorPolicy",
    "Message",
    "NotTranslated",
    "OrderingMode",
    "RawMessage",
    "RetryPolicy",
    "Send",
    "__version__",
    "code_set",
    "current_environment",
    "env",
    "handler",
    "inbound",
    "outbound",
    "router",
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
    if name in _NOT_YET:
        raise _absent(f"{name} is not supported yet in this release")
    if name[:1].isupper():
        return _connector(name)
    raise AttributeError(f"module 'messagefoundry' has no attribute {name!r}")


def _connector(name: str) -> Any:
    from messagefoundry.contracts.specs import load
    from messagefoundry.plugins import NotInstalledError, installed, offer

    here = installed()
    if name in here.connectors:
        return load(here.connectors[name].spec.factory)
    problem = offer("connector", name, here.broken)
    if problem is None:
        raise AttributeError(f"module 'messagefoundry' has no attribute {name!r}")
    raise NotInstalledError(problem)


def _absent(text: str) -> ImportError:
    from messagefoundry.contracts.errors import Problem
    from messagefoundry.plugins import NotInstalledError

    return NotInstalledError(Problem(text))
