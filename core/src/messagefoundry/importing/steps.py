"""Filter rules and transformer steps as Python functions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from messagefoundry.importing import javascript
from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.expressions import Kind, Python, among, equal, stored, translate
from messagefoundry.importing.paths import place_of
from messagefoundry.importing.pytext import WIDTH, docstring, kept, on_one_line, raised, remark
from messagefoundry.importing.report import Outcome
from messagefoundry.importing.secrets import BLANK, blanked
from messagefoundry.importing.statements import chosen, keep, lines_of, put, returned
from messagefoundry.importing.syntax import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from messagefoundry.importing.export import Step, Transformer
    from messagefoundry.importing.report import Report
    from messagefoundry.importing.scope import Scope

INDENT = 4
_MAPS = {
    "CHANNEL": "channel_map",
    "CONNECTOR": "connector_map",
    "channel": "channel_map",
    "connector": "connector_map",
}
_EMPTY_VALUE = ("", "''", '""')


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the module. `needs` are its parameters behind `msg`."""

    name: str
    needs: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def called(self) -> str:
        """The call of it."""
        return f"{self.name}({', '.join(('msg', *self.needs))})"

    def text(self) -> list[str]:
        """The definition."""
        return [f"def {self.called}:", *self.lines]


@dataclass(slots=True)
class Place:
    """Where steps belong: `channel` and `connector` for texts, `prefix` for names of functions."""

    channel: str
    connector: str
    report: Report
    fresh: Callable[[str], str]
    prefix: str

    def label(self, word: str, step: Step) -> str:
        """A step by number, name and kind, as every text names it."""
        name = f" {step.name!r}" if step.name else ""
        return f"{word} {step.number + 1}{name} ({step.kind})"

    def untranslated(self, part: str, why: str, source: str, indent: int = INDENT) -> list[str]:
        """What is kept of an untranslated part, and the statement that fails."""
        self.report.add(Outcome.NOT_TRANSLATED, self.connector, part, why)
        safe = self.without_secrets(part, source)
        said = f"{on_one_line(self.channel)}, {on_one_line(self.connector)}, {on_one_line(part)}"
        head = remark(f"{capital(part)} is not translated: {why}.", indent)
        return [head, *kept(safe, indent), *raised(said, indent)]

    def without_secrets(self, part: str, source: str) -> str:
        """Text to be kept, and a line in the report when something in it was blanked."""
        safe = blanked(source)
        if safe != source:
            self.report.add(Outcome.LEFT_OUT, self.connector, part, f"what looks like a secret is {BLANK} in its text")
        return safe


# -- transformers ----------------------------------------------------------------------------------------------------


def transformed(steps: Sequence[Step], scope: Scope, place: Place) -> list[str]:
    """The lines of a transformer's steps, each under a remark with its name."""
    return [line for step in steps for line in _step(step, scope, place)]


def _step(step: Step, scope: Scope, place: Place) -> list[str]:
    part = place.label("step", step)
    if not step.enabled:
        place.report.add(Outcome.LEFT_OUT, place.connector, part, "it is disabled in the channel")
        safe = place.without_secrets(part, step.source)
        return [remark(f"{capital(part)} is disabled in the channel:", INDENT), *kept(safe, INDENT)]
    trial = replace(scope.branch(), used=set())
    try:
        lines = _translated(step, trial)
    except Untranslatable as problem:
        return place.untranslated(part, str(problem), step.source)
    scope.used |= trial.used
    scope.keys = trial.keys
    if lines == _LOGS:
        place.report.add(Outcome.LEFT_OUT, place.connector, part, "it only writes to the log")
    else:
        place.report.add(Outcome.TRANSLATED, place.connector, part)
    return [remark(capital(part), INDENT), *lines]


def capital(part: str) -> str:
    """A part as a sentence begins with it."""
    return part[:1].upper() + part[1:]


_LOGS = [f"{' ' * INDENT}# The channel logs here."]


def _translated(step: Step, scope: Scope) -> list[str]:
    refuse_secrets(step)
    if step.kind == "JavaScript":
        return lines_of(javascript.script(step.fields.get("script", "")), scope.script(), INDENT)
    if step.kind == "Mapper":
        lines = _mapped(step, scope)
    elif step.kind == "Message Builder":
        lines = _built(step, scope)
    else:
        raise Untranslatable("this kind of step is not translated")
    if any(len(line) > WIDTH for line in lines):
        raise Untranslatable("a line of it would be long")
    return lines


def _mapped(step: Step, scope: Scope) -> list[str]:
    said = step.fields.get("scope", "")
    map_name = _MAPS.get(said)
    if map_name is None:
        raise Untranslatable(f"it puts the value into a map that no Handler has ({said or 'none is named'})")
    return keep(map_name, step.fields.get("variable", ""), _value(step, scope), scope, INDENT)


def _built(step: Step, scope: Scope) -> list[str]:
    target = place_of(javascript.expression(step.fields.get("messageSegment", "")))
    if target is None:
        raise Untranslatable("it writes to something that is not a place of the message")
    return put(target, _value(step, scope), scope, INDENT)


def _value(step: Step, scope: Scope) -> Python:
    """The mapping of a step, and its default where the mapping gives nothing."""
    if step.replacements:
        raise Untranslatable("it replaces parts of the text by regular expressions")
    if step.fields.get("mapping", "").strip() in _EMPTY_VALUE:
        found = translate(Text(""), scope)
    else:
        found = _as_text(translate(javascript.expression(step.fields["mapping"]), scope))
    said = step.fields.get("defaultValue", "").strip()
    if said in _EMPTY_VALUE:
        return found
    default = stored(javascript.expression(said), scope)
    return Python(f"{found.short} or {default.tight}", Kind.TEXT, loose=True, safe=found.safe and default.safe)


def _as_text(found: Python) -> Python:
    """A mapping's value: an element of the message is made text of, toString() or not."""
    if found.kind is Kind.XML:
        return replace(found, kind=Kind.TEXT)
    if found.kind not in (Kind.TEXT, Kind.VALUE):
        raise Untranslatable(f"{found.kind.value} stands where text is understood")
    return found


def refuse_secrets(step: Step) -> None:
    """Raise Untranslatable when a text of a step looks like a secret: it must not become a literal."""
    script = step.fields.get("script", "")
    words = ("variable", "messageSegment", "mapping", "defaultValue", "field")
    line = " ".join([step.name, *(step.fields.get(word, "") for word in words), *step.values])
    if blanked(script) != script or blanked(line) != line:
        raise Untranslatable("a text of it looks like a secret")


# -- filters ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter: `accepts` is the function that judges, None when every message passes; `rules` those that it calls."""

    accepts: Function | None = None
    rules: tuple[Function, ...] = field(default=())


def filtered(steps: Sequence[Step], scope: Scope, place: Place) -> Filter:
    """The rules of a filter and the function that joins them. AND comes before OR (user guide, About Filters)."""
    for step in steps:
        if not step.enabled:
            why = "it is disabled in the channel"
            place.report.add(Outcome.LEFT_OUT, place.connector, place.label("rule", step), why)
    active = [step for step in steps if step.enabled]
    if not active:
        return Filter()
    rules = [_rule(step, scope, place) for step in active]
    if len(rules) == 1:
        return Filter(rules[0])
    return Filter(_joined(active, rules, place), tuple(rules))


def _rule(step: Step, scope: Scope, place: Place) -> Function:
    part = place.label("rule", step)
    own = replace(scope.script(), filtering=True, used=set())
    try:
        lines = _judged(step, own)
    except Untranslatable as problem:
        lines = place.untranslated(part, str(problem), step.source)
    else:
        place.report.add(Outcome.TRANSLATED, place.connector, part)
    name = place.fresh(f"{place.prefix}_rule_{step.number + 1}")
    said = docstring(f"Whether {part} lets a message pass.", INDENT)
    return Function(name, tuple(sorted(own.used)), (said, *lines))


def _judged(step: Step, scope: Scope) -> list[str]:
    refuse_secrets(step)
    if step.kind == "Rule Builder" and "field" in step.fields:
        lines = returned(_condition(step, scope), INDENT)
    elif step.kind in ("JavaScript", "Rule Builder"):
        lines = lines_of(javascript.script(step.fields.get("script", "")), scope, INDENT)
    else:
        raise Untranslatable("this kind of rule is not translated")
    if any(len(line) > WIDTH for line in lines):
        raise Untranslatable("a line of it would be long")
    if not lines:
        raise Untranslatable("its script is empty")
    return lines


def _condition(step: Step, scope: Scope) -> Python:
    subject = translate(javascript.expression(step.fields["field"]), scope)
    condition = step.fields.get("condition", "")
    if condition in ("EXISTS", "NOT_EXIST"):
        return _existence(subject, condition)
    values = [translate(javascript.expression(each), scope) for each in step.values]
    if not values or any(value.kind is not Kind.TEXT or not value.constant or not value.safe for value in values):
        raise Untranslatable("a value of it is computed, missing, or has a delimiter of HL7 in it")
    if condition in ("EQUALS", "NOT_EQUAL"):
        return _equality(subject, condition, values)
    if condition in ("CONTAINS", "NOT_CONTAIN"):
        return _containment(subject, condition, values)
    raise Untranslatable(f"its condition {condition!a} is not known")


def _existence(subject: Python, condition: str) -> Python:
    if subject.kind is not Kind.TEXT:
        raise Untranslatable(f"it asks whether {subject.kind.value} exists (toString() makes text)")
    said = f"bool({subject.bare or subject.text})" if condition == "EXISTS" else f"not {subject.short}"
    return Python(said, Kind.TRUTH)


def _equality(subject: Python, condition: str, values: list[Python]) -> Python:
    sign, membership = ("==", "in") if condition == "EQUALS" else ("!=", "not in")
    equal(sign, subject, values[0])
    shown = subject.short if all(value.text != '""' for value in values) else subject.tight
    return among(shown, membership, tuple(value.text for value in values))


def _containment(subject: Python, condition: str, values: list[Python]) -> Python:
    if subject.kind is not Kind.TEXT:
        raise Untranslatable(f"it looks into {subject.kind.value} (toString() makes text)")
    inside, word = ("in", "or") if condition == "CONTAINS" else ("not in", "and")
    parts = tuple(f"{value.text} {inside} {subject.tight}" for value in values)
    return Python(f" {word} ".join(parts), Kind.TRUTH, word=word, parts=parts if len(parts) > 1 else ())


def _joined(steps: Sequence[Step], rules: Sequence[Function], place: Place) -> Function:
    """One function for all rules: rules joined by AND form a group, and one group that passes is enough."""
    name = place.fresh(f"{place.prefix}_accepts")
    needs = tuple(sorted({need for rule in rules for need in rule.needs}))
    said = docstring(f"The filter of {place.connector}.", INDENT)
    strange = next((step for step in steps[1:] if step.operator not in ("AND", "OR", "")), None)
    if strange is not None:
        why = f"its operator {strange.operator!a} is not known"
        return Function(name, needs, (said, *place.untranslated(place.label("rule", strange), why, strange.operator)))
    groups: list[list[Function]] = [[rules[0]]]
    for step, rule in zip(steps[1:], rules[1:], strict=True):
        if step.operator == "OR":
            groups.append([rule])
        else:
            groups[-1].append(rule)
    return Function(name, needs, (said, *_judging(groups)))


def _judging(groups: Sequence[Sequence[Function]]) -> list[str]:
    if all(len(group) == 1 for group in groups):
        return returned(_chain("or", [group[0] for group in groups]), INDENT)
    lines: list[str] = []
    for group in groups[:-1]:
        lines += [*chosen(_chain("and", group), INDENT), f"{' ' * (INDENT * 2)}return True"]
    return [*lines, *returned(_chain("and", groups[-1]), INDENT)]


def _chain(word: str, rules: Sequence[Function]) -> Python:
    calls = tuple(rule.called for rule in rules)
    return Python(f" {word} ".join(calls), Kind.TRUTH, word=word, parts=calls if len(calls) > 1 else ())


def is_needed(transformer: Transformer) -> bool:
    """Whether a transformer does anything."""
    return bool(transformer.steps or transformer.outbound_template)
