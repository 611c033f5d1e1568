"""What would become of a message: intake's judgement, then Router and Handlers, as the live engine runs them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from messagefoundry.cli.failures import WrongCall
from messagefoundry.contracts.errors import Refused
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.message import Message, MessageError, diff
from messagefoundry.pipeline.committer import now
from messagefoundry.pipeline.transform import transform
from messagefoundry.strict import Validator
from messagefoundry.wiring.environment import active_environment
from messagefoundry.wiring.reference_direct import DirectReferences
from messagefoundry.wiring.running import Running

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from messagefoundry.cli.sources import Source
    from messagefoundry.contracts.codecs import Summary
    from messagefoundry.contracts.units import Outgoing, Receive
    from messagefoundry.pipeline.transform import Outcome
    from messagefoundry.wiring.graph import Graph, Inbound


REFUSED = "refused on receipt"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a Handler changed; None is a field whose segment is not there. The repr shows the path alone."""

    path: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)

    def shown(self, *, show_phi: bool) -> str:
        """The change in one line; values only when they may be seen."""
        if not show_phi or (self.before is None and self.after is None):
            return self.path
        return f"{self.path}: {_text(self.before)} -> {_text(self.after)}"


def _text(value: str | None) -> str:
    return "(no segment)" if value is None else repr(value)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One Send: to whom, from which Handler, and what differs from the message received.

    What is passed on to an inbound of this engine is one too; from which Handler is not known of it.
    """

    to: str
    handler: str
    size: int
    simulate: bool
    changes: tuple[Change, ...]
    summary: str

    def as_json(self, *, show_phi: bool) -> dict[str, Any]:
        """The delivery for programs."""
        return {
            "to": self.to,
            **({"handler": self.handler} if self.handler else {}),
            "bytes": self.size,
            "simulate": self.simulate,
            "changes": [_change_as_json(change, show_phi=show_phi) for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """What would be kept: a value of transform state in a namespace, or with no namespace a label of the message."""

    namespace: str
    key: str = field(repr=False)
    value: str = field(repr=False)

    def shown(self, *, show_phi: bool) -> str:
        """What is kept, in one line; keys of state and values only when they may be seen."""
        if not self.namespace:
            return f"labels {self.key}" + (f" = {self.value}" if show_phi else "")
        return f"keeps {self.namespace}" + (f"[{self.key!r}] = {self.value}" if show_phi else "")

    def as_json(self, *, show_phi: bool) -> dict[str, str]:
        """The same for programs."""
        named = {"namespace": self.namespace} if self.namespace else {"label": self.key}
        return named | ({"key": self.key, "value": self.value} if show_phi else {})


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One message and its outcome. The first line of an error is safe to show anywhere, the others may quote.

    `silent` names the Handlers that ran to their end and decided nothing. `passed` is what goes on to inbounds of this
    engine: each is rehearsed next, as a message that is `onward`.
    """

    label: str
    inbound: str
    control_id: str
    message_type: str
    disposition: str
    ran: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    errors: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    passed: tuple[Delivery, ...] = ()
    kept: tuple[Kept, ...] = ()
    onward: bool = False

    def as_json(self, *, show_phi: bool) -> dict[str, Any]:
        """The outcome for programs."""
        return {
            "source": self.label,
            "inbound": self.inbound,
            "control_id": self.control_id,
            "message_type": self.message_type,
            "disposition": self.disposition,
            "handlers": list(self.ran),
            "declined": list(self.declined),
            "onward": self.onward,
            "passed": [each.as_json(show_phi=show_phi) for each in self.passed],
            "kept": [each.as_json(show_phi=show_phi) for each in self.kept],
            "errors": [error if show_phi else error.partition("\n")[0] for error in self.errors],
            "deliveries": [each.as_json(show_phi=show_phi) for each in self.deliveries],
        }


def _change_as_json(change: Change, *, show_phi: bool) -> dict[str, Any]:
    values = {"before": change.before, "after": change.after} if show_phi else {}
    return {"path": change.path, **values}


def rehearsals(graph: Graph, messages: Iterable[Source], inbound: str | None = None) -> Iterator[Rehearsed]:
    """Run each message as received by the inbounds that it is meant for. Raises WrongCall for an unknown inbound."""
    if inbound is not None and inbound not in graph.inbounds:
        raise WrongCall(f"there is no inbound {inbound!r}: {did_you_mean(inbound, graph.inbounds)}".rstrip(": "))
    services = DirectReferences(graph)
    for source in messages:
        for each in [graph.inbounds[inbound]] if inbound else receivers(graph, source):
            with active_environment(graph.environment):
                outcomes = list(followed(graph, each, source, Running(now(), services=services)))
            yield from outcomes


def receivers(graph: Graph, source: Source) -> list[Inbound]:
    """The inbounds that a file is meant for: the one named in its path, the only one, or all that take HL7 v2."""
    inbounds = list(graph.inbounds.values())
    parts = [part.casefold() for part in source.path.parts]
    named = [each for each in inbounds if any(part.startswith(each.name.casefold()) for part in parts)]
    if named:
        return [max(named, key=lambda each: len(each.name))]
    return inbounds if len(inbounds) == 1 else [each for each in inbounds if each.content_type == "hl7v2"]


def judged(inbound: Inbound, raw: bytes) -> tuple[Summary | None, str]:
    """What intake reads of a message, and why it would refuse it: "" when it would not."""
    try:
        summary = inbound.codec.summarize(raw, encoding=inbound.settings.text_encoding())
    except Refused as refused:
        return refused.summary, str(refused)
    if inbound.max_message_bytes is not None and len(raw) > inbound.max_message_bytes:
        return summary, f"longer than max_message_bytes ({inbound.max_message_bytes})"
    if inbound.strict:
        report = Validator(inbound.hl7_version).validate(Message(raw, encoding=summary.encoding))
        return summary, report.summary if report.faults else ""
    return summary, ""


def followed(graph: Graph, inbound: Inbound, source: Source, running: Running) -> Iterator[Rehearsed]:
    """Judge one message as intake does, run Router and Handlers over it, and follow what passes to other inbounds."""
    raw = source.raw
    summary, why = judged(inbound, raw)
    if why or summary is None:
        yield _refused(inbound, source, summary, why)
        return
    outcome = transform(graph, inbound, raw, summary.encoding, running)
    yield _rehearsed(inbound, source, summary, outcome)
    for each in outcome.passed:
        onward = replace(source, label=f"{source.label} -> {each.inbound}", raw=each.raw)
        inbound = graph.inbounds[each.inbound]
        for outcome_there in followed(graph, inbound, onward, replace(running, depth=each.depth)):
            yield replace(outcome_there, onward=True)


def _rehearsed(inbound: Inbound, source: Source, summary: Summary, outcome: Outcome) -> Rehearsed:
    raw = source.raw
    return Rehearsed(
        source.label,
        inbound.name,
        summary.control_id,
        summary.message_type,
        "ERROR" if outcome.failed else outcome.routing,
        tuple(outcome.ran),
        tuple(outcome.declined),
        tuple(_sent(raw, summary.encoding, each) for each in outcome.outgoing),
        tuple(failed.error for failed in outcome.failed),
        tuple(outcome.silent),
        tuple(_passed(raw, summary.encoding, each) for each in outcome.passed),
        (
            *(Kept(write.namespace, write.key, write.value) for write in outcome.states),
            *(Kept("", key, value) for key, value in outcome.meta.items()),
        ),
    )


def _refused(inbound: Inbound, source: Source, summary: Summary | None, why: str) -> Rehearsed:
    control_id, message_type = (summary.control_id, summary.message_type) if summary is not None else ("", "")
    return Rehearsed(source.label, inbound.name, control_id, message_type, "ERROR", errors=(f"{REFUSED}: {why}",))


def _sent(raw: bytes, encoding: str, each: Outgoing) -> Delivery:
    said = _difference(raw, encoding, each.payload, encoding)
    return Delivery(each.lane, each.handler, len(each.payload), each.simulate, *said)


def _passed(raw: bytes, encoding: str, each: Receive) -> Delivery:
    return Delivery(each.inbound, "", len(each.raw), False, *_difference(raw, encoding, each.raw, each.encoding))


def _difference(raw: bytes, encoding: str, payload: bytes, as_sent: str) -> tuple[tuple[Change, ...], str]:
    """The fields that differ, and in words how much of the message does."""
    if payload == raw:
        return (), "as received, to the byte"
    changes = _changes(raw, encoding, payload, as_sent)
    if changes is None:
        return (), f"another content ({len(payload)} bytes)"
    fields = f"{len(changes)} {'field differs' if len(changes) == 1 else 'fields differ'}"
    return changes, fields if changes else "same fields"


def _changes(raw: bytes, encoding: str, payload: bytes, as_sent: str) -> tuple[Change, ...] | None:
    """Field by field, None when one of the two is no HL7 v2."""
    try:
        found = diff(Message(raw, encoding=encoding), Message(payload, encoding=as_sent))
    except (MessageError, UnicodeError):
        return None
    return tuple(Change(change.path, change.before, change.after) for change in found)
