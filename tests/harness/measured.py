"""Measurements made up for tests."""

from dataclasses import replace

from messagefoundry.harness.latency import Latency
from messagefoundry.harness.measurement import Measurement

GOOD = Measurement(
    subject="engine",
    connections=8,
    pair=1,
    sent=100,
    acked=100,
    errors=0,
    late=0,
    per_second=600.0,
    intake_per_second=900.0,
    ack_ms=Latency(1.0, 2.0, 3.0),
    end_to_end_ms=Latency(2.0, 4.0, 6.0),
    drain_seconds=0.1,
    lost=0,
    duplicates=0,
    unexpected=0,
    disorder=0,
    wrong_receiver=0,
    cpu_ms_per_message=0.6,
    peak_rss_mb=60.0,
    commits_per_second=None,
    other_cores=0.0,
)


def paired(*speeds: tuple[float, float], noise: tuple[float, ...] = ()) -> list[list[Measurement]]:
    """Return pairs of engine and floor with these messages/s."""
    pairs = []
    for pair, (engine, floor) in enumerate(speeds, 1):
        run = replace(GOOD, pair=pair, per_second=engine, other_cores=noise[pair - 1] if noise else 0.0)
        pairs.append([run, replace(run, per_second=floor, subject="floor")])
    return pairs
