import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from messagefoundry.cli.harness_load_charts import Band, Line, histogram, logarithmic_scale, over_time, round_step
from messagefoundry.cli.harness_load_page import page
from messagefoundry.harness.baseline import BaselineError, Change, changes, read_baseline, refuse_other_load
from messagefoundry.harness.books import Books
from messagefoundry.harness.conduct import BuiltIn, Wanted, load_facts
from messagefoundry.harness.load_report import INTERVAL_COLUMNS, Report, Run, report_of
from messagefoundry.harness.machine import Machine
from messagefoundry.harness.meter import Reading
from messagefoundry.harness.pages import Counts
from messagefoundry.harness.profiles import Phase, Profile

PROFILE = Profile(
    name="test",
    says="It says <so> & so.",
    phases=(
        Phase(name="warm-up", seconds=1, rate=10),
        Phase(name="steady", seconds=2, rate=100, measured=True, least_rate=90),
    ),
)
WANTED, OWN = Wanted(profile=PROFILE), BuiltIn(fanout=2)
MACHINE = Machine(
    date="2026-01-01",
    cpu="abacus",
    cores=1,
    memory_gb=None,
    kernel="",
    file_system="",
    python="",
    sqlite="",
    trio="",
    load_average=None,
)
SINK = {"received": 210, "unique": 210, "missing": 0, "duplicates": 0, "unexpected": 0, "overtaken": 0}
TIMES = {"p50": 1.0, "p99": 20.0, "max": 30.0}
NONE = dict.fromkeys(TIMES)


def tally(count: int) -> dict[str, Any]:
    counts = dict.fromkeys(("sent", "accepted", "delivered"), count)
    return {**counts, "errors": 0, "ack_ms": TIMES, "end_to_end_ms": TIMES}


def interval(at: float, phase: int, **more: Any) -> dict[str, Any]:
    looked = {"backlog": 0, "rss_mb": 80.0, "store_mb": 1.0}
    return {"at": at, "seconds": 1.0, "phase": phase, **tally(70), "on_their_way": 0, **looked, **more}


RESULT: dict[str, Any] = {
    "sent": 210,
    "accepted": 210,
    "codes": {"AA": 210},
    "late": 0,
    "unasked": 0,
    "connections_lost": 0,
    "ended_early": False,
    "seconds": 3.0,
    "drain_seconds": 0.5,
    "mean_bytes": 1100,
    "correlation_misses": 0,
    "cpu_seconds": 0.1,
    "sinks": [{"port": port, "wrong_receiver": 0, **SINK} for port in (1, 2)],
    "phases": [tally(10), tally(200), tally(0)],
    "histograms": {"ack": [[1.0, 150], [2.0, 0], [20.0, 50]], "end_to_end": [[1.0, 200]]},
}
INTERVALS = [interval(1.0, 0), interval(2.0, 1), interval(3.0, 2, ack_ms=NONE, end_to_end_ms=NONE)]
BEFORE, AFTER = Counts(1000, 900, 3, 0), Counts(1210, 1110, 3, 0)


def report(
    result: dict[str, Any] | None = None, after: Counts | None = AFTER, reading: Reading | None = None
) -> Report:
    run = Run(result={**RESULT, **(result or {})}, intervals=INTERVALS, before=BEFORE, after=after, reading=reading)
    return report_of(run, PROFILE, load_facts(WANTED, OWN), OWN.says, MACHINE)


def test_the_books_balance() -> None:
    books = report().books
    assert books.headline == "ZERO LOSS: 210 sent = 210 read by the engine, 420 written = 420 received, backlog 0"
    assert report().faults == []
    assert report().facts()["reconciliation"]["zero_loss"] is True


def wrong(sink: dict[str, int]) -> dict[str, Any]:
    return {"sinks": [RESULT["sinks"][0], {**RESULT["sinks"][1], **sink}]}


@pytest.mark.parametrize(
    ("result", "after", "fault"),
    [
        (wrong({"missing": 1, "received": 209}), AFTER, "1 lost: acknowledged, but never arrived"),
        (wrong({"received": 209}), AFTER, "420 written by the engine, but 419 received"),
        (wrong({"wrong_receiver": 2}), AFTER, "2 arrived without the Handler's edit"),
        ({}, replace(AFTER, read=1209), "210 sent, but 209 read by the engine"),
        ({}, replace(AFTER, read=1211), "210 sent, but 211 read by the engine"),
        ({}, replace(AFTER, waiting=1), "a backlog of 1 left in the engine"),
        ({}, replace(AFTER, dead_letters=4), "1 new dead letters"),
        ({}, None, "the engine no longer answers on its API, so that its counts are unknown"),
        ({"sent": 212}, replace(AFTER, read=1213), "212 sent, but 213 read by the engine"),
    ],
)
def test_what_does_not_balance_is_said(result: dict[str, Any], after: Counts | None, fault: str) -> None:
    found = report(result, after)
    assert fault in found.books.faults
    assert fault in found.books.headline
    assert found.facts()["passed"] is False


def test_what_was_never_answered_may_have_been_read_or_not() -> None:
    for read in (1210, 1212):
        assert report({"sent": 212}, replace(AFTER, read=read)).books.faults == []


def test_objectives_hold_for_the_measured_phase() -> None:
    found = report({"phases": [{**tally(10), "ack_ms": {**TIMES, "p99": 999}}, tally(170), tally(40)]})
    assert [(check.figure, check.phase, check.value, check.met) for check in found.checks] == [
        ("msg/s", "steady", 85.0, False),
        ("share of errors", "", 0.0, True),
        ("drain s", "", 0.5, True),
    ]
    assert found.faults == ["steady: msg/s is 85, the objective is ≥ 90"]


def test_a_phase_that_was_not_reached_is_missed() -> None:
    found = report({"seconds": 0.5, "ended_early": True})
    assert [phase.name for phase in found.phases] == ["warm-up"]
    assert found.faults == [
        "sending was ended early: the profile was not run to its end",
        "steady: msg/s was not measured, the objective is ≥ 90",
    ]


def test_cpu_and_memory_of_an_engine_of_our_own() -> None:
    found = report(reading=Reading(cpu_seconds=0.42, peak_rss_bytes=90_000_000, other_cores=0.0))
    assert (found.cpu_ms_per_message, found.peak_rss_mb) == (2.0, 90.0)


def test_notes() -> None:
    odd = {"late": 1, "unasked": 2, "connections_lost": 3, "correlation_misses": 4, "cpu_seconds": 3.4}
    assert [note.split()[0] for note in report(odd).notes] == ["1", "3", "2", "4", "the"]
    assert report().notes == []


def test_csv_has_a_row_an_interval() -> None:
    rows = list(csv.DictReader(io.StringIO(report().as_csv())))
    assert tuple(rows[0]) == INTERVAL_COLUMNS
    assert [row["phase"] for row in rows] == ["warm-up", "steady", "drain"]
    assert (rows[0]["ack_p99_ms"], rows[2]["ack_p99_ms"], rows[0]["per_second"]) == ("20.0", "", "70.0")


# -- baseline --------------------------------------------------------------------------------------------------------


def saved(found: Report, folder: Path) -> Path:
    file = folder / "baseline.json"
    file.write_text(json.dumps(found.facts()))
    return file


def changed(tmp_path: Path, result: dict[str, Any], tolerance: float = 10) -> list[Change]:
    baseline = read_baseline(saved(report(), tmp_path))
    refuse_other_load(tmp_path, baseline, load_facts(WANTED, OWN))
    return list(changes(report(result), baseline, tolerance))


def with_steady(**figures: Any) -> dict[str, Any]:
    return {"phases": [tally(10), {**tally(200), **figures}, tally(0)]}


def test_the_same_again_is_not_worse(tmp_path: Path) -> None:
    assert [each.worse for each in changed(tmp_path, {}, tolerance=0)] == [False, False, False]


@pytest.mark.parametrize(
    ("figures", "worse"),
    [
        ({"delivered": 1799}, ["msg/s"]),
        ({"delivered": 1801}, []),
        ({"ack_ms": {**TIMES, "p99": 110.1}}, ["ACK p99 ms"]),
        ({"ack_ms": {**TIMES, "p99": 109.9}}, []),
        ({"end_to_end_ms": {**TIMES, "p99": 200}}, ["end to end p99 ms"]),
        ({"end_to_end_ms": {**TIMES, "p99": 2}, "delivered": 4000}, []),
    ],
)
def test_worse_by_more_than_the_tolerance(figures: dict[str, Any], worse: list[str], tmp_path: Path) -> None:
    slow = {**TIMES, "p99": 100.0}
    before = {**tally(2000), "ack_ms": slow, "end_to_end_ms": slow}
    baseline = read_baseline(saved(report(with_steady(**before)), tmp_path))
    now = report(with_steady(**{**before, **figures}))
    assert [each.figure for each in changes(now, baseline, 10) if each.worse] == worse


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        ((1000, 5.6), (1000, 10.5), "too little to judge: less than 5 ms"),
        ((1000, 5.6), (1000, 10.7), "WORSE"),
        ((999, 5.6), (5000, 500.0), "too few to judge: 999 messages of 1,000"),
        ((5000, 5.6), (250, 500.0), "too few to judge: 250 messages of 1,000"),
        ((250, 5.6), (250, 6.1), ""),
        ((1000, 100.0), (1000, 109.0), ""),
    ],
)
def test_a_tail_is_judged_by_enough_messages_and_more_than_the_machines_own_difference(
    before: tuple[int, float], now: tuple[int, float], verdict: str, tmp_path: Path
) -> None:
    then, later = (
        report(with_steady(**{**tally(count), "ack_ms": {**TIMES, "p99": p99}})) for count, p99 in (before, now)
    )
    found = {each.figure: each for each in changes(later, read_baseline(saved(then, tmp_path)), 10)}
    assert found["ACK p99 ms"].verdict == verdict
    assert found["ACK p99 ms"].worse is (verdict == "WORSE")
    assert found["ACK p99 ms"].facts()["doubt"] == (verdict if verdict.startswith("too") else None)


@pytest.mark.parametrize(("sent", "verdict"), [(1000, "WORSE"), (999, "too few to judge: 999 messages of 1,000")])
def test_processor_time_is_judged_by_enough_messages(sent: int, verdict: str, tmp_path: Path) -> None:
    before, now = (
        report({"sent": sent, "accepted": sent}, reading=Reading(cpu_seconds=cpu, peak_rss_bytes=1, other_cores=0.0))
        for cpu in (1.0, 1.2)
    )
    found = {each.figure: each for each in changes(now, read_baseline(saved(before, tmp_path)), 10)}
    assert found["CPU ms a message"].verdict == verdict


def test_another_load_cannot_be_compared_but_another_duration_can(tmp_path: Path) -> None:
    baseline = read_baseline(saved(report(), tmp_path))
    refuse_other_load(tmp_path, baseline, load_facts(Wanted(profile=PROFILE.lasting(99)), OWN))
    other = load_facts(Wanted(profile=PROFILE.at_rate(50), size=5000), BuiltIn(fanout=3))
    with pytest.raises(BaselineError) as caught:
        refuse_other_load(tmp_path, baseline, other)
    assert str(caught.value) == (
        f"{tmp_path} is about another load: size 5000 instead of 0, outbounds 3 instead of 2,"
        " rate of warm-up 5 instead of 10, rate of steady 50 instead of 100"
    )


def test_other_phases_are_named(tmp_path: Path) -> None:
    baseline = read_baseline(saved(report(), tmp_path))
    steady = replace(PROFILE.phases[1], measured=False)
    alone = replace(PROFILE, phases=(steady,))
    with pytest.raises(BaselineError, match=r"load: phases steady instead of warm-up, steady$"):
        refuse_other_load(tmp_path, baseline, load_facts(Wanted(profile=alone), OWN))
    unmeasured = replace(PROFILE, phases=(PROFILE.phases[0], steady))
    with pytest.raises(BaselineError, match=r"load: measured of steady off instead of on$"):
        refuse_other_load(tmp_path, baseline, load_facts(Wanted(profile=unmeasured), OWN))


@pytest.mark.parametrize("text", ["", "[]", '{"format": 0}'])
def test_another_file_is_no_baseline(text: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(BaselineError, match=str(tmp_path)):
        read_baseline(tmp_path / "file")


# -- page ------------------------------------------------------------------------------------------------------------


class Seen(HTMLParser):
    """Tags as they open and close, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.stack: list[str] = []
        self.words = ""
        self.feed(text)
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        if tag != "meta":
            self.stack.append(tag)
        assert not [value for name, value in attrs if name in ("src", "href") or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_leads_with_the_books_and_needs_nothing_else() -> None:
    text = page(report(), [Change("steady", "msg/s", 100.0, 90.0, worse=False)])
    seen = Seen(text)
    assert (seen.opened.count("svg"), seen.opened.count("script"), seen.opened.count("h1")) == (6, 0, 1)
    assert "It says <so> & so." in seen.words
    assert seen.words.index("ZERO LOSS") < seen.words.index("Objectives")
    assert "-10 %" in seen.words
    assert "http" not in text.replace("http-equiv", "")


def test_a_page_of_a_loss_says_so_first() -> None:
    seen = Seen(page(report(wrong({"missing": 1, "received": 209})), []))
    assert "NOT RECONCILED: 1 lost" in seen.words
    assert "Load profile test: failed" in seen.words


def test_a_page_without_memory_store_and_histograms() -> None:
    bare = {"histograms": {"ack": [], "end_to_end": []}, "phases": [tally(0), tally(0), tally(0)]}
    found = report(bare)
    rows = [{**row, "rss_mb": None, "store_mb": None, "backlog": None} for row in found.intervals]
    assert Seen(page(replace(found, intervals=rows), [])).opened.count("svg") == 3


def test_an_hour_is_drawn_with_few_points_that_show_the_worst() -> None:
    rows = [
        {**report().intervals[1], "at": float(at), "ack_p99_ms": 500.0 if at == 777 else 20.0} for at in range(3600)
    ]
    text = page(replace(report(), intervals=rows), [])
    (latency,) = re.findall(r'class="one" points|points="([^"]*)" class="one"', text.partition("Latency, ms")[2])[:1]
    points = latency.split()
    assert len(points) == 600
    assert len({point.partition(",")[2] for point in points}) == 2, "one of them is higher than the rest"


@pytest.mark.parametrize("value", [0.001, 0.4, 1.0, 37.0, 12_345.6])
def test_charts_hold_what_they_show(value: float) -> None:
    line = Line("one", "one", [(0.0, value), (1.0, None), (2.0, value / 3), (3.0, 0.0)])
    for logarithmic in (False, True):
        text = over_time("title", [line], [Band("p", 0, 3, measured=True)], logarithmic=logarithmic)
        assert text.count("<polyline") == 2, "a gap where there is no value"
        assert "nan" not in text
    assert "<rect" in histogram("title", "name", "one", [[value, 3], [value * 2, 1]])


@pytest.mark.parametrize(("wanted", "step"), [(0.03, 0.05), (1, 1), (1.1, 2), (2.1, 5), (7, 10), (150, 200)])
def test_round_steps(wanted: float, step: float) -> None:
    assert round_step(wanted) == pytest.approx(step)


def test_a_logarithmic_scale_spans_whole_powers() -> None:
    scale = logarithmic_scale([0.2, 30])
    assert scale.ticks(4) == pytest.approx([0.1, 1, 10, 100])
    assert scale.place(0.01) == scale.begin


def test_books_are_of_all_sinks() -> None:
    books = Books.of({**RESULT, **wrong({"duplicates": 2, "received": 212})}, BEFORE, AFTER)
    assert (books.sinks, books.sink_received, books.duplicates, books.engine_written) == (2, 422, 2, 420)
