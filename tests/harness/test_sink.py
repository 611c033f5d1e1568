import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from messagefoundry.harness import load
from messagefoundry.harness import sink as sink_module
from messagefoundry.harness.feed import synthetic_messages
from messagefoundry.harness.load import Load
from messagefoundry.harness.partner import deliver
from messagefoundry.harness.reconcile import Reconciliation
from messagefoundry.harness.sink import Answering, Ending, PortReport, Sink, report

from .scripted import relay, running_sink

Contents = Sequence[bytes]


def seen_through(alter: Callable[[Contents], Contents]) -> tuple[PortReport, Reconciliation]:
    """Return what a sink sees of 20 messages behind a relay with a fault."""
    with running_sink() as sink:
        with relay(sink, alter) as port:
            result = load.run(Load(ports=(port,), count=20))
        assert result.acked == 20
    (seen,) = report(sink, result.journal)
    assert seen.reconciled is not None
    return seen, seen.reconciled


def test_an_honest_relay_passes() -> None:
    seen, reconciled = seen_through(lambda contents: contents)
    assert (seen.unique, seen.duplicates, seen.order_breaks) == (20, 0, 0)
    assert (reconciled.missing, reconciled.unexpected, reconciled.overtaken) == (0, 0, 0)


def test_a_loss_is_seen() -> None:
    seen, reconciled = seen_through(lambda contents: [*contents[:5], *contents[7:]])
    assert (seen.unique, reconciled.missing, seen.order_breaks) == (18, 2, 0)


def test_a_duplicate_is_seen() -> None:
    seen, reconciled = seen_through(lambda contents: [*contents, contents[3]])
    assert (seen.unique, seen.duplicates, reconciled.missing) == (20, 1, 0)


def test_disorder_is_seen() -> None:
    seen, reconciled = seen_through(lambda contents: [contents[1], contents[0], *contents[2:]])
    assert (seen.order_breaks, reconciled.overtaken, reconciled.missing) == (1, 1, 0)


def test_a_foreign_message_is_seen() -> None:
    seen, reconciled = seen_through(lambda contents: [*contents, next(synthetic_messages(1))])
    assert (seen.unique, reconciled.unexpected) == (21, 1)


def test_the_handlers_edit_is_demanded() -> None:
    first = next(synthetic_messages(1))
    with running_sink(Answering(receiver="DOWNSTREAM")) as sink:
        edited = first.replace(b"|ENGINE|", b"|DOWNSTREAM|")
        assert [reply.code for reply in deliver([first, edited], sink.ports[0])] == ["AA", "AA"]
    assert sink.arrivals[sink.ports[0]].wrong_receiver == 1


def test_ports_are_counted_apart() -> None:
    messages = synthetic_messages(1)
    with running_sink(ports=2) as sink:
        for port in (sink.ports[0], sink.ports[0], sink.ports[1]):
            assert len(list(deliver([next(messages)], port))) == 1
    assert [seen.unique for seen in report(sink)] == [2, 1]


def test_it_ends_when_every_port_has_what_it_expects() -> None:
    sink = Sink([0])
    sink.end(Ending(expect=0, linger=0))
    sink.run()


@pytest.mark.parametrize("ending", [Ending(idle=0.05), Ending(expect=1, idle=0.05), Ending(expect=1, at_most=0.05)])
def test_it_gives_up_when_nothing_comes(ending: Ending) -> None:
    sink = Sink([0])
    sink.end(ending)
    sink.run()
    assert report(sink)[0].unique == 0


def test_as_a_process_under_control(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    command = [sys.executable, "-m", "messagefoundry.harness.sink", "--port", "0", "--control"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        (port,) = json.loads(process.stdout.readline())["listening"]
        result = load.run(Load(ports=(port,), connections=2, count=30))
        result.journal.save(journal)
        print(json.dumps({"expect": 30, "linger": 0, "journal": str(journal)}), file=process.stdin, flush=True)
        (seen,) = json.loads(process.stdout.readline())["ports"]
    assert (seen["unique"], seen["reconciled"]["missing"], process.returncode) == (30, 0, 0)


def test_under_control_every_round_counts_anew(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    command = [sys.executable, "-m", "messagefoundry.harness.sink", "--port", "0", "--control"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        (port,) = json.loads(process.stdout.readline())["listening"]
        for count in (20, 10):
            load.run(Load(ports=(port,), count=count)).journal.save(journal)
            print(json.dumps({"expect": count, "linger": 0, "journal": str(journal)}), file=process.stdin, flush=True)
            (seen,) = json.loads(process.stdout.readline())["ports"]
            reconciled = seen["reconciled"]
            assert (seen["unique"], reconciled["missing"], reconciled["unexpected"]) == (count, 0, 0)
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 0


def test_disorder_on_one_connection_is_told_from_that_of_several() -> None:
    first, second, third = (message for message, _ in zip(synthetic_messages(1), range(3), strict=False))
    with running_sink() as sink:
        for contents in ([second], [first, third]):
            assert len(list(deliver(contents, sink.ports[0]))) == len(contents)
        arrivals = sink.arrivals[sink.ports[0]]
        assert (arrivals.order_breaks, arrivals.connection_breaks) == (1, 0)
        arrivals.clear()
        assert len(list(deliver([second, first], sink.ports[0]))) == 2
    assert (arrivals.order_breaks, arrivals.connection_breaks) == (1, 1)


def test_as_a_process_it_stops_with_its_parent() -> None:
    command = [sys.executable, "-m", "messagefoundry.harness.sink", "--port", "0", "--control"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=True)
    assert json.loads(done.stdout.splitlines()[1])["ports"][0]["unique"] == 0


def test_a_taken_port_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with running_sink() as sink:
        assert sink_module.main(["--port", str(sink.ports[0])]) == 2
    assert "cannot listen on 127.0.0.1" in capsys.readouterr().err
