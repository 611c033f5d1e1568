"""A load report as one HTML page that needs nothing else: no network and no script."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from messagefoundry.cli.harness_load_charts import Band, Line, histogram, over_time
from messagefoundry.cli.markup import Html, element
from messagefoundry.cli.page import self_contained

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from messagefoundry.harness.baseline import Change
    from messagefoundry.harness.load_report import Report

MOST_POINTS = 600
"""of a line: neighbouring intervals are drawn as one"""
RATES = {"sent/s": "sent", "delivered/s": "delivered"}

BOOKS = (
    ("sent", "sent"),
    ("accepted", "acknowledged AA"),
    ("engine_read", "read by the engine"),
    ("engine_written", "written by the engine"),
    ("sink_received", "received by the sink"),
    ("backlog", "left in the engine"),
    ("dead_letters", "new dead letters"),
    ("missing", "acknowledged, never arrived"),
    ("duplicates", "arrived twice"),
    ("unexpected", "arrived, not sent in this run"),
    ("disorder", "overtaken"),
)


def page(report: Report, changes: Sequence[Change]) -> str:
    """The page."""
    title = f"load {report.profile.name}: {report.books.headline}"
    body = (*_header(report, changes), element("main", *_main(report, changes)))
    return self_contained(title, *body, style="harness_load_page.css")


def _header(report: Report, changes: Sequence[Change]) -> Iterator[Html]:
    failed = bool(report.faults) or any(change.worse for change in changes)
    said = element("span", "failed" if failed else "passed", class_="bad" if failed else "good")
    machine = report.machine
    yield element(
        "header",
        element("h1", f"Load profile {report.profile.name}: ", said),
        element("p", f"{report.profile.says} Against {report.against}."),
        element("p", f"Ended {report.ended_at}, on {machine.cpu}, {machine.cores} cores, {machine.kernel}."),
        element("p", report.books.headline, class_=f"headline {'bad' if report.books.faults else 'good'}"),
    )


def _main(report: Report, changes: Sequence[Change]) -> Iterator[Html]:
    yield from _objectives(report)
    yield from _phases(report)
    yield from _changes(changes)
    yield from _charts(report)
    yield from _books(report)
    if report.notes:
        yield element("h2", "Notes")
        yield element("ul", *(element("li", note) for note in report.notes))


def _objectives(report: Report) -> Iterator[Html]:
    yield element("h2", "Objectives")
    rows = [
        [check.phase or "whole run", check.figure, _shown(check.value), check.bound, _met(check.met, "met", "missed")]
        for check in report.checks
    ]
    yield _table(["Phase", "Figure", "Value", "Objective", ""], rows, numbers={2, 3})
    if report.ended_early:
        yield element("p", "Sending was ended early: the profile was not run to its end.", class_="bad")


def _phases(report: Report) -> Iterator[Html]:
    titles = ["Phase", "Seconds", "Offered/s", "Delivered/s", "ACK p50 ms", "p99", "End to end p50 ms", "p99", "Errors"]
    rows: list[list[str]] = [
        [
            phase.name if phase.measured else f"{phase.name} (not measured)",
            *(_shown(each) for each in (phase.seconds, phase.offered, phase.per_second)),
            *(_shown(values[name]) for values in (phase.ack_ms, phase.end_to_end_ms) for name in ("p50", "p99")),
            f"{phase.errors:,}",
        ]
        for phase in report.phases
    ]
    yield element("h2", "Phases")
    yield _table(titles, rows, numbers=set(range(1, 9)))
    figures = [("CPU of the engine a message", report.cpu_ms_per_message, "ms"), ("its peak", report.peak_rss_mb, "MB")]
    said = [f"{name} {value:,g} {unit}" for name, value, unit in figures if value is not None]
    drain = "never drained" if report.drain_seconds is None else f"drained in {report.drain_seconds:g} s after sending"
    yield element("p", "; ".join([*said, drain]) + ".")


def _changes(changes: Sequence[Change]) -> Iterator[Html]:
    if not changes:
        return
    rows = [
        [
            each.phase,
            each.figure,
            _shown(each.before),
            _shown(each.now),
            f"{each.percent:+g} %",
            _met(not each.worse, each.verdict, "worse"),
        ]
        for each in changes
    ]
    yield element("h2", "Against the baseline")
    yield _table(["Phase", "Figure", "Before", "Now", "Change", ""], rows, numbers={2, 3, 4})


def _charts(report: Report) -> Iterator[Html]:
    bands = list(_bands(report))
    if not report.intervals:
        return
    yield element("h2", "Over time")
    rate = [_line(report, "sent/s", "two", "sent/s"), _line(report, "delivered/s", "one", "delivered/s")]
    yield over_time("Messages a second", rate, bands)
    latency = [
        _line(report, "ACK p50", "three", "ack_p50_ms"),
        _line(report, "ACK p99", "one", "ack_p99_ms"),
        _line(report, "end to end p99", "two", "end_to_end_p99_ms"),
    ]
    if any(line.values for line in latency):
        yield over_time("Latency, ms", latency, bands, logarithmic=True)
    waiting = [
        _line(report, "acknowledged, not delivered", "one", "on_their_way"),
        _line(report, "work waiting in the engine", "two", "backlog"),
    ]
    yield over_time("On their way", waiting, bands)
    held = [_line(report, "memory of the engine", "one", "rss_mb"), _line(report, "store", "two", "store_mb")]
    if any(line.values for line in held):
        yield over_time("Memory and store, MB", held, bands)
    for name, words, style in (("ack", "ACK", "one"), ("end_to_end", "End to end", "two")):
        if steps := report.histograms[name]:
            yield histogram(f"{words}: how many took how long, measured phases", "messages", style, steps)


def _line(report: Report, name: str, style: str, column: str) -> Line:
    together = ceil(len(report.intervals) / MOST_POINTS)
    groups = [report.intervals[begin : begin + together] for begin in range(0, len(report.intervals), together)]
    return Line(name, style, [(rows[-1]["at"], _value(rows, column)) for rows in groups])


def _value(rows: Sequence[Mapping[str, Any]], column: str) -> float | None:
    """A rate over some intervals, or the largest value of another column."""
    if counted := RATES.get(column):
        seconds = sum(row["seconds"] for row in rows)
        return float(sum(row[counted] for row in rows) / seconds) if seconds else None
    return max((float(row[column]) for row in rows if row[column] is not None), default=None)


def _bands(report: Report) -> Iterator[Band]:
    began = 0.0
    for phase in report.phases:
        yield Band(phase.name, began, began + phase.seconds, phase.measured)
        began += phase.seconds


def _books(report: Report) -> Iterator[Html]:
    facts = report.books.facts()
    yield element("h2", "Reconciliation")
    yield _table(["", "Messages"], [[words, _shown(facts[name])] for name, words in BOOKS], numbers={1})
    if report.books.sinks > 1:
        yield element("p", f"Written and received are the sum over {report.books.sinks} outbounds.")


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[int]) -> Html:
    def style(place: int) -> str | bool:
        return "number" if place in numbers else False

    heading = element("tr", *(element("th", each, scope="col", class_=style(n)) for n, each in enumerate(titles)))
    lines = [element("tr", *(element("td", cell, class_=style(n)) for n, cell in enumerate(row))) for row in rows]
    table = element("table", element("thead", heading), element("tbody", *lines))
    return element("div", table, class_="wide")


def _met(met: bool, yes: str, no: str) -> Html:
    return element("span", yes if met else no, class_="good" if met else "bad")


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"
