import json
import subprocess
import sys
from pathlib import Path

import pytest

from messagefoundry.harness import load
from messagefoundry.harness.admission import admission
from messagefoundry.harness.journal import Journal
from messagefoundry.harness.load import Load
from messagefoundry.harness.mllp import acknowledge
from messagefoundry.harness.sink import Answering, report

from .scripted import peer, running_sink


@pytest.mark.parametrize(("connections", "window"), [(1, 1), (8, 1), (3, 5)])
def test_every_message_is_sent_once_and_accepted(connections: int, window: int) -> None:
    with running_sink() as sink:
        result = load.run(Load(ports=sink.ports, connections=connections, window=window, count=500))
    (seen,) = report(sink, result.journal)
    assert (result.sent, result.acked, result.errors, result.codes) == (500, 500, 0, {"AA": 500})
    assert (seen.unique, seen.duplicates, seen.connections) == (500, 0, connections)
    assert seen.reconciled is not None
    assert (seen.reconciled.missing, seen.reconciled.overtaken) == (0, 0)


def test_one_connection_keeps_the_order() -> None:
    with running_sink() as sink:
        load.run(Load(ports=sink.ports, window=4, count=300))
    assert sink.arrivals[sink.ports[0]].order_breaks == 0


def test_times_are_kept_by_control_id() -> None:
    with running_sink() as sink:
        journal = load.run(Load(ports=sink.ports, count=3, prefix="RUN")).journal
    arrived = sink.arrivals[sink.ports[0]].first_ns
    assert [entry.control_id for entry in journal] == ["RUN000000000", "RUN000000001", "RUN000000002"]
    assert all(entry.sent_ns <= arrived[entry.control_id] <= entry.answered_ns for entry in journal)


def test_connections_are_spread_over_ports() -> None:
    with running_sink(ports=2) as sink:
        load.run(Load(ports=sink.ports, connections=4, count=100))
    assert [seen.connections for seen in report(sink)] == [2, 2]


def test_seconds_bound_a_closed_loop() -> None:
    with running_sink() as sink:
        result = load.run(Load(ports=sink.ports, connections=2, seconds=0.2))
    assert 0.2 <= result.seconds < 0.5
    assert result.sent == result.acked > 100
    assert result.intake_per_second == pytest.approx(result.acked / result.seconds, rel=0.1)


def test_a_rate_is_kept() -> None:
    with running_sink() as sink:
        result = load.run(Load(ports=sink.ports, connections=2, window=10, rate=400, seconds=0.5))
    assert (result.sent, result.acked) == (200, 200)


def test_a_rate_beyond_the_windows_is_sent_late_and_counted_from_when_it_was_due() -> None:
    with running_sink(Answering(delay_seconds=0.05)) as sink:
        result = load.run(Load(ports=sink.ports, rate=100, seconds=0.1))
    (seen,) = report(sink, result.journal)
    assert (result.sent, result.acked, seen.unique) == (10, 10, 10)
    assert result.late >= 8
    assert result.seconds >= 0.45, "one at a time, each answered after 50 ms"
    last = list(result.journal)[-1]
    assert (last.answered_ns - last.due_ns) / 1e6 >= 10 * 50 - 9 * 10
    assert (last.answered_ns - last.sent_ns) / 1e6 < 300
    assert result.ack_ms.max is not None
    assert result.ack_ms.max >= 400
    assert seen.reconciled is not None
    assert seen.reconciled.end_to_end_ms.max is not None
    assert seen.reconciled.end_to_end_ms.max >= 350


def test_a_count_bounds_a_rate() -> None:
    with running_sink() as sink:
        result = load.run(Load(ports=sink.ports, rate=1000, count=5))
    assert (result.sent, result.acked) == (5, 5)


def test_the_answer_time_is_measured() -> None:
    with running_sink(Answering(delay_seconds=0.03)) as sink:
        result = load.run(Load(ports=sink.ports, count=3))
    assert result.ack_ms.p50 is not None
    assert result.ack_ms.p50 >= 30


def test_refusals_are_errors() -> None:
    with running_sink(Answering(code="AE")) as sink:
        result = load.run(Load(ports=sink.ports, count=5))
    assert (result.sent, result.acked, result.errors, result.codes) == (5, 0, 5, {"AE": 5})


def test_an_answer_to_another_message_is_an_error() -> None:
    with peer(lambda _: acknowledge("SOMETHING ELSE")) as port:
        result = load.run(Load(ports=(port,), count=2))
    assert result.codes == {"mismatch": 2}


def test_a_peer_that_closes_leaves_the_rest_unanswered() -> None:
    with peer(lambda _: b"") as port:
        result = load.run(Load(ports=(port,), count=10))
    assert (result.sent, result.errors, result.codes) == (1, 1, {"none": 1})


def test_silence_ends_after_the_ack_timeout() -> None:
    with running_sink(Answering(delay_seconds=60)) as sink:
        result = load.run(Load(ports=sink.ports, count=1, ack_timeout=0.1))
    assert result.codes == {"none": 1}


def test_the_message_has_about_a_kilobyte_and_can_be_padded() -> None:
    assert 1050 <= len(admission("X" * 19, 1)) <= 1200
    assert len(admission("X" * 19, 1, 5000)) == 5000 + len(b"\x0b\x1c\r")
    assert admission("A", 1) != admission("A", 2)


def test_as_a_process(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    command = [sys.executable, "-m", "messagefoundry.harness.load", "--count", "50", "--journal", str(journal)]
    with running_sink() as sink:
        done = subprocess.run([*command, "--port", str(sink.ports[0])], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["acked"] == 50
    assert len(Journal.load(journal)) == 50


def test_nobody_listening_exits_2(capsys: pytest.CaptureFixture[str], unused_port: int) -> None:
    assert load.main(["--port", str(unused_port), "--count", "1"]) == 2
    assert "cannot send to 127.0.0.1" in capsys.readouterr().err


def test_a_refusal_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    with running_sink(Answering(code="AR")) as sink:
        assert load.main(["--port", str(sink.ports[0]), "--count", "1"]) == 1
    assert json.loads(capsys.readouterr().out)["codes"] == {"AR": 1}
