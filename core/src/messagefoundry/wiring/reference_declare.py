"""`Reference()`: how a configuration declares a reference set, and what is checked of it."""

from __future__ import annotations

import functools
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from pydantic import ValidationError

from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.references import SourceUse
from messagefoundry.contracts.specs import ReferenceSourceSpec, load
from messagefoundry.wiring.graph import DeclaredReference
from messagefoundry.wiring.names import by_name
from messagefoundry.wiring.options import BadOptionError, seconds
from messagefoundry.wiring.recording import ReferenceDeclaration, active, caller
from messagefoundry.wiring.references import Environment, UnresolvedError, keys_in
from messagefoundry.wiring.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from messagefoundry.contracts.settings import ReferenceSettings
    from messagefoundry.plugins import Installed
    from messagefoundry.wiring.deployment import Deployment
    from messagefoundry.wiring.place import Place
    from messagefoundry.wiring.recording import Recording

OPTIONS = ("source", "refresh_seconds", "max_staleness_seconds")
P = ParamSpec("P")


def _records(signature: Callable[P, None]) -> Callable[P, None]:
    """Turn a signature into a call that puts down what it was given."""

    @functools.wraps(signature)
    def declare(*args: P.args, **options: P.kwargs) -> None:
        _declare(args, options, caller())

    return declare


def _declare(args: Sequence[Any], given: Mapping[str, Any], place: Place) -> None:
    options = dict(given)
    name = args[0] if args else options.pop("name", None)
    label = name if isinstance(name, str) else ""
    if len(args) > 1:
        mend = "write source=FileRef(...)"
        active().problem(place, label, "Reference() takes a name; all else is given by keyword", mend)
        options.setdefault("source", args[1])
    for option in [option for option in options if option not in OPTIONS]:
        del options[option]
        active().problem(place, label, f"Reference() has no option {option!r}", did_you_mean(option, OPTIONS))
    source = options.pop("source", None)
    said = {option: value for option, value in options.items() if value is not None}
    active().references.append(ReferenceDeclaration(name, source, said, place))


@_records
def Reference(  # noqa: N802 - the published name
    name: str,
    *,
    source: SourceUse | None = None,
    refresh_seconds: float | None = None,
    max_staleness_seconds: float | None = None,
) -> None:
    """Declare a reference set: the engine reads it from `source` at its start and every `refresh_seconds`.

    Routers and Handlers look it up with reference(name). When it cannot be read the last good copy stays; one older
    than `max_staleness_seconds` alerts, 0 for never. What is not given is as `[reference]` of the settings says.
    """


def references(
    record: Recording, installed: Installed, environment: Environment, deployment: Deployment, directory: str
) -> dict[str, DeclaredReference]:
    """Every reference set that is sound, by name; what is wrong with the others is put down."""
    checks = [
        _Check(record, declared, installed, environment, deployment)
        for declared in by_name(record.references, "a reference set", record).values()
    ]
    found: dict[str, DeclaredReference] = {}
    for check in checks:
        with suppress(_UnusableError):
            found[check.declared.name] = check.reference(Path(directory).absolute())
    return found


class _UnusableError(Exception):
    """A reference set cannot be made; what is wrong has been put down."""


@dataclass
class _Check:
    """The checks of one declaration; each puts its problems down and goes on."""

    record: Recording
    declared: ReferenceDeclaration
    installed: Installed
    environment: Environment
    deployment: Deployment
    wrong: bool = field(default=False, init=False)

    def put(self, text: str, mend: str = "") -> None:
        self.wrong = True
        self.record.problem(self.declared.place, self.declared.name, text, mend)

    def reference(self, directory: Path) -> DeclaredReference:
        """The reference set. Raises _UnusableError."""
        refresh = self.seconds("refresh_seconds", self.deployment.reference_refresh_seconds)
        stale = self.seconds("max_staleness_seconds", self.deployment.reference_max_staleness_seconds)
        spec = self.spec()
        settings = None if spec is None else self.settings(spec, self.declared.source.options)
        if self.wrong or spec is None or settings is None:
            raise _UnusableError
        return DeclaredReference(self.declared.name, spec, settings, directory, refresh, stale, self.declared.place)

    def seconds(self, option: str, usual: float) -> float:
        """A time in seconds; 0 only for the age beyond which nobody is told."""
        written = self.declared.options.get(option, usual)
        try:
            value = self.environment.fill(written)
            if option == "max_staleness_seconds" and value in (0, "0"):
                return 0
            return seconds(value)
        except UnresolvedError as error:
            self.put(f"option {option!r}: {error.text}", error.mend)
        except BadOptionError as error:
            self.put(f"option {option!r} {error}")
        return inf

    def spec(self) -> ReferenceSourceSpec | None:
        """What the plugin registered for the source, if there is one."""
        use = self.declared.source
        if not isinstance(use, SourceUse):
            self.put("a reference set needs a source", 'write source=FileRef(path="...")')
            return None
        registered = self.installed.reference_sources.get(use.source)
        if registered is None:
            known = self.installed.reference_sources
            self.put(f"no installed plugin has the reference source {use.source!r}", did_you_mean(use.source, known))
            return None
        return registered.spec

    def settings(self, spec: ReferenceSourceSpec, written: Mapping[str, Any]) -> ReferenceSettings | None:
        """The source's options as its own model checks them."""
        filled = dict(self.filled(spec.name, written))
        if len(filled) < len(written):
            return None
        try:
            model: type[ReferenceSettings] = load(spec.settings)
            settings = model(**filled)
        except ValidationError as error:
            keys = {option: _env_of(value) for option, value in written.items()}
            for _, text, mend in sentences(error, spec.name, model.model_fields, keys):
                self.put(text, mend)
            return None
        except (ImportError, AttributeError) as error:
            self.put(f"{spec.name} cannot be used: {type(error).__name__}: {error}", "messagefoundry doctor says more")
            return None
        for text, mend in settings.problems():
            self.put(text, mend)
        return settings

    def filled(self, source: str, written: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The options with the values behind env(); one that has none is put down and left out."""
        for option, value in written.items():
            try:
                yield option, self.environment.fill(value)
            except UnresolvedError as error:
                self.put(f"option {option!r} of {source}: {error.text}", error.mend)


def _env_of(value: Any) -> str:
    keys = sorted(set(keys_in(value)))
    return f" (from {', '.join(f'env({key!r})' for key in keys)})" if keys else ""
