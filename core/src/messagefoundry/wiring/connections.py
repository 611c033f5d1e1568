"""Turning one declaration into a Connection of the graph, or into problems: all that can be found at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from messagefoundry.contracts.errors import MessageFoundryError, Problem
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry.contracts.specs import ConnectorSpec, load
from messagefoundry.contracts.transport import Transport
from messagefoundry.plugins import Installed, offer
from messagefoundry.wiring.ack_checks import waiting
from messagefoundry.wiring.belonging import for_keyword, for_setting
from messagefoundry.wiring.declare import KEYWORDS
from messagefoundry.wiring.graph import Inbound, Outbound, Place
from messagefoundry.wiring.options import (
    INBOUND,
    INTAKE_ONLY,
    LISTENERS_ONLY,
    NOT_YET,
    OUTBOUND,
    BadOptionError,
    Reader,
)
from messagefoundry.wiring.references import Environment, UnresolvedError, keys_in
from messagefoundry.wiring.repeat_checks import telling
from messagefoundry.wiring.sentences import sentences
from messagefoundry.wiring.strict_checks import holding
from messagefoundry.wiring.wording import in_words_of_the_file, mend_in_words_of_the_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from messagefoundry.plugins.offers import Kind
    from messagefoundry.wiring.deployment import Deployment
    from messagefoundry.wiring.recording import Declaration, Recording

WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of an inbound once its connector's options are sound."""

    name: str
    place: Place
    settings: ConnectorSettings
    bind_host: str
    deployed: bool


class UnusableConnectionError(Exception):
    """A Connection cannot be built; what is wrong has been put down."""


@dataclass(frozen=True, slots=True)
class Checker:
    """What declarations are checked against, and where problems are put down.

    `sources` gathers every inbound whose connector's options are sound, even one that has other problems.
    """

    installed: Installed
    environment: Environment
    deployment: Deployment
    record: Recording
    sources: list[Source] = field(default_factory=list)

    def inbound(self, declared: Declaration) -> Inbound:
        """The inbound Connection. Raises UnusableConnectionError."""
        found = _Finding(self, declared)
        options = found.options(INBOUND)
        spec = found.connector()
        content_type = str(options.pop("content_type", "hl7v2"))
        codec = found.codec(content_type)
        around = Surroundings(
            "inbound",
            options.pop("bind_address", None) or self.deployment.bind_host,
            self.deployment.allow_insecure_bind,
            options.pop("source_ip_allowlist", None) or (),
            content_type,
        )
        settings = found.settings(spec, around)
        for text, mend, option in (
            *holding(options, content_type),
            *waiting(options, content_type, settings),
            *telling(options, content_type, settings),
        ):
            found.put(text, mend, option)
        if settings is not None:
            deployed = options.get("deployed", True)
            self.sources.append(Source(declared.label, declared.place, settings, around.bind_host, deployed))
        found.stop_if_wrong()
        assert spec is not None
        assert settings is not None
        return Inbound(
            declared.name,
            spec,
            settings,
            codec=codec,
            content_type=content_type,
            bind_host=around.bind_host,
            source_ip_allowlist=around.source_ip_allowlist,
            buildup=self.deployment.buildup,
            place=declared.place,
            **options,
        )

    def outbound(self, declared: Declaration) -> Outbound:
        """The outbound Connection; what it does not say of delivery the deployment does.

        Raises UnusableConnectionError.
        """
        found = _Finding(self, declared)
        options = found.options(OUTBOUND)
        spec = found.connector()
        if spec is not None and not spec.batches and "batch" in options:
            found.put(f"option 'batch' is not supported by {spec.name}", "leave it out", "batch")
        settings = found.settings(spec, Surroundings("outbound"))
        found.stop_if_wrong()
        assert spec is not None
        assert settings is not None
        ours = self.deployment
        delivery = {
            "retry": ours.retry,
            "ordering": ours.ordering,
            "internal_error": ours.internal_error,
            "buildup": ours.buildup,
        }
        options["simulate"] = options.get("simulate", False) or ours.simulate_all_egress
        return Outbound(declared.name, spec, settings, place=declared.place, **{**delivery, **options})


class _Finding:
    """The checks of one declaration; each puts its problems down and goes on."""

    def __init__(self, checker: Checker, declared: Declaration) -> None:
        self.checker = checker
        self.declared = declared
        self.wrong = False

    def put(self, text: str, mend: str = "", *keys: str) -> None:
        """Put a problem down; `keys` name the option that it is about."""
        self.wrong = True
        if self.declared.entry is not None:
            text, mend = in_words_of_the_file(text), mend_in_words_of_the_file(mend, self.declared.kind)
        self.checker.record.problem(self.declared.place_of(*keys), self.declared.label, text, mend)

    def put_all(self, problem: Problem, *keys: str) -> None:
        """Put down a problem that is described already."""
        self.put(problem.text, problem.mend, *keys)

    def stop_if_wrong(self) -> None:
        if self.wrong:
            raise UnusableConnectionError

    def options(self, readers: Mapping[str, Reader]) -> dict[str, Any]:
        """The keywords that were given and are usable; one left at None is as one left out."""
        given: dict[str, Any] = {}
        for option, written in self.declared.options.items():
            if option not in KEYWORDS[self.declared.kind]:
                self._refuse_unknown(option)
                continue
            try:
                value = self.checker.environment.fill(written)
            except UnresolvedError as error:
                self.put(f"option {option!r}: {error.text}", error.mend, option)
                continue
            if option in NOT_YET:
                self._refuse_not_yet(option, value)
            elif value is not None or KEYWORDS[self.declared.kind][option] is not None:
                self._read(option, readers[option], value, given)
        if self.declared.kind == "inbound" and "router" not in self.declared.options:
            self.put("an inbound Connection needs a Router", 'add router="..."')
        return given

    def _refuse_not_yet(self, option: str, value: Any) -> None:
        if not any(value is nothing or value == nothing for nothing in NOT_YET[option]):
            self.put(f"option {option!r} is not supported yet in this release", "leave it out", option)

    def _refuse_unknown(self, option: str) -> None:
        """Refuse a keyword that there is not; it may be an option of the connector."""
        kind, spec = self.declared.kind, self.declared.spec
        registered = self.checker.installed.connectors.get(spec.connector) if isinstance(spec, Transport) else None
        model = None if registered is None else self._loaded(registered.spec.settings, registered.spec.name)
        connector = "" if registered is None else registered.spec.name
        mend = for_keyword(option, kind, connector, model, in_file=self.declared.entry is not None)
        self.put(f"{kind}() has no option {option!r}", mend, option)

    def _read(self, option: str, reader: Reader, value: Any, given: dict[str, Any]) -> None:
        try:
            given[option] = reader(value)
        except BadOptionError as error:
            self.put(f"option {option!r} {error}", "", option)

    def connector(self) -> ConnectorSpec | None:
        """What the plugin registered for the connector, if there is one and it goes in this direction."""
        transport, kind = self.declared.spec, self.declared.kind
        if not isinstance(transport, Transport) and self.declared.entry is not None:
            self.put("transport names the connector", 'add transport = "MLLP"', "transport")
            return None
        if not isinstance(transport, Transport):
            word = getattr(transport, "__name__", "MLLP") if callable(transport) else "MLLP"
            self.put("the second argument is a connector with its options", f"write {word}(...)")
            return None
        registered = self.checker.installed.connectors.get(transport.connector)
        if registered is None:
            self._absent("connector", transport.connector, self.checker.installed.connectors, "transport")
            return None
        if getattr(registered.spec, kind) is None:
            other = "outbound" if kind == "inbound" else "inbound"
            self.put(
                f"{transport.connector} is for {other} Connections alone", f"declare it with {other}()", "transport"
            )
            return None
        return registered.spec

    def _absent(self, kind: Kind, name: str, known: Mapping[str, Any], key: str) -> None:
        offered = offer(kind, name, self.checker.installed.broken)
        if offered is not None:
            self.put_all(offered, key)
        else:
            self.put(f"no installed plugin has the {kind} {name!r}", did_you_mean(name, known), key)

    def codec(self, content_type: str) -> Any:
        registered = self.checker.installed.codecs.get(content_type)
        if registered is None:
            self._absent("content type", content_type, self.checker.installed.codecs, "content_type")
            return None
        return self._loaded(registered.spec.codec, f"the content type {content_type}")

    def _loaded(self, reference: str, subject: str) -> Any:
        try:
            return load(reference)
        except (ImportError, AttributeError) as error:
            self.put(f"{subject} cannot be used: {type(error).__name__}: {error}", "messagefoundry doctor says more")
            return None

    def settings(self, spec: ConnectorSpec | None, around: Surroundings) -> ConnectorSettings | None:
        """The connector's options as its own model checks them."""
        if spec is None:
            return None
        model = self._loaded(spec.settings, spec.name)
        written = self.declared.spec.options
        filled = self._filled(spec.name, written)
        if model is None or filled is None:
            return None
        keys = {option: _env_of(value) for option, value in written.items()}
        settings = self._built(spec, model, filled, keys, around)
        if settings is not None:
            for text, mend in self._findings(settings, around):
                self.put(text, mend, *self._keys_in(text))
        return settings

    def _filled(self, connector: str, written: Mapping[str, Any]) -> dict[str, Any] | None:
        filled: dict[str, Any] = {}
        complete = True
        for option, value in written.items():
            try:
                filled[option] = self.checker.environment.fill(value)
            except UnresolvedError as error:
                complete = False
                self.put(f"option {option!r} of {connector}: {error.text}", error.mend, "settings", option)
        return filled if complete else None

    def _built(
        self,
        spec: ConnectorSpec,
        model: type[ConnectorSettings],
        filled: dict[str, Any],
        keys: Mapping[str, str],
        around: Surroundings,
    ) -> ConnectorSettings | None:
        try:
            return model(**filled)
        except ValidationError as error:
            for option, text, mend in sentences(error, spec.name, _options_for(model, around), keys):
                if option not in model.model_fields:
                    in_file = self.declared.entry is not None
                    mend = for_setting(option, around.direction, spec.name, in_file=in_file) or mend
                self.put(text, mend, "settings", option)
        except MessageFoundryError as error:
            self.put(f"{spec.name}: {error}", "", "settings")
        return None

    def _findings(self, settings: ConnectorSettings, around: Surroundings) -> Iterator[tuple[str, str]]:
        """What is wrong beyond single options."""
        yield from settings.problems(around)
        for option in settings.unsupported(around):
            yield f"option {option!r} is not supported yet in this release", "leave it out"
        if around.direction == "outbound":
            return
        listens = settings.listens_on() is not None
        for option in LISTENERS_ONLY:
            if not listens and self.declared.options.get(option) is not None:
                yield f"option {option!r} is for Connections that listen on a port", "leave it out"
        for option in INTAKE_ONLY if settings.fed_by != "outside" else ():
            if self.declared.options.get(option) not in (None, False):
                yield f"option {option!r} is for messages that come from outside of the engine", "leave it out"

    def _keys_in(self, text: str) -> tuple[str, ...]:
        """The option that a plugin's sentence is about: the first of those written that it names."""
        written = self.declared.spec.options
        return ("settings", next((word for word in WORD.findall(text) if word in written), ""))


def _options_for(model: type[ConnectorSettings], around: Surroundings) -> list[str]:
    """The options of a connector; for an inbound those first that it needs, as `port`, which a mend may show."""
    options = model.options_for(around.direction)
    if around.direction == "outbound":
        return options
    return sorted(options, key=lambda option: not model.model_fields[option].is_required())


def _env_of(value: Any) -> str:
    keys = sorted(set(keys_in(value)))
    return f" (from {', '.join(f'env({key!r})' for key in keys)})" if keys else ""
