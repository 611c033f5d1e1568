"""What a picture shows of a graph: a box for every part, in columns, and links from one column to the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from messagefoundry.cli.edges import edges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from messagefoundry.wiring.graph import Graph, Inbound, Outbound, Place

COLUMNS = ("inbound", "router", "handler", "outbound")
HEADINGS = ("Inbounds", "Routers", "Handlers", "Outbounds")

LAST = len(COLUMNS) - 1

Key = tuple[int, str]
"""A part: its column and its name."""

Links = list[tuple[Key, Key]]


@dataclass(frozen=True, slots=True)
class Box:
    """One part of a graph. `marks` stand out; `place` is where it was written.

    An `onward` one stands for an inbound to which Handlers send, among the outbounds.
    """

    key: Key
    endpoint: str = ""
    marks: tuple[str, ...] = ()
    place: str = ""
    onward: bool = False

    @property
    def name(self) -> str:
        """What it is called."""
        return self.key[1]


def boxes(graph: Graph) -> list[list[Box]]:
    """The boxes of each column, in the order in which they were declared."""
    return [
        [_connection(0, each, _reply_of(each)) for each in graph.inbounds.values()],
        [Box((1, each.name), place=_where(each.place)) for each in graph.routers.values()],
        [Box((2, each.name), place=_where(each.place)) for each in graph.handlers.values()],
        [
            *(_connection(3, each, _said_of(each)) for each in graph.outbounds.values()),
            *(_onward(name) for name in graph.destinations if name in graph.inbounds),
        ],
    ]


def heading(column: Sequence[Box], name: str) -> str:
    """What stands above a column: its name, and how many there are."""
    onward = sum(box.onward for box in column)
    return f"{name} {len(column) - onward}" + (f", passing on {onward}" if onward else "")


def _onward(name: str) -> Box:
    return Box((LAST, name), "goes on as an inbound", onward=True)


def links(graph: Graph) -> Links:
    """What leads from a column to the next."""
    return list(dict.fromkeys(_links(graph)))


def _links(graph: Graph) -> Iterator[tuple[Key, Key]]:
    for edge in edges(graph):
        source, _, target = edge.kind.partition("-")
        if source != "outbound":  # what leads back is said in words
            column = LAST if source == "handler" else COLUMNS.index(target)
            yield (COLUMNS.index(source), edge.source), (column, edge.target)


def _said_of(outbound: Outbound) -> tuple[str, ...]:
    target = outbound.settings.reply_target()
    replies = () if target is None else (f"its replies go to {target}",)
    return ("simulated", *replies) if outbound.simulate else replies


def _reply_of(inbound: Inbound) -> tuple[str, ...]:
    """What leads back is said in words: a line across the picture would say less."""
    replier = inbound.settings.reply_source()
    return () if replier is None else (f"answers with the reply of {replier}",)


def _connection(column: int, each: Inbound | Outbound, marks: tuple[str, ...]) -> Box:
    if not each.deployed:
        marks = (*marks, "not deployed")
    elif not each.auto_start:
        marks = (*marks, "started by hand")
    if each.deployed and each.schedule is not None:
        marks = (*marks, "scheduled")
    if each.flagged:
        marks = (*marks, "flagged")
    return Box((column, each.name), f"{each.connector.name} {each.endpoint()}".rstrip(), marks, _where(each.place))


def _where(place: Place) -> str:
    """File and line without the folders, which differ from machine to machine."""
    return f"{PurePath(place.file).name}:{place.line}" if place.file else ""
