"""`messagefoundry impact`: who refers to one part of a configuration, and what a change to it may reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from messagefoundry.cli import options
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import WrongCall
from messagefoundry.cli.output import show_json, show_table, styled
from messagefoundry.cli.referrers import Kind, Link, Part, doubts, downstream, links, upstream
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.codesets import CodeSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from messagefoundry.wiring.graph import Graph

WORDS = {
    "inbound": "inbound",
    "outbound": "outbound",
    "router": "Router",
    "handler": "Handler",
    "codeset": "code set",
    "reference": "reference set",
    "module": "module",
}


@click.command("impact")
@click.argument("kind", type=click.Choice(["connection", "router", "handler", "codeset", "reference"]))
@click.argument("name")
@options.configuration
@options.as_json
def command(kind: str, name: str, as_json: bool, **call: Any) -> None:
    """Say who refers to NAME, from where messages come to it, and what it leads to.

    It is found in declarations and in the text of Routers and Handlers. Where a name is computed it cannot be known
    whether NAME is meant: that is said.
    """
    graph = Configured(Call(**call)).graph_for_reading()
    part = part_named(graph, kind, name)
    every = links(graph)
    direct = [each for each in every if each.target == part]
    found = facts(graph, part, direct, doubts(graph, part), upstream(every, part), downstream(every, part))
    if as_json:
        show_json(found)
    else:
        show(found)


def part_named(graph: Graph, kind: str, name: str) -> Part:
    """What is meant. Raises WrongCall for a name that nothing of this kind has."""
    parts = parts_of(graph)
    kinds: Sequence[Kind] = ("inbound", "outbound") if kind == "connection" else (cast("Kind", kind),)
    for each in kinds:
        if name in parts[each]:
            return Part(each, name)
    known = [known for each in kinds for known in parts[each]]
    word = "Connection" if kind == "connection" else WORDS[kind]
    raise WrongCall(f"there is no {word} {name!r}: {did_you_mean(name, known)}".rstrip(": "))


def parts_of(graph: Graph) -> Mapping[str, Mapping[str, Any]]:
    """Everything that can be asked about, by kind and name."""
    return {
        "inbound": graph.inbounds,
        "outbound": graph.outbounds,
        "router": graph.routers,
        "handler": graph.handlers,
        "codeset": graph.code_sets,
        "reference": graph.references,
    }


def facts(
    graph: Graph,
    part: Part,
    direct: Sequence[Link],
    unsure: Sequence[Link],
    before: Sequence[Part],
    after: Sequence[Part],
) -> dict[str, Any]:
    """Everything for programs."""
    return {
        "kind": part.kind,
        "name": part.name,
        "place": place_of(graph, part),
        "referred_to_by": [link_as_json(each) for each in direct],
        "not_known": [link_as_json(each) for each in unsure],
        "reached_from": by_kind(before),
        "leads_to": by_kind(after),
    }


def place_of(graph: Graph, part: Part) -> str:
    """Where it is declared."""
    found = parts_of(graph)[part.kind][part.name]
    return found.file if isinstance(found, CodeSet) else str(found.place)


def link_as_json(link: Link) -> dict[str, Any]:
    """A reference for programs."""
    return {"kind": link.source.kind, "name": link.source.name, "how": link.how, "place": str(link.place)}


def by_kind(parts: Iterable[Part]) -> dict[str, list[str]]:
    """The names of parts, by kind."""
    found: dict[str, list[str]] = {}
    for part in parts:
        found.setdefault(part.kind, []).append(part.name)
    return found


def show(found: dict[str, Any]) -> None:
    """Everything for people."""
    click.echo(f"{WORDS[found['kind']]} {styled(found['name'], bold=True)}  {found['place']}")
    show_links("referred to by", found["referred_to_by"])
    if not found["referred_to_by"]:
        click.echo("nothing that is written down refers to it")
    show_links("not known: the name is computed", found["not_known"])
    for heading, key in (("reached from", "reached_from"), ("leads to", "leads_to")):
        for kind, names in found[key].items():
            click.echo(f"{heading} {WORDS[kind]}: {', '.join(names)}")


def show_links(title: str, found: Sequence[dict[str, Any]]) -> None:
    """References under a title."""
    rows = [(f"  {WORDS[each['kind']]}", each["name"], each["how"], each["place"]) for each in found]
    show_table(("", "", "", ""), rows, title=title)
