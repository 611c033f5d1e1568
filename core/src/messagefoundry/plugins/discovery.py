"""Finding plugins and asking each, once, what it registers.

A plugin that raises, was made for another contract or returns something else than specs becomes a `BrokenPlugin`; it
takes nothing down unless the configuration needs what it has.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import importlib_metadata
import pluggy

from messagefoundry.contracts import (
    CONTRACT,
    ENTRY_POINT_GROUP,
    AlertSinkSpec,
    BlueprintSpec,
    CodecSpec,
    CommandSpec,
    ConnectorSpec,
    Hooks,
    ReferenceSourceSpec,
    Requirement,
    StoreSpec,
)
from messagefoundry.plugins.registry import BrokenPlugin, Clash, Installed, Plugin, Registered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin before it is imported. `load` gives its module and may raise anything."""

    name: str
    distribution: str
    version: str
    load: Callable[[], object]

    @classmethod
    def of_module(cls, module: str, distribution: str = "", version: str = "0") -> Candidate:
        """The plugin in a module that is named rather than found."""
        return cls(module, distribution or module, version, lambda: importlib.import_module(module))


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook: the field of Installed that it fills, the word for an entry, the spec's type and its key."""

    name: str
    field: str
    kind: str
    spec: type
    key: str = "name"


HOOKS = (
    Hook("register_connectors", "connectors", "connector", ConnectorSpec),
    Hook("register_codecs", "codecs", "content type", CodecSpec, "content_type"),
    Hook("register_stores", "stores", "store", StoreSpec),
    Hook("register_alert_sinks", "alert_sinks", "alert sink", AlertSinkSpec),
    Hook("register_commands", "commands", "command", CommandSpec),
    Hook("register_blueprints", "blueprints", "blueprint", BlueprintSpec),
    Hook("register_reference_sources", "reference_sources", "reference source", ReferenceSourceSpec),
    Hook("register_requirements", "requirements", "requirement", Requirement),
)


class UnusablePluginError(Exception):
    """A plugin cannot be used; the text says why."""


@cache
def installed() -> Installed:
    """What is installed in this environment, found once per process."""
    return collect(entry_points())


def entry_points() -> Iterator[Candidate]:
    """Every plugin that an installed distribution names, the engine's own first, then by distribution and name."""
    found = importlib_metadata.entry_points(group=ENTRY_POINT_GROUP)
    for point in sorted(found, key=lambda point: (*_owner(point), point.name)):
        _, distribution, version = _owner(point)
        yield Candidate(point.name, distribution, version, point.load)


def _owner(point: importlib_metadata.EntryPoint) -> tuple[bool, str, str]:
    if point.dist is None:
        return True, point.module, "0"
    return point.dist.name != "messagefoundry-core", point.dist.name, point.dist.version


def collect(candidates: Iterable[Candidate]) -> Installed:
    """Import each plugin, call its hooks once, and put what they return in one frozen value."""
    plugins: list[Plugin] = []
    broken: list[BrokenPlugin] = []
    clashes: list[Clash] = []
    tables: dict[str, dict[str, Registered[Any]]] = {hook.field: {} for hook in HOOKS}
    for candidate in candidates:
        try:
            plugin, specs = examined(candidate)
        except UnusablePluginError as error:
            broken.append(BrokenPlugin(candidate.distribution, str(error), candidate.name, candidate.version))
            continue
        plugins.append(plugin)
        for hook, spec in specs:
            clashes += _register(tables[hook.field], hook, spec, plugin)
    frozen: dict[str, Any] = {name: MappingProxyType(table) for name, table in tables.items()}
    return Installed(tuple(plugins), tuple(broken), tuple(clashes), **frozen)


def _register(table: dict[str, Registered[Any]], hook: Hook, spec: Any, plugin: Plugin) -> Iterator[Clash]:
    name = getattr(spec, hook.key)
    if name in table:
        yield Clash(hook.kind, name, table[name].plugin, plugin)
    else:
        table[name] = Registered(spec, plugin)


def examined(candidate: Candidate) -> tuple[Plugin, list[tuple[Hook, Any]]]:
    """The plugin and all that it registers. Raises UnusablePluginError with a sentence."""
    module = _imported(candidate)
    contract = getattr(module, "contract", None)
    if contract != CONTRACT:
        raise UnusablePluginError(_other_contract(contract))
    calls = _hooks(module, candidate.name)
    specs = [(hook, spec) for hook in HOOKS for spec in _specs(hook, calls)]
    return Plugin(candidate.name, candidate.distribution, candidate.version, CONTRACT), specs


def _imported(candidate: Candidate) -> object:
    try:
        return candidate.load()
    except (Exception, SystemExit) as error:
        raise UnusablePluginError(f"it cannot be imported: {_cause(error)}") from error


def _other_contract(contract: object) -> str:
    if contract is None:
        return f"it does not say `contract = {CONTRACT}`"
    return f"it was made for plugin contract {contract!r}, and this engine has contract {CONTRACT}"


def _hooks(module: object, name: str) -> pluggy.HookRelay:
    plugins = pluggy.PluginManager("messagefoundry")
    plugins.add_hookspecs(Hooks)
    try:
        plugins.register(module, name)
        plugins.check_pending()
    except pluggy.PluginValidationError as error:
        raise UnusablePluginError(f"its hooks do not fit: {' '.join(str(error).split())}") from error
    return plugins.hook


def _specs(hook: Hook, calls: pluggy.HookRelay) -> Iterator[Any]:
    try:
        returned = getattr(calls, hook.name)()
    except (Exception, SystemExit) as error:
        raise UnusablePluginError(f"{hook.name}() failed: {_cause(error)}") from error
    for specs in returned:
        if not isinstance(specs, list) or not all(isinstance(spec, hook.spec) for spec in specs):
            raise UnusablePluginError(f"{hook.name}() does not return a list of {hook.spec.__name__}")
        yield from specs


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
