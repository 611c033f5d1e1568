"""Examining what is installed: every plugin, what it registers, what it needs, and what a configuration needs of it.

Values in, values out: who prints them, or makes JSON of them, is the command line's matter.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import importlib_metadata
from packaging.requirements import InvalidRequirement, Requirement

from messagefoundry.contracts.errors import Problem
from messagefoundry.contracts.specs import load
from messagefoundry.plugins.offers import Kind, offer
from messagefoundry.strict import PIP_LINE, SchemaUnavailableError, known_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from messagefoundry.plugins.registry import BrokenPlugin, Clash, Installed, Plugin

REFERENCES = {
    "connector": ("factory", "settings", "inbound", "outbound"),
    "content type": ("codec",),
    "store": ("store",),
    "alert sink": ("sink",),
    "command": ("command",),
    "blueprint": ("blueprint",),
    "reference source": ("factory", "settings", "source"),
    "requirement": ("check",),
}
"""The fields of each kind of spec that name something to import."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a plugin needs. `found` is what is there ("2.11.4", "present"), `problem` "" when it will do."""

    name: str
    found: str = ""
    problem: str = ""
    mend: str = ""

    @property
    def met(self) -> bool:
        """Whether it is there."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a plugin registers; `problem` says what of it cannot be imported."""

    kind: str
    name: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """One plugin with what it registers and needs."""

    plugin: Plugin
    registers: tuple[Entry, ...]
    needs: tuple[Need, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return all(need.met for need in self.needs) and not any(entry.problem for entry in self.registers)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a configuration names, by kind."""

    connectors: Collection[str] = ()
    content_types: Collection[str] = ()
    stores: Collection[str] = ()
    strict: bool = False
    """Whether any Connection asks for strict validation."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything found. `missing` is what the configuration names and nothing installed has, each with its mend."""

    plugins: tuple[Examined, ...]
    broken: tuple[BrokenPlugin, ...]
    clashes: tuple[Clash, ...]
    missing: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing at all is wrong."""
        return not (self.broken or self.clashes or self.missing) and all(each.sound for each in self.plugins)


def examine(installed: Installed, wanted: Wanted | None = None) -> Report:
    """Examine every plugin and, when given, what a configuration wants. Imports everything that is registered."""
    return Report(
        tuple(_examined(installed, plugin) for plugin in installed.plugins),
        installed.broken,
        installed.clashes,
        tuple(missing(installed, wanted or Wanted())),
    )


def missing(installed: Installed, wanted: Wanted) -> Iterator[Problem]:
    """What is named and not there, each once, with the line that installs it."""
    tables: tuple[tuple[Kind, Collection[str], Any], ...] = (
        ("connector", wanted.connectors, installed.connectors),
        ("content type", wanted.content_types, installed.codecs),
        ("store", wanted.stores, installed.stores),
    )
    for kind, names, table in tables:
        for name in sorted(set(names)):
            if name not in table:
                yield offer(kind, name, installed.broken) or Problem(f"no installed plugin has the {kind} {name}")
    if wanted.strict:
        try:
            known_versions()
        except SchemaUnavailableError as error:
            yield Problem(str(error), PIP_LINE)


def _examined(installed: Installed, plugin: Plugin) -> Examined:
    return Examined(
        plugin,
        tuple(_entries(installed, plugin)),
        (*_python_needs(plugin.distribution), *_other_needs(installed, plugin)),
    )


def _entries(installed: Installed, plugin: Plugin) -> Iterator[Entry]:
    for kind, table in installed.tables():
        for name, registered in table.items():
            if registered.plugin == plugin:
                references = [getattr(registered.spec, each) for each in REFERENCES[kind]]
                yield Entry(kind, name, _import_problem(filter(None, references)))


def _import_problem(references: Iterable[str]) -> str:
    for reference in references:
        cause = _attempt(load, reference)
        if cause:
            return f"{reference} cannot be imported: {cause}"
    return ""


def _attempt(importing: Callable[[str], object], name: str) -> str:
    """What goes wrong when `name` is imported, in a few words; "" when nothing does."""
    try:
        importing(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - another's code may raise anything
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return ""


def _python_needs(distribution: str) -> Iterator[Need]:
    """The requirements in a distribution's metadata that apply here, without those of its extras."""
    try:
        lines = importlib_metadata.requires(distribution) or []
    except importlib_metadata.PackageNotFoundError:
        return
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            yield Need(line, problem="the requirement cannot be read")
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _python_need(requirement)


def _python_need(requirement: Requirement) -> Need:
    name, mend = str(requirement), f"pip install '{requirement}'"
    try:
        version = importlib_metadata.version(requirement.name)
    except importlib_metadata.PackageNotFoundError:
        return Need(name, problem="is not installed", mend=mend)
    if not requirement.specifier.contains(version, prereleases=True):
        return Need(name, version, f"is installed as {version}", mend)
    causes = (_attempt(importlib.import_module, package) for package in _packages(requirement.name))
    cause = next(filter(None, causes), "")
    return Need(name, version, f"cannot be imported: {cause}" if cause else "", mend if cause else "")


def _packages(distribution: str) -> Iterator[str]:
    """The packages and modules that a distribution's own list of files says it has; none for an editable one."""
    for file in importlib_metadata.files(distribution) or []:
        package = file.parts[0]
        if len(file.parts) == 2 and file.parts[-1] == "__init__.py" and package.isidentifier() and package[0] != "_":
            yield package


def _other_needs(installed: Installed, plugin: Plugin) -> Iterator[Need]:
    for name, registered in installed.requirements.items():
        if registered.plugin == plugin:
            try:
                problem = load(registered.spec.check)()
            except Exception as error:  # noqa: BLE001 - another's check may raise anything
                problem = f"its check failed with {type(error).__name__}: {error}"
            mend = registered.spec.mend if problem else ""
            yield Need(name, "" if problem else "present", problem or "", mend)
