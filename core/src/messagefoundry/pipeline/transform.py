"""Router and Handlers over one message: the pure core that the live engine and `dryrun` both call."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.units import Failed, Outgoing, Routing
from messagefoundry.message import Message
from messagefoundry.pipeline.watchdog import Run
from messagefoundry.wiring.untranslated import NotTranslated
from messagefoundry.wiring.values import Send

if TYPE_CHECKING:
    from messagefoundry.contracts.codecs import AnyMessage
    from messagefoundry.contracts.units import WaitingMessage
    from messagefoundry.wiring.graph import Graph, Handler, Inbound


@dataclass(slots=True)
class Outcome:
    """What became of one message: the dispositions' truth table in semantics.md.

    `ran` names the Handlers that ran, `declined` those whose `accepts=` said no.
    """

    routing: Routing
    outgoing: list[Outgoing] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)

    @property
    def detail(self) -> str:
        """A short line for the trail."""
        senders = {item.handler for item in self.outgoing} | {item.handler for item in self.failed}
        named = [name if name in senders else f"{name} (nothing sent)" for name in self.ran]
        handlers = ", ".join(named) or "no handler"
        return f"{handlers} (declined: {', '.join(self.declined)})" if self.declined else handlers


class AuthorError(Exception):
    """What an author's function gave cannot be used. `sentence` is safe to show; the text may hold a field's value."""

    def __init__(self, sentence: str, text: str = "") -> None:
        self.sentence = sentence
        super().__init__(text)


class NotDeclaredError(AuthorError):
    """A name that the configuration does not declare. Authors may make it from a field, so it is told apart."""

    def __init__(self, sentence: str, name: str) -> None:
        super().__init__(sentence, f"the name is {name}")


class WrongReturnError(AuthorError):
    """A Router or Handler returned something that says nothing about where messages go."""

    def __init__(self, returned: object, wanted: str) -> None:
        kind = type(returned).__name__
        super().__init__(f"it returned {'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}: {wanted}")


def describe_failure(error: BaseException, where: str) -> str:
    """An author's error in two parts: a first line that is safe to show anywhere, then its own text.

    The first line names the class and the place in the author's code, and the step of a NotTranslated; the text may
    quote a message, so it is kept sealed in the store and shown only to those who ask.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_OWN)]
    place = f" at {os.path.basename(own[-1].filename)}:{own[-1].lineno}" if own else ""
    text = own_text(error)
    said = f": {error.sentence}" if isinstance(error, AuthorError) else ""
    said = f": {text}" if isinstance(error, NotTranslated) else said
    return f"{type(error).__name__}{place} in {where}{said}" + (f"\n{text}" if text else "")


def own_text(error: BaseException) -> str:
    """What an error says of itself, which an author may have written badly; at most 2000 characters."""
    try:
        return str(error)[:2000]
    except Exception:  # noqa: BLE001 - an author's __str__ may raise anything
        return ""


_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def transform(graph: Graph, inbound: Inbound, raw: bytes, encoding: str) -> Outcome:
    """Run the Router of `inbound` and every Handler that it names. Never raises, whatever the author's code does."""
    try:
        message = inbound.codec.parse(raw, encoding=encoding)
        with Run("Router", inbound.router, inbound.name):
            names = handler_names(graph.routers[inbound.router].function(message))
    except BaseException as error:  # noqa: ASYNC103, BLE001 - a Router may raise anything; the message dies at ingress
        failed = Failed("ingress", "", describe_failure(error, f"router {inbound.router}"))
        return Outcome("UNROUTED", failed=[failed])  # noqa: ASYNC104 - a plain function in a worker thread
    if not names:
        return Outcome("UNROUTED")
    outcome = Outcome("FILTERED")
    for name in names:
        run_handler(graph, inbound, name, message, outcome)
    return outcome


def transform_one(graph: Graph, inbound: Inbound, handler: str, raw: bytes, encoding: str) -> Outcome:
    """Run one Handler alone, as the replay of its dead `routed` row does."""
    outcome = Outcome("FILTERED")
    try:
        message = inbound.codec.parse(raw, encoding=encoding)
    except BaseException as error:  # noqa: ASYNC103, BLE001 - as above
        outcome.failed.append(Failed("routed", handler, describe_failure(error, f"handler {handler}")))
        return outcome  # noqa: ASYNC104 - as above
    run_handler(graph, inbound, handler, message, outcome)
    return outcome


def handler_names(returned: Any) -> list[str]:
    """What a Router returned, as a list: a name, several, or None."""
    if returned is None:
        return []
    if isinstance(returned, str):
        return [returned]
    names = listed(returned, "return the name of a Handler, a list of names, or None")
    for name in names:
        if not isinstance(name, str):
            raise WrongReturnError(name, "the list holds names of Handlers")
    return list(dict.fromkeys(names))


def listed(returned: Any, wanted: str) -> list[Any]:
    """What was returned as a list: of a collection or a generator, nothing else. Raises WrongReturnError."""
    if not isinstance(returned, list | tuple | set | frozenset | Iterator):
        raise WrongReturnError(returned, wanted)
    return list(returned)


def run_handler(graph: Graph, inbound: Inbound, name: str, message: AnyMessage, outcome: Outcome) -> None:
    """Run one Handler on a copy of its own and add what it decided; all of its Sends count, or none."""
    try:
        handler = handler_named(graph, name)
        with Run("Handler", name, inbound.name):
            sends = decisions(handler, message)
        outgoing = [outgoing_of(graph, name, send, inbound.content_type) for send in sends or ()]
    except BaseException as error:  # noqa: ASYNC103, BLE001 - a Handler may raise anything; its row keeps it
        declared = name in graph.handlers
        outcome.ran += [name] * declared
        where = f"handler {name}" if declared else "the Router's choice"
        outcome.failed.append(Failed("routed", name, describe_failure(error, where)))
        return  # noqa: ASYNC104 - as above
    if sends is None:
        outcome.declined.append(name)
        return
    outcome.ran.append(name)
    outcome.outgoing += outgoing
    if outgoing:
        outcome.routing = "PROCESSED"


def handler_named(graph: Graph, name: str) -> Handler:
    """The Handler of this name. Raises NotDeclaredError."""
    if name not in graph.handlers:
        raise NotDeclaredError("no Handler of that name is declared", name)
    return graph.handlers[name]


def decisions(handler: Handler, message: AnyMessage) -> list[Send] | None:
    """The Sends of a Handler in the order returned; None when `accepts=` declined the message."""
    own = message.copy()
    if handler.accepts is not None and not handler.accepts(own):
        return None
    returned = handler.function(own)
    if returned is None:
        return []
    if isinstance(returned, Send):
        return [returned]
    sends = listed(returned, "return Send(...), a list of Sends, or None")
    for send in sends:
        if not isinstance(send, Send):
            raise WrongReturnError(send, "the list holds Sends")
    return sends


def outgoing_of(graph: Graph, handler: str, send: Send, content_type: str) -> Outgoing:
    """A Send as a lane's payload; what is no HL7 message goes out as the `content_type` that its inbound has.

    Raises NotDeclaredError, and whatever encoding what the author sends may raise.
    """
    outbound = graph.outbounds.get(send.to)
    if outbound is None:
        raise NotDeclaredError("a Send names an outbound Connection that is not declared", send.to)
    payload = payload_of(send.message, outbound.settings.output_encoding())
    kind = "hl7v2" if isinstance(send.message, Message) else content_type
    return Outgoing(send.to, handler, payload, kind, outbound.simulate)


def payload_of(message: AnyMessage | str | bytes, encoding: str | None) -> bytes:
    """The bytes of what was sent; text goes out in `encoding`, else in UTF-8."""
    if isinstance(message, bytes):
        return message
    if isinstance(message, str):
        return message.encode(encoding or "utf-8")
    return message.encode_bytes(encoding)


def dead(message: WaitingMessage, error: str) -> Outcome:
    """The outcome of a message that cannot be run, dead at the stage that it was in."""
    if message.routed_id is not None:
        return Outcome("FILTERED", failed=[Failed("routed", message.handler, error)])
    return Outcome("UNROUTED", failed=[Failed("ingress", "", error)])
