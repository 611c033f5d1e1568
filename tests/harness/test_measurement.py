from typing import Any

import pytest

from messagefoundry.harness.cases import Case
from messagefoundry.harness.feeds import Feed
from messagefoundry.harness.measurement import Measurement, Observed
from messagefoundry.harness.meter import Reading
from messagefoundry.harness.subject import engine

LATENCY = {"p50": 1.0, "p99": 2.0, "max": 3.0}
LOAD = {
    "sent": 100,
    "acked": 100,
    "errors": 0,
    "late": 0,
    "seconds": 2.0,
    "intake_per_second": 50.0,
    "ack_ms": LATENCY,
}


def port(drain: float = 0.5, **counts: int) -> dict[str, Any]:
    """Return what one port of a sink reports."""
    counted = dict.fromkeys(("unique", "duplicates", "order_breaks", "connection_breaks", "wrong_receiver"), 0)
    judged = dict.fromkeys(("missing", "unexpected", "overtaken"), 0)
    reconciled = {**judged, "drain_seconds": drain, "end_to_end_ms": LATENCY}
    reconciled |= {name: count for name, count in counts.items() if name in judged}
    return {**counted, **{name: n for name, n in counts.items() if name in counted}, "reconciled": reconciled}


def measured(case: Case, *ports: dict[str, Any], before: dict[str, Any] | None = None) -> Measurement:
    reading = Reading(cpu_seconds=0.04, peak_rss_bytes=90_000_000, other_cores=0.1)
    observed = Observed(LOAD, {"ports": ports}, {"ports": [before] if before else []}, reading, 250, None, 5_000_000.0)
    return observed.measurement(case, 1)


def test_a_backlog_cannot_embellish_the_rate() -> None:
    run = measured(Case(name="engine", subject=engine()), port(drain=0.5), port(drain=3.0))
    assert run.per_second == 20.0, "a hundred in two seconds and three of drain at the slowest sink"
    assert (run.commits_per_second, run.cpu_ms_per_message, run.peak_rss_mb, run.added_rss_mb) == (50, 0.4, 90, 5)


def test_counts_are_summed_over_the_sinks() -> None:
    run = measured(Case(name="engine", subject=engine()), port(missing=1, duplicates=2), port(missing=3, unexpected=4))
    assert (run.lost, run.duplicates, run.unexpected) == (4, 2, 4)


def test_what_goes_wrong_in_the_warm_up_counts() -> None:
    run = measured(
        Case(name="engine", subject=engine()), port(), before=port(missing=1, duplicates=1, wrong_receiver=1)
    )
    assert (run.lost, run.duplicates, run.wrong_receiver, run.acked) == (1, 1, 1, 100)


@pytest.mark.parametrize(
    ("case", "disorder"),
    [
        (Case(name="one sender", subject=engine(), connections=1), 1),
        (Case(name="a sender a lane", subject=engine(), connections=4, feed=Feed(pairs=4)), 2),
        (Case(name="many senders, one lane", subject=engine(), connections=8), 3),
    ],
    ids=lambda value: value.name if isinstance(value, Case) else "",
)
def test_what_disorder_is_depends_on_who_sends(case: Case, disorder: int) -> None:
    assert measured(case, port(order_breaks=1, connection_breaks=2, overtaken=3)).disorder == disorder
