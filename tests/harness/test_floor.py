import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from messagefoundry.harness import load
from messagefoundry.harness.load import Load
from messagefoundry.harness.sink import Answering, Ending, PortReport, Sink, report

from .scripted import in_thread


@contextmanager
def running_floor(database: Path, sink: Sink) -> Iterator[tuple[int, list[str]]]:
    """Start a floor in front of a sink; yields its port, and its last words once it has ended."""
    forward = [part for port in sink.ports for part in ("--forward", str(port))]
    command = [sys.executable, "-m", "messagefoundry.harness.floor", "--listen", "0", "--db", str(database), *forward]
    words: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["listening"], words
        finally:
            process.terminate()
            words += process.stdout.read().splitlines()


def through_the_floor(database: Path, connections: int, ports: int = 1) -> tuple[list[PortReport], dict[str, int]]:
    """Send 400 messages through a floor; return what the sink saw and the floor's last words."""
    sink = Sink([0] * ports, Answering(receiver="DOWNSTREAM"))
    with running_floor(database, sink) as (port, words):
        with in_thread(sink.run):
            result = load.run(Load(ports=(port,), connections=connections, count=400))
            sink.end(Ending(expect=result.acked, linger=0.1, idle=5))
    assert (result.acked, result.errors) == (400, 0)
    return report(sink, result.journal), json.loads(words[-1])


def test_nothing_is_lost_doubled_or_overtaken(tmp_path: Path) -> None:
    (seen,), words = through_the_floor(tmp_path / "floor.db", connections=8)
    assert seen.reconciled is not None
    assert (seen.reconciled.missing, seen.reconciled.unexpected, seen.reconciled.overtaken) == (0, 0, 0)
    assert (seen.unique, seen.duplicates, seen.wrong_receiver, seen.connections) == (400, 0, 0, 1)
    assert words["messages"] == 400
    assert 0 < words["commits"] < 1200, "changes are committed in groups"


def test_one_connection_keeps_the_order(tmp_path: Path) -> None:
    (seen,), _ = through_the_floor(tmp_path / "floor.db", connections=1)
    assert (seen.unique, seen.order_breaks) == (400, 0)


def test_every_destination_gets_every_message(tmp_path: Path) -> None:
    seen, _ = through_the_floor(tmp_path / "floor.db", connections=4, ports=3)
    assert [one.unique for one in seen] == [400, 400, 400]
    assert [one.reconciled and one.reconciled.missing for one in seen] == [0, 0, 0]


def test_the_store_holds_every_message_and_its_end(tmp_path: Path) -> None:
    through_the_floor(tmp_path / "floor.db", connections=8, ports=2)
    with closing(sqlite3.connect(tmp_path / "floor.db")) as database:
        messages = dict(database.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall())
        outbound = dict(database.execute("SELECT state, count(*) FROM outbound GROUP BY state").fetchall())
    assert sum(messages.values()) == 400
    assert sum(outbound.values()) == 800
    assert outbound["DONE"] >= 800 - 2 * 32, "at most the unsettled window is open when it is stopped"
    assert messages["PROCESSED"] >= 400 - 2 * 32
