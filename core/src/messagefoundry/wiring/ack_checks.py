"""Whether a Connection can wait for deliveries before it acknowledges, and does not wait for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.wiring.graph import Inbound
from messagefoundry.wiring.literals import returned, sent_to
from messagefoundry.wiring.values import AckAfter, AckMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from messagefoundry.contracts.settings import ConnectorSettings
    from messagefoundry.wiring.graph import Graph, Outbound
    from messagefoundry.wiring.recording import Recording

HERE = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0", "::"})

Finding = tuple[str, str, str]
"""What is wrong, its mend, and the option that it is about."""


def waiting(options: Mapping[str, Any], content_type: str, settings: ConnectorSettings | None) -> Iterator[Finding]:
    """What is wrong with waiting for deliveries as these options of an inbound say."""
    if options.get("ack_after") is not AckAfter.DELIVERED:
        for option in ("ack_deadline_seconds", "ack_on_deadline"):
            if option in options:
                yield f"option {option!r} is for ack_after='delivered'", "add it, or leave this out", option
        return
    if "ack_deadline_seconds" not in options:
        yield (
            "option 'ack_after' needs a deadline: a sender must not wait for ever",
            "add ack_deadline_seconds=..., less than the sender waits for its acknowledgment",
            "ack_after",
        )
    if options.get("ack_mode") is AckMode.NONE or content_type != "hl7v2":
        yield "option 'ack_after' is for senders that are acknowledged", "leave it out", "ack_after"
    elif settings is not None and settings.listens_on() is None:
        yield "option 'ack_after' is for Connections that listen on a port", "leave it out", "ack_after"
    elif settings is not None and settings.reply_source() is not None:
        yield (
            "option 'ack_after' does not go with reply_from, which waits already",
            "leave one of them out",
            "ack_after",
        )


def check_circles(graph: Graph, record: Recording) -> None:
    """Put down every inbound that waits for a delivery to itself: neither would ever be answered in time.

    Seen are the names that stand as text in Routers and Handlers, and outbounds that send to a port of this engine.
    """
    for inbound in graph.inbounds.values():
        circle = _circle(graph, inbound, [inbound.name]) if waits(inbound) else None
        if circle is not None:
            text = f"waits for its own acknowledgment: {' -> '.join(circle)}"
            record.problem(inbound.place, inbound.name, text, "let one of them acknowledge on receipt")


def _circle(graph: Graph, inbound: Inbound, path: list[str]) -> list[str] | None:
    """The way from the first of `path` through `inbound` back to it, if there is one."""
    for names, target in _reached(graph, inbound):
        if target.name == path[0]:
            return [*path, *names, target.name]
        if target.name not in path and (found := _circle(graph, target, [*path, *names, target.name])):
            return found
    return None


def _reached(graph: Graph, inbound: Inbound) -> Iterator[tuple[Sequence[str], Inbound]]:
    """The inbounds whose answers, or whose deliveries, a message of this one is waited for, and by way of what."""
    for name in sends_of(graph, inbound):
        target = graph.destinations.get(name)
        if isinstance(target, Inbound):
            yield (), target
        elif target is not None:
            yield from (((name,), each) for each in graph.inbounds.values() if waits(each) and _leads(target, each))


def sends_of(graph: Graph, inbound: Inbound) -> Iterator[str]:
    """The names to which the Handlers of an inbound send, as far as they stand as text."""
    router = graph.routers.get(inbound.router)
    for handler in () if router is None else returned(router.function):
        if handler.name in graph.handlers:
            yield from (written.name for written in sent_to(graph.handlers[handler.name].function))


def waits(inbound: Inbound) -> bool:
    """Whether an inbound acknowledges after the delivery."""
    return inbound.ack_after is AckAfter.DELIVERED and inbound.deployed


def _leads(outbound: Outbound, inbound: Inbound) -> bool:
    host, port = getattr(outbound.settings, "host", None), getattr(outbound.settings, "port", None)
    return port is not None and port == inbound.settings.listens_on() and (host in HERE or host == inbound.bind_host)
