"""What a Handler decided, made ready for the hand-off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from messagefoundry.contracts.errors import Refused
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.units import Outgoing, Receive, StateWrite
from messagefoundry.message import Message
from messagefoundry.pipeline.author_errors import AuthorError, NotDeclaredError
from messagefoundry.pipeline.committer import now
from messagefoundry.wiring.doubts import ONLY_PASS_THROUGH
from messagefoundry.wiring.keeping import SetMeta, SetState
from messagefoundry.wiring.literals import names_in, sent_to
from messagefoundry.wiring.values import Send

if TYPE_CHECKING:
    from collections.abc import Iterable

    from messagefoundry.contracts.codecs import AnyMessage
    from messagefoundry.pipeline.transform import Outcome
    from messagefoundry.wiring.graph import Graph, Inbound, Outbound
    from messagefoundry.wiring.running import Running

Decision = Send | SetState | SetMeta
DECISIONS = (Send, SetState, SetMeta)


class Taken:
    """What one Handler decided, made ready for the hand-off. `all` raises what a Send that cannot be made raises."""

    __slots__ = ("_graph", "_handler", "_inbound", "_running", "meta", "outgoing", "passed", "states")

    def __init__(self, graph: Graph, inbound: Inbound, handler: str, running: Running) -> None:
        self._graph = graph
        self._inbound = inbound
        self._handler = handler
        self._running = running
        self.outgoing: list[Outgoing] = []
        self.passed: list[Receive] = []
        self.states: list[StateWrite] = []
        self.meta: dict[str, str] = {}

    def all(self, decided: Iterable[Decision]) -> Self:
        """Take every decision."""
        for each in decided:
            if isinstance(each, SetState):
                self.states.append(StateWrite(each.namespace, each.key, each.text))
            elif isinstance(each, SetMeta):
                self.meta[each.key] = each.value
            elif (outbound := self._graph.outbounds.get(each.to)) is not None:
                self.outgoing.append(outgoing_of(outbound, self._handler, each, self._inbound, self._running))
            else:
                target = pass_through_of(self._graph, self._handler, each.to)
                self.passed.append(passed_to(self._graph, target, each, self._inbound, self._running))
        return self

    def add_to(self, outcome: Outcome) -> None:
        """Add it to what the message's other Handlers decided, and show them what was written."""
        outcome.outgoing += self.outgoing
        if self.passed or self.states or self.meta:
            outcome.passed += self.passed
            outcome.states += self.states
            outcome.meta |= self.meta
            for write in self.states:
                self._running.written[write.namespace, write.key] = write.value
        elif not self.outgoing:
            outcome.silent.append(self._handler)
            return
        outcome.routing = "PROCESSED"


def outgoing_of(outbound: Outbound, handler: str, send: Send, inbound: Inbound, running: Running) -> Outgoing:
    """A Send as a lane's payload; what is no HL7 message goes out as the content type that its inbound has.

    Raises whatever encoding what the author sends may raise.
    """
    payload = payload_of(send.message, outbound.settings.output_encoding())
    kind = "hl7v2" if isinstance(send.message, Message) else inbound.content_type
    return Outgoing(send.to, handler, payload, kind, outbound.simulate, running.depth)


def pass_through_of(graph: Graph, handler: str, name: str) -> Inbound:
    """The inbound of this name that takes what a Handler sends.

    Raises NotDeclaredError, whose sentence has the name when it stands as text in the Handler's code.
    """
    target = graph.inbounds.get(name)
    if target is not None and target.settings.fed_by == "sends":
        return target
    shown = name in names_in(sent_to, graph.handlers[handler].function)
    said = f" {name!r}," if shown else ""
    if target is not None:
        raise NotDeclaredError(f"a Send names{said} an inbound Connection: {ONLY_PASS_THROUGH}", name)
    mend = did_you_mean(name, graph.destinations) if shown else ""
    text = f"a Send names{said} an outbound Connection that is not declared"
    raise NotDeclaredError(f"{text} ({mend})" if mend else text, name)


def passed_to(graph: Graph, target: Inbound, send: Send, inbound: Inbound, running: Running) -> Receive:
    """A Send to an inbound of this engine, as the message that it receives.

    Raises AuthorError when that inbound would refuse it, or after too many hops.
    """
    return internal_message(
        graph,
        target,
        payload_of(send.message, target.settings.output_encoding()),
        encoding_of(send.message, inbound),
        parent_id=running.message_id,
        depth=running.depth + 1,
        peer=inbound.name,
    )


def internal_message(
    graph: Graph, target: Inbound, raw: bytes, encoding: str, *, parent_id: int, depth: int, peer: str
) -> Receive:
    """What an inbound of this engine receives from the engine itself. Raises AuthorError when it cannot.

    `encoding` is the character set of `raw` when it names none and the inbound has none of its own.
    """
    if depth > graph.max_correlation_depth:
        raise AuthorError(
            f"it would go on to {target.name}, and has come through {graph.max_correlation_depth} inbounds of this "
            "engine already: break the circle, or raise [pipeline] max_correlation_depth"
        )
    try:
        summary = target.codec.summarize(raw, encoding=target.settings.output_encoding() or encoding)
    except Refused as refused:
        raise AuthorError(f"{target.name} does not take it: {refused}") from None
    return Receive(
        target.name,
        raw,
        target.content_type,
        summary.encoding,
        summary.control_id,
        summary.message_type,
        peer,
        now(),
        parent_id=parent_id,
        depth=depth,
    )


def encoding_of(message: AnyMessage | str | bytes, inbound: Inbound) -> str:
    """The character set of what was sent as it is; bytes are as `inbound` has them."""
    if isinstance(message, str):
        return "utf-8"
    return getattr(message, "charset", "") or inbound.settings.text_encoding()


def payload_of(message: AnyMessage | str | bytes, encoding: str | None) -> bytes:
    """The bytes of what was sent; text goes out in `encoding`, else in UTF-8."""
    if isinstance(message, bytes):
        return message
    if isinstance(message, str):
        return message.encode(encoding or "utf-8")
    return message.encode_bytes(encoding)
