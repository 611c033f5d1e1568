"""Router and Handlers over one message: the pure core that the live engine and `dryrun` both call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.units import Failed, Outgoing, Receive, Routing, StateWrite
from messagefoundry.pipeline.author_errors import NotDeclaredError, WrongReturnError, describe_failure
from messagefoundry.pipeline.taking import DECISIONS, Decision, Taken
from messagefoundry.pipeline.watchdog import Run
from messagefoundry.wiring.literals import names_in
from messagefoundry.wiring.literals import returned as named_by
from messagefoundry.wiring.running import Running, as_running

if TYPE_CHECKING:
    from messagefoundry.contracts.codecs import AnyMessage
    from messagefoundry.contracts.units import WaitingMessage
    from messagefoundry.wiring.graph import Graph, Handler, Inbound


@dataclass(slots=True)
class Outcome:
    """What became of one message: the dispositions' truth table in semantics.md.

    `ran` names the Handlers that ran, `silent` those of them that decided nothing, `declined` those whose `accepts=`
    said no. `passed` are messages for inbounds of this engine, `states` and `meta` what is to be kept.
    """

    routing: Routing
    outgoing: list[Outgoing] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)
    passed: list[Receive] = field(default_factory=list)
    states: list[StateWrite] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """A short line for the trail."""
        named = [f"{name} (nothing sent)" if name in self.silent else name for name in self.ran]
        handlers = ", ".join(named) or "no handler"
        declined = f" (declined: {', '.join(self.declined)})" if self.declined else ""
        onward = f", passed on to {', '.join(each.inbound for each in self.passed)}" if self.passed else ""
        return f"{handlers}{declined}{onward}"


def transform(graph: Graph, inbound: Inbound, raw: bytes, encoding: str, running: Running | None = None) -> Outcome:
    """Run the Router of `inbound` and every Handler that it names. Never raises, whatever the author's code does.

    `running` is what they may ask for; without it, the message is one that no engine runs.
    """
    running = running or Running()
    with as_running(running):
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
            run_handler(graph, inbound, name, message, outcome, running)
        return outcome


def transform_one(
    graph: Graph, inbound: Inbound, handler: str, raw: bytes, encoding: str, running: Running | None = None
) -> Outcome:
    """Run one Handler alone, as the replay of its dead `routed` row does."""
    outcome, running = Outcome("FILTERED"), running or Running()
    with as_running(running):
        try:
            message = inbound.codec.parse(raw, encoding=encoding)
        except BaseException as error:  # noqa: ASYNC103, BLE001 - as above
            outcome.failed.append(Failed("routed", handler, describe_failure(error, f"handler {handler}")))
            return outcome  # noqa: ASYNC104 - as above
        run_handler(graph, inbound, handler, message, outcome, running)
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


def run_handler(
    graph: Graph, inbound: Inbound, name: str, message: AnyMessage, outcome: Outcome, running: Running
) -> None:
    """Run one Handler on a copy of its own and add what it decided; all of it counts, or nothing."""
    try:
        handler = handler_named(graph, inbound, name)
        with Run("Handler", name, inbound.name):
            decided = decisions(handler, message)
        taken = Taken(graph, inbound, name, running).all(decided or ())
    except BaseException as error:  # noqa: ASYNC103, BLE001 - a Handler may raise anything; its row keeps it
        declared = name in graph.handlers
        outcome.ran += [name] * declared
        where = f"handler {name}" if declared else "the Router's choice"
        outcome.failed.append(Failed("routed", name, describe_failure(error, where)))
        return  # noqa: ASYNC104 - as above
    if decided is None:
        outcome.declined.append(name)
        return
    outcome.ran.append(name)
    taken.add_to(outcome)


def handler_named(graph: Graph, inbound: Inbound, name: str) -> Handler:
    """The Handler of this name.

    Raises NotDeclaredError, whose sentence has the name when it stands as text in the Router's code.
    """
    if name in graph.handlers:
        return graph.handlers[name]
    if name in names_in(named_by, graph.routers[inbound.router].function):
        raise NotDeclaredError(f"no Handler {name!r} is declared", name)
    raise NotDeclaredError("no Handler of that name is declared", name)


def decisions(handler: Handler, message: AnyMessage) -> list[Decision] | None:
    """What a Handler decided, in the order returned; None when `accepts=` declined the message."""
    own = message.copy()
    if handler.accepts is not None and not handler.accepts(own):
        return None
    returned = handler.function(own)
    if returned is None:
        return []
    if isinstance(returned, DECISIONS):
        return [returned]
    decided = listed(returned, "return Send(...), SetState(...) or SetMeta(...), a list of them, or None")
    for each in decided:
        if not isinstance(each, DECISIONS):
            raise WrongReturnError(each, "the list holds Send(...), SetState(...) and SetMeta(...)")
    return decided


def dead(message: WaitingMessage, error: str) -> Outcome:
    """The outcome of a message that cannot be run, dead at the stage that it was in."""
    if message.routed_id is not None:
        return Outcome("FILTERED", failed=[Failed("routed", message.handler, error)])
    return Outcome("UNROUTED", failed=[Failed("ingress", "", error)])
