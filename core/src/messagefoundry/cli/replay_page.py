"""What `replay-diff` found, as one HTML page that needs nothing else: no network, and no script to be read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry.cli.markup import Html, element, together
from messagefoundry.cli.output import plural
from messagefoundry.cli.page import self_contained
from messagefoundry.cli.replay_report import ONLY_BY_CHANCE, chance, notable
from messagefoundry.cli.times import clock, now
from messagefoundry.contracts.errors import on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from messagefoundry.cli.replay_findings import Changed, Findings, Line, Output
    from messagefoundry.comparing import Excerpt, Group, Kind

TITLE = "replay-diff"


def write_page(path: Path, findings: Findings) -> None:
    """Write the page, readable by its owner alone; what was there is replaced at once. Raises OSError."""
    text = page(findings).encode("utf-8", "backslashreplace")
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def page(findings: Findings) -> str:
    """The page."""
    title = f"{TITLE}: {_verdict(findings)}"
    return self_contained(title, *_body(findings), style="replay_page.css", script="replay_page.js")


def _verdict(findings: Findings) -> str:
    tally = findings.tally
    if not tally.changed:
        return "Nothing changes"
    return f"{tally.changed:,} of {plural(tally.messages, 'message')} would change"


def _body(findings: Findings) -> Iterator[Html]:
    numbers = {group.kind: number for number, group in enumerate(findings.tally.sorted_groups(), start=1)}
    anchors = {each.label: f"m{number}" for number, each in enumerate(findings.changed, start=1)}
    yield element("header", *_header(findings))
    yield element("main", *_summary(findings), *_kinds(findings, numbers, anchors), *_changed(findings, numbers))


def _header(findings: Findings) -> Iterator[Html]:
    yield element("h1", _verdict(findings), class_="changes" if findings.tally.changed else "same")
    against = "what was made of them then" if findings.against is None else f"what {findings.against} makes of them"
    yield element("p", f"Through {findings.candidate}, compared with {against}. Made {clock(now())}.")
    if findings.ignored:
        yield element("p", "Ignored: ", *_listed(element("code", each) for each in findings.ignored), ".")
    if findings.show_phi:
        yield element("p", "This page holds values of messages: patient data may be on it.", class_="phi")
    else:
        yield element("p", "Paths and counts alone: no values of messages are on this page.", class_="quiet")


def _listed(parts: Iterator[Html]) -> Iterator[str]:
    for number, part in enumerate(parts):
        yield from ((", ", part) if number else (part,))


def _summary(findings: Findings) -> Iterator[Html]:
    tally = findings.tally
    changed = (tally.changed, "changed", "yellow" if tally.changed else None)
    tiles = [(tally.messages, "compared", None), (tally.unchanged, "unchanged", None), changed, *notable(tally)]
    yield element("dl", *(_tile(count, words, colour) for count, words, colour in tiles), class_="tiles")
    for reason, count in tally.not_compared.items():
        yield element("p", f"{plural(count, 'message')} not compared: {reason}.", class_="quiet")
    for sentence in chance(tally):
        yield element("p", f"{sentence}.", class_="chance")


def _tile(count: int, words: str, colour: str | None) -> Html:
    return element("div", element("dt", words), element("dd", f"{count:,}"), class_=colour or False)


def _kinds(findings: Findings, numbers: Mapping[Kind, int], anchors: Mapping[str, str]) -> Iterator[Html]:
    groups = findings.tally.sorted_groups()
    if not groups:
        return
    titles = ("Messages", "Times", "To", "What changes", "Examples")
    heading = element("tr", *(element("th", title, scope="col") for title in titles))
    rows = [_kind(group, numbers[group.kind], anchors) for group in groups]
    yield element("h2", "What changes")
    yield element(
        "div",
        element("table", element("thead", heading), element("tbody", *rows), class_="kinds"),
        class_="wide",
    )


def _kind(group: Group, number: int, anchors: Mapping[str, str]) -> Html:
    examples = (
        element("a", on_one_line(each), href=f"#{anchors[each]}")
        if each in anchors
        else Html(together(on_one_line(each)))
        for each in group.examples
    )
    by_chance = [" ", element("em", ONLY_BY_CHANCE)] if group.by_chance else []
    return element(
        "tr",
        element("td", f"{group.messages:,}", class_="number"),
        element("td", f"{group.times:,}", class_="number"),
        element("td", group.kind.to),
        element("td", element("span", str(group.kind), class_="kind", data_kind=f"k{number}"), *by_chance),
        element("td", *_listed(examples)),
    )


def _changed(findings: Findings, numbers: Mapping[Kind, int]) -> Iterator[Html]:
    if not findings.changed:
        return
    yield element("h2", "Changed messages", id="changed")
    if findings.left_out:
        yield element(
            "p", f"{plural(findings.left_out, 'changed message')} more are counted, not listed.", class_="quiet"
        )
    yield element(
        "p",
        element("label", "Filter ", element("input", type="search", id="filter", autocomplete="off")),
        " ",
        element("output", id="shown"),
        class_="controls",
        hidden=True,
    )
    for number, each in enumerate(findings.changed, start=1):
        yield _message(each, f"m{number}", numbers, len(findings.changed) == 1)


def _message(each: Changed, anchor: str, numbers: Mapping[Kind, int], opened: bool) -> Html:
    title = [element("strong", each.title), f" {each.inbound} {each.message_type} {each.control_id} "]
    if each.received_at:
        title += [element("time", clock(each.received_at)), " "]
    if each.before != each.after:
        title += [element("span", f"{each.before} → {each.after}", class_="bad" if each.after == "ERROR" else "moved")]
    parts = [element("p", element("code", error), class_="bad") for error in each.errors]
    parts += [_output(output) for output in each.outputs]
    kinds = " ".join(f"k{numbers[kind]}" for kind in each.kinds)
    return element(
        "details", element("summary", *title), *parts, class_="message", id=anchor, data_kinds=kinds, open=opened
    )


def _output(output: Output) -> Html:
    caption = element("h3", f"{output.handler} → {output.to}: {output.what}")
    rows = [_line(line) for line in output.lines]
    if output.left_out:
        rows.append(element("tr", element("td", f"and {plural(output.left_out, 'change')} more", colspan="4")))
    heading = [_value_heading()] if any(line.before or line.after for line in output.lines) else []
    table = element("div", element("table", *heading, element("tbody", *rows)), class_="wide")
    return element("section", caption, *([table] if rows else []))


def _value_heading() -> Html:
    titles = ("Place", "Change", "Before", "After")
    return element("thead", element("tr", *(element("th", title, scope="col") for title in titles)))


def _line(line: Line) -> Html:
    cells = [element("td", element("code", line.path)), element("td", line.kind.what)]
    if line.before is not None or line.after is not None:
        cells += [_value(line.before, "del"), _value(line.after, "ins")]
    return element("tr", *cells)


def _value(value: Excerpt | None, mark: str) -> Html:
    if value is None:
        return element("td", element("em", "not there"), class_="value")
    differing = [element(mark, value.differing)] if value.differing else []
    if not str(value):
        return element("td", element("em", "empty"), class_="value")
    return element("td", value.head, *differing, value.tail, class_="value")
