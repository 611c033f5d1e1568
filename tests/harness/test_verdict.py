from dataclasses import replace

from messagefoundry.harness.verdict import Comparison, Figure, compare, faults

from .measured import GOOD, paired


def compared(*speeds: tuple[float, float], noise: tuple[float, ...] = ()) -> Comparison:
    return compare("full", paired(*speeds, noise=noise))


def test_the_median_of_the_paired_ratios_counts() -> None:
    comparison = compared((600, 1000), (10, 1000), (650, 1000))
    assert (comparison.left, comparison.right, comparison.pairs, comparison.noisy) == ("engine", "floor", 3, 0)
    assert comparison.figures["msg/s"] == Figure(600, 1000, 0.6, 0.01, 0.65)


def test_a_noisy_pair_does_not_count() -> None:
    comparison = compared((600, 1000), (100, 1000), noise=(0.1, 0.9))
    assert (comparison.figures["msg/s"].ratio, comparison.pairs, comparison.noisy) == (0.6, 1, 1)


def test_noisy_pairs_are_better_than_none() -> None:
    comparison = compared((600, 1000), noise=(0.9,))
    assert (comparison.figures["msg/s"].ratio, comparison.pairs, comparison.noisy) == (0.6, 1, 1)


def test_a_figure_that_the_system_does_not_tell_is_left_out() -> None:
    pairs = [[replace(run, cpu_ms_per_message=None) for run in pair] for pair in paired((600, 1000))]
    assert "CPU ms a message" not in compare("full", pairs).figures


def test_a_figure_of_the_left_side_alone_has_no_ratio() -> None:
    pairs = [[replace(left, server_cpu_ms_per_message=0.4), right] for left, right in paired((600, 1000), (650, 1000))]
    assert compare("stores", pairs).figures["server CPU ms a message"] == Figure(0.4)


def test_one_side_alone_has_figures_without_ratios() -> None:
    comparison = compare("backlog", [[replace(GOOD, added_rss_mb=12.0)], [replace(GOOD, added_rss_mb=20.0, pair=2)]])
    assert comparison.right is None
    assert comparison.figures["added MB"] == Figure(16.0)


def test_a_right_side_of_nought_gives_no_ratio() -> None:
    assert compared((600, 0)).figures["msg/s"] == Figure(600, 0)


def test_faults_of_a_run() -> None:
    wrong = {
        replace(GOOD, lost=2): "2 acknowledged messages lost",
        replace(GOOD, duplicates=1): "1 messages delivered twice",
        replace(GOOD, unexpected=4): "4 messages delivered that were not sent in this run",
        replace(GOOD, disorder=5): "5 messages out of order",
        replace(GOOD, errors=6): "6 messages not accepted",
        replace(GOOD, wrong_receiver=3): "3 messages without the Handler's edit",
        replace(GOOD, acked=0): "no message acknowledged",
        replace(GOOD, died=-9): "ended by itself with code -9",
    }
    for run, text in wrong.items():
        assert faults([run]) == [f"engine, 8 connections: {text}"]
    assert faults([GOOD]) == []
