from dataclasses import replace

from messagefoundry.harness.latency import Latency
from messagefoundry.harness.measurement import Measurement
from messagefoundry.harness.verdict import compare, failures

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
    out_of_order=0,
    overtaken=0,
    wrong_receiver=0,
    cpu_ms_per_message=0.6,
    peak_rss_mb=60.0,
    commits_per_second=None,
    other_cores=0.0,
)


def paired(*speeds: tuple[float, float], noise: tuple[float, ...] = ()) -> list[Measurement]:
    """Return runs of engine and floor with these messages/s."""
    runs = []
    for pair, (engine, floor) in enumerate(speeds, 1):
        other = noise[pair - 1] if noise else 0.0
        runs.append(replace(GOOD, pair=pair, per_second=engine, other_cores=other))
        runs.append(replace(GOOD, pair=pair, per_second=floor, other_cores=other, subject="floor"))
    return runs


def test_the_median_of_the_paired_ratios_counts() -> None:
    (comparison,) = compare(paired((600, 1000), (10, 1000), (650, 1000)))
    assert (comparison.per_second, comparison.pairs, comparison.noisy) == (0.6, 3, 0)


def test_a_noisy_pair_does_not_count() -> None:
    (comparison,) = compare(paired((600, 1000), (100, 1000), noise=(0.1, 0.9)))
    assert (comparison.per_second, comparison.pairs, comparison.noisy) == (0.6, 1, 1)


def test_noisy_pairs_are_better_than_none() -> None:
    (comparison,) = compare(paired((600, 1000), noise=(0.9,)))
    assert (comparison.per_second, comparison.pairs, comparison.noisy) == (0.6, 1, 1)


def test_a_figure_that_the_system_does_not_tell_gives_no_ratio() -> None:
    runs = [replace(run, cpu_ms_per_message=None) for run in paired((600, 1000))]
    assert compare(runs)[0].cpu_ms_per_message is None


def test_numbers_of_connections_are_compared_apart() -> None:
    runs = paired((600, 1000)) + [replace(run, connections=32) for run in paired((300, 1000))]
    assert [(one.connections, one.per_second) for one in compare(runs)] == [(8, 0.6), (32, 0.3)]


def test_the_bar() -> None:
    runs = paired((600, 1000))
    assert failures(runs, compare(runs), 0.6) == []
    assert failures(runs, compare(runs), 0.61) == [
        "8 connections: 0.60 of the floor's messages/s, below the bar of 0.61"
    ]


def test_faults_of_a_run_fail() -> None:
    faults = {
        replace(GOOD, lost=2): "2 acknowledged messages lost",
        replace(GOOD, wrong_receiver=3): "3 messages without the Handler's edit",
        replace(GOOD, acked=0): "no message acknowledged",
        replace(GOOD, died=-9): "ended by itself with code -9",
    }
    for run, text in faults.items():
        assert failures([run], [], 0.4) == [f"engine, 8 connections: {text}"]


def test_disorder_fails_with_one_connection_only() -> None:
    assert failures([replace(GOOD, out_of_order=5)], [], 0.4) == []
    found = failures([replace(GOOD, out_of_order=5, connections=1)], [], 0.4)
    assert found == ["engine, 1 connections: 5 messages out of order"]
