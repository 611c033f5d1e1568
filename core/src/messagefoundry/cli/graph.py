"""`messagefoundry graph`: show what a configuration wires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.edges import Edge, edges
from messagefoundry.cli.failures import WrongCall, say
from messagefoundry.cli.output import on_terminal, show_json
from messagefoundry.cli.validate import problem_as_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from messagefoundry.wiring.graph import Graph, Inbound, Outbound


@click.command("graph")
@options.configuration
@click.option("--mermaid", is_flag=True, help="Print a Mermaid flowchart, for Markdown pages.")
@click.option("--svg", metavar="FILE", type=options.FILE, help="Draw a picture into FILE, for browsers and documents.")
@options.as_json
def command(mermaid: bool, svg: Path | None, as_json: bool, **call: Any) -> None:
    """Show the way of messages: inbound, Router, Handlers, outbounds.

    Handlers and outbounds are the ones that a function's own code names; `dryrun` shows what a message really does.
    """
    graph = Configured(Call(**call)).graph_for_reading()
    if svg is not None:
        draw(graph, svg)
    if as_json:
        show_json(facts(graph))
    elif mermaid:
        click.echo("\n".join(flowchart(graph)))
    elif svg is not None:
        click.echo(f"wrote {svg}")
    else:
        show(graph)
    for warning in graph.warnings:
        say(f"warning: {warning}")


def draw(graph: Graph, file: Path) -> None:
    """Write the picture. Raises WrongCall when the file cannot be written."""
    from messagefoundry.cli.graph_picture import picture

    try:
        file.write_text(picture(graph), "utf-8")
    except OSError as error:
        raise WrongCall(f"{file}: cannot be written: {error.strerror}") from error


def facts(graph: Graph) -> dict[str, Any]:
    """The graph for programs."""
    return {
        "environment": graph.environment,
        "inbounds": [
            {
                "name": each.name,
                "connector": each.connector.name,
                "endpoint": each.endpoint(),
                "router": each.router,
                "content_type": each.content_type,
                **marked(each),
                "place": str(each.place),
            }
            for each in graph.inbounds.values()
        ],
        "outbounds": [
            {
                "name": each.name,
                "connector": each.connector.name,
                "endpoint": each.endpoint(),
                "ordering": str(each.ordering),
                "simulate": each.simulate,
                **marked(each),
                "place": str(each.place),
            }
            for each in graph.outbounds.values()
        ],
        "routers": [{"name": each.name, "place": str(each.place)} for each in graph.routers.values()],
        "handlers": [{"name": each.name, "place": str(each.place)} for each in graph.handlers.values()],
        "warnings": [problem_as_json(each) for each in graph.warnings],
        "edges": [{"kind": each.kind, "from": each.source, "to": each.target} for each in edges(graph)],
    }


def marked(each: Inbound | Outbound) -> dict[str, Any]:
    """What a Connection's declaration says of when it runs and how it is shown."""
    return {
        "deployed": each.deployed,
        "auto_start": each.auto_start,
        "scheduled": each.schedule is not None,
        "flagged": each.flagged,
    }


def marks(each: Inbound | Outbound) -> str:
    """The same, as far as it is out of the ordinary, for people."""
    told = (
        ("[FLAGGED]", each.flagged),
        ("not deployed", not each.deployed),
        ("started by hand", each.deployed and not each.auto_start),
        ("scheduled", each.deployed and each.schedule is not None),
    )
    return "".join(f"  {mark}" for mark, holds in told if holds)


# -- a tree for people -----------------------------------------------------------------------------------------------

Branch = tuple[str, "list[Branch]"]


def branches(graph: Graph) -> list[Branch]:
    """One tree an inbound, and one of what no inbound leads to."""
    found = edges(graph)
    trees: list[Branch] = []
    for inbound in graph.inbounds.values():
        text = f"{inbound.name}  {inbound.connector.name} {inbound.endpoint()}{marks(inbound)}"
        trees.append((text, [_router(graph, inbound.router, found)]))
    named = {edge.target for edge in found}
    alone = [*(name for name in graph.handlers if name not in named), *(n for n in graph.outbounds if n not in named)]
    if alone:
        trees.append(("named by no Router or Handler's own code", [(name, []) for name in alone]))
    return trees


def _router(graph: Graph, name: str, found: Sequence[Edge]) -> Branch:
    handlers = [edge.target for edge in found if edge.kind == "router-handler" and edge.source == name]
    return f"Router {name}", [_handler(graph, each, found) for each in handlers]


def _handler(graph: Graph, name: str, found: Sequence[Edge]) -> Branch:
    targets = [edge.target for edge in found if edge.kind.startswith("handler-") and edge.source == name]
    accepts = "  (accepts=)" if graph.handlers[name].accepts is not None else ""
    return f"Handler {name}{accepts}", [_target(graph, each) for each in targets]


def _target(graph: Graph, name: str) -> Branch:
    """Where a Handler sends: what goes on from an inbound of this engine is in that inbound's own tree."""
    if name not in graph.outbounds:
        return f"{name}  passes on to this inbound", []
    outbound = graph.outbounds[name]
    target = outbound.settings.reply_target()
    return described(outbound), [] if target is None else [(f"{target}  gets the replies", [])]


def described(outbound: Outbound) -> str:
    """An outbound in one line."""
    simulated = "  [SIMULATED]" if outbound.simulate else ""
    unordered = "  unordered" if outbound.ordering == "unordered" else ""
    where = f"{outbound.connector.name} {outbound.endpoint()}"
    return f"{outbound.name}  {where}{simulated}{marks(outbound)}{unordered}"


def show(graph: Graph) -> None:
    """Draw the trees; without a terminal indented lines."""
    trees = branches(graph)
    if not on_terminal():
        for tree in trees:
            click.echo("\n".join(_indented(tree, 0)))
        return
    from rich.console import Console
    from rich.tree import Tree

    def draw(branch: Branch, onto: Tree) -> None:
        for each in branch[1]:
            draw(each, onto.add(each[0], highlight=False))

    for tree in trees:
        drawn = Tree(tree[0], highlight=False, style="bold")
        draw(tree, drawn)
        Console(markup=False).print(drawn)


def _indented(branch: Branch, depth: int) -> Iterator[str]:
    yield "  " * depth + branch[0]
    for each in branch[1]:
        yield from _indented(each, depth + 1)


# -- Mermaid ---------------------------------------------------------------------------------------------------------


SPECIAL = frozenset('"#[](){}<>|`;')


def flowchart(graph: Graph) -> Iterator[str]:
    """The lines of a Mermaid flowchart, left to right."""
    yield "flowchart LR"
    keys: dict[tuple[str, str], str] = {}
    for kind, name, text in _nodes(graph):
        key = keys[kind, name] = f"{kind}{len(keys) + 1}"
        yield f"    {key}{text}"
    for edge in edges(graph):
        source, _, target = edge.kind.partition("-")
        yield f"    {keys[source, edge.source]} --> {keys[target, edge.target]}"


def _nodes(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """Kind, name and Mermaid's text of every part."""
    for each in graph.inbounds.values():
        text = f"{_plain(each.name)}<br/>{_plain(f'{each.connector.name} {each.endpoint()}')}"
        yield "inbound", each.name, f'(["{text}"])'
    for name in graph.routers:
        yield "router", name, f'{{"{_plain(name)}"}}'
    for name in graph.handlers:
        yield "handler", name, f'["{_plain(name)}"]'
    for outbound in graph.outbounds.values():
        text = f"{_plain(outbound.name)}<br/>{_plain(f'{outbound.connector.name} {outbound.endpoint()}')}"
        yield "outbound", outbound.name, f'(["{text}"])'


def _plain(text: str) -> str:
    """Text without what has a meaning to Mermaid."""
    return "".join(f"#{ord(each)};" if each in SPECIAL else each for each in text)
