"""A channel as the text of a module: Connections, a Router, and a Handler for each destination."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.importing import destinations, sources
from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.javascript import LONGEST
from messagefoundry.importing.layout import PUT, composed
from messagefoundry.importing.properties import Properties
from messagefoundry.importing.pytext import (
    Call,
    Names,
    call,
    docstring,
    kept,
    listed,
    on_one_line,
    quoted,
    raised,
    remark,
    slug,
)
from messagefoundry.importing.remainder import remainder, starts_by_itself
from messagefoundry.importing.report import Outcome, Report
from messagefoundry.importing.scope import Known, Scope, why_unusable
from messagefoundry.importing.secrets import blanked
from messagefoundry.importing.steps import INDENT, Filter, Function, Place, filtered, transformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from messagefoundry.importing.export import Channel, Connector, Transformer
    from messagefoundry.importing.others import Others
    from messagefoundry.importing.values import Values

PAD = " " * INDENT
_SCRIPTS = {
    "preprocessing": "preprocessor script",
    "postprocessing": "postprocessor script",
    "deploy": "deploy script",
    "undeploy": "undeploy script",
}
_COMMENT = re.compile(r"//[^\n\r]*|/\*.*?\*/", re.S)
_IDLE = ("", "return;", "return message;", "return", "return message")


def inbound_of(name: str) -> str:
    """The name of a channel's inbound, and the stem of its module."""
    return f"IB_{name.upper()}"


@dataclass(slots=True)
class Written:
    """A module: the stem of its file, its text, and what became of the channel's parts."""

    stem: str
    text: str
    report: Report


@dataclass(slots=True)
class Handled:
    """One destination: its Handler's name and the lines of its declaration and functions."""

    handler: str
    declaration: list[str]
    functions: list[list[str]]


@dataclass(slots=True)
class Writer:
    """Writes one module. `name` is unique among the channels of an import."""

    channel: Channel
    name: str
    values: Values
    others: Others
    report: Report
    used: set[str] = field(default_factory=set)
    constants: list[list[str]] = field(default_factory=list)
    functions: Names = field(default_factory=lambda: Names("put", "route"))
    handlers: Names = field(default_factory=Names)
    paths: Names = field(default_factory=Names)

    def module(self) -> str:
        """The text of the module."""
        inbound = self.inbound()
        scope = self.scope(self.channel.source.transformer)
        active = [
            (each, self.handlers.fresh(slug(each.name, f"destination_{each.number}")))
            for each in self.channel.destinations
            if each.enabled
        ]
        scope.destinations = tuple(Known(each.number, each.name, own) for each, own in active)
        source = self.source(scope)
        handled = [self.destination(each, own, scope, source) for each, own in active]
        remainder(self.channel, self.report)
        router = self.router(handled, source)
        blocks = [[*inbound, *(line for each in handled for line in each.declaration)]]
        tops = [*source.functions, *(text for each in handled for text in each.functions)]
        if "put" in self.used:
            tops.insert(0, PUT)
        return composed(self.head(), [*self.constants, *blocks], [router, *tops])

    def head(self) -> list[str]:
        """The docstring and the channel's description."""
        said = docstring(f"The channel {self.channel.name}, imported from version {self.channel.version}.", 0)
        description = [remark(line) for line in blanked(self.channel.description).splitlines() if line.strip()]
        return [said, "", *description] if description else [said]

    # -- the source --------------------------------------------------------------------------------------------------

    def place(self, connector: str, prefix: str) -> Place:
        """Where steps of a connector belong."""
        return Place(self.channel.name, connector, self.report, self.functions.fresh, prefix)

    def scope(self, transformer: Transformer, before: Scope | None = None) -> Scope:
        """What scripts of a connector see."""
        scope = Scope() if before is None else before.following()
        scope.unusable = why_unusable(transformer)
        scope.tmp = bool(transformer.outbound_template)
        return scope

    def inbound(self) -> list[str]:
        """The declaration of the inbound, as comments when there is none of ours."""
        connector = self.channel.source
        properties = Properties(connector.properties, "source", self.report)
        name, part = quoted(inbound_of(self.name)), f"connector ({connector.transport})"
        words: dict[str, str | Call] = {"router": quoted(self.name)}
        try:
            if properties.flag("processBatch") and connector.transformer.inbound_type != "HL7V2":
                raise Untranslatable("it splits batches of what is no HL7 v2")
            spec = sources.connector(connector.kind, properties, self.name, self.values, self.others)
            words |= sources.answers(properties, connector.kind)
            words |= sources.content_type(connector.transformer.inbound_type)
        except Untranslatable as problem:
            self.not_translated("source", part, f"{problem}")
            instead = sources.INSTEAD.get(connector.kind, "...")
            return [
                remark(f"The source, a {connector.transport}, is not translated: {problem}. Declare what fits:"),
                remark(f"inbound({name}, {instead}, router={quoted(self.name)})"),
                *kept(properties.listing()),
            ]
        if not starts_by_itself(self.channel):
            words["auto_start"] = "False"
        self.report.add(Outcome.TRANSLATED, "source", part)
        properties.account()
        return call("inbound", name, spec, **words).lines()

    def source(self, scope: Scope) -> Source:
        """The filter and the transformer that every destination comes after."""
        place = self.place("source", "source")
        found = filtered(self.channel.source.filter, scope, place)
        functions = [rule.text() for rule in _functions(found)]
        scripts = self.scripts(place)
        body = [
            *scripts.get("preprocessing", []),
            *self.template(self.channel.source.transformer, "SOURCE_TEMPLATE"),
            *transformed(self.channel.source.transformer.steps, scope, place),
            *self.conversion(self.channel.source.transformer, place, self.channel.source.transformer.inbound_type),
        ]
        rest = [line for word in ("deploy", "postprocessing", "undeploy") for line in scripts.get(word, [])]
        if not scope.destinations:
            rest += place.untranslated("destinations", "none is enabled", "what the source does stands below")
        if not body:
            return Source(found.accepts, None, functions, rest)
        needs = tuple(sorted(scope.used - {"put"}))
        self.used |= scope.used
        name = self.functions.fresh("source_transform")
        said = docstring("What the source connector does to a message before the destinations get it.", INDENT)
        transform = Function(name, needs, (said, *body, f"{PAD}return {scope.result}"))
        return Source(found.accepts, transform, [*functions, transform.text()], rest)

    def scripts(self, place: Place) -> dict[str, list[str]]:
        """The channel's own scripts, those that do nothing left out, as comments with a statement that fails."""
        found = {}
        for word, source in self.channel.scripts.items():
            if len(source) > LONGEST or _COMMENT.sub("", source).strip() not in _IDLE:
                why = "it runs outside of any Handler"
                found[word] = place.untranslated(_SCRIPTS[word], why, source)
        return found

    def template(self, transformer: Transformer, name: str) -> list[str]:
        """What makes `tmp` of an outbound template, and the constant of it."""
        if not transformer.outbound_template or why_unusable(transformer):
            return []
        name = self.paths.fresh(name).upper()
        lines = [quoted(line) for line in re.split(r"[\r\n]+", transformer.outbound_template) if line]
        lines.append(quoted(""))
        self.constants.append(call('"\\r".join', listed(lines)).lines(0, f"{name} = "))
        return [f"{PAD}tmp = Message.parse({name})"]

    def conversion(self, transformer: Transformer, place: Place, before: str) -> list[str]:
        """What fails where a data type is made another, or the template cannot be read."""
        if transformer.outbound_type != before:
            why = f"it makes {transformer.outbound_type} of {before}"
            return place.untranslated("data types", why, f"{before} -> {transformer.outbound_type}")
        if transformer.outbound_template and why_unusable(transformer):
            why = f"its outbound template cannot be used: {why_unusable(transformer)}"
            return place.untranslated("outbound template", why, "the outbound template of the channel")
        return []

    # -- destinations ------------------------------------------------------------------------------------------------

    def destination(self, connector: Connector, own: str, before: Scope, source: Source) -> Handled:
        """A destination's outbound, its filter, and its Handler."""
        label = f"destination {connector.name}"
        handler, function = f"{self.name}_{own}", self.functions.fresh(f"to_{own}")
        place = self.place(label, function)
        scope = self.scope(connector.transformer, before)
        found = filtered(connector.filter, scope, place)
        steps = [
            *self.template(connector.transformer, f"{own}_template".upper()),
            *transformed(connector.transformer.steps, scope, place),
            *self.conversion(connector.transformer, place, self.channel.source.transformer.outbound_type),
            *self.replies(connector, place),
        ]
        declaration, sending = self.outbound(connector, place, own, scope.result)
        lines = self.handling(source, found, [*steps, *sending], own, scope.used)
        decorated = call("handler", quoted(handler), **source.accepting()).lines(0, "@")
        said = docstring(f"{on_one_line(connector.name)} ({connector.transport}).", INDENT)
        definition = [*decorated, f"def {function}(msg):", said, *lines]
        self.used |= scope.used
        return Handled(handler, declaration, [*(rule.text() for rule in _functions(found)), definition])

    def handling(self, source: Source, found: Filter, steps: list[str], own: str, used: set[str]) -> list[str]:
        """The lines of a Handler: maps, the source's transformer, the filter, the steps, and the Send."""
        called = [each for each in (source.transform, found.accepts) if each is not None]
        needs = {*used, *(need for each in called for need in each.needs)}
        lines = [f"{PAD}{word} = {'set()' if word == 'removed' else '{}'}" for word in sorted(needs - {"put"})]
        if source.transform is not None:
            lines.append(f"{PAD}msg = {source.transform.called}")
        if "removed" in needs:
            lines += [f"{PAD}if {quoted(own)} in removed:", f"{PAD * 2}return None"]
        if found.accepts is not None:
            lines += [f"{PAD}if not {found.accepts.called}:", f"{PAD * 2}return None"]
        return [*lines, *steps]

    def outbound(self, connector: Connector, place: Place, own: str, message: str) -> tuple[list[str], list[str]]:
        """The declaration of an outbound, and the last lines of its Handler."""
        properties = Properties(connector.properties, place.connector, self.report)
        name, part = quoted(f"OB_{self.name}_{own}".upper()), f"connector ({connector.transport})"
        send = call("Send", name, message).lines(INDENT, "return ")
        try:
            found = destinations.destination(connector.kind, properties, f"{self.name}_{own}", self.values, self.others)
        except Untranslatable as problem:
            instead = destinations.INSTEAD.get(connector.kind, "...")
            self.not_translated(place.connector, part, str(problem))
            declaration = [
                remark(f"{connector.name}, a {connector.transport}, is not translated: {problem}. Declare what fits:"),
                remark(f"outbound({name}, {instead})"),
                *kept(properties.listing()),
            ]
            said = f"{on_one_line(self.channel.name)}, {on_one_line(place.connector)}, {on_one_line(part)}"
            return declaration, [*raised(said, INDENT), *send]
        self.report.add(Outcome.TRANSLATED, place.connector, part)
        properties.account()
        if found.inbound:
            return [], call("Send", quoted(found.inbound), message).lines(INDENT, "return ")
        if found.connector is None:
            return [], [f"{PAD}return None"]
        return call("outbound", name, found.connector, **found.options).lines(), send

    def replies(self, connector: Connector, place: Place) -> list[str]:
        """What fails for a response transformer: replies come when a Handler has long run."""
        lines = []
        for step in connector.response.steps:
            part = f"response transformer, {place.label('step', step)}"
            if step.enabled:
                lines += place.untranslated(part, "replies come after the Handler has run", step.source)
            else:
                place.report.add(Outcome.LEFT_OUT, place.connector, part, "it is disabled in the channel")
        return lines

    def not_translated(self, place: str, part: str, why: str) -> None:
        """Put down what is not translated."""
        self.report.add(Outcome.NOT_TRANSLATED, place, part, why)

    # -- the channel -------------------------------------------------------------------------------------------------

    def router(self, handled: Sequence[Handled], source: Source) -> list[str]:
        """The Router, which names the Handler of every destination."""
        names = listed([quoted(each.handler) for each in handled])
        said = docstring("Every message goes to every destination, whose Handler decides.", INDENT)
        head = [f"@router({quoted(self.name)})", "def route(msg):", said]
        return [*head, *source.scripts, *names.lines(INDENT, "return ")]


@dataclass(frozen=True, slots=True)
class Source:
    """What every Handler begins with: a filter, a transformer, and the scripts that the Router stands for."""

    accepts: Function | None
    transform: Function | None
    functions: list[list[str]]
    scripts: list[str]

    def accepting(self) -> dict[str, str | Call]:
        """The option of a Handler that declines messages which the source filters."""
        return {} if self.accepts is None else {"accepts": self.accepts.name}


def _functions(found: Filter) -> Iterable[Function]:
    return [*found.rules, found.accepts] if found.accepts is not None else found.rules
