"""The command as anybody runs it: engines of its own and running ones, in processes of their own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from messagefoundry.cli.program import run
from messagefoundry.harness.conduct import BuiltIn, Target, Wanted, run_profile
from messagefoundry.harness.feeds import Feed
from messagefoundry.harness.profiles import Phase, Profile
from messagefoundry.harness.subject import Running, engine, running
from messagefoundry.harness.workplace import Workplace, free_ports, fresh_workplace

PROFILE = Profile(
    name="test",
    says="",
    phases=(Phase(name="warm-up", seconds=0.3, rate=20), Phase(name="steady", seconds=1, rate=40, measured=True)),
    connections=2,
)
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Workplace, Running]]:
    """A running engine with two outbounds."""
    with (
        fresh_workplace(free_ports(2), feed=Feed(fanout=2)) as place,
        running(engine(), place) as subject,
    ):
        yield place, subject


def target_of(place: Workplace) -> Target:
    return Target(
        host=HOST,
        port=place.port,
        api_host=HOST,
        api_port=place.api_port,
        sink_host=HOST,
        sink_ports=place.sinks,
        store=place.database,
    )


def where(place: Workplace) -> list[str]:
    """The options that name a running engine."""
    ports = [part for port in place.sinks for part in ("--sink-port", str(port))]
    engine_at, api_at = f"{HOST}:{place.port}", f"{HOST}:{place.api_port}"
    return ["--target", engine_at, "--api", api_at, "--db", str(place.database), *ports]


def test_smoke_works_out_of_the_box(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("json", "csv", "html")}
    options = [part for name, file in files.items() for part in (f"--{name}", str(file))]
    assert run(["harness", "load", "smoke", "--duration", "2s", "--dir", str(tmp_path), *options]) == 0
    said = capfd.readouterr().out
    report = json.loads(files["json"].read_text())
    headline = report["reconciliation"]["headline"]
    assert re.fullmatch(r"ZERO LOSS: (\d+) sent = \1 read by the engine, \1 written = \1 received, backlog 0", headline)
    assert said.index("sent/s") < said.index(headline) < said.index("PHASE") < said.index("OBJECTIVE OF")
    assert "passed: 90 messages, nothing lost" in said
    assert (report["passed"], report["load"]["profile"]) == (True, "smoke")
    assert report["cpu_ms_per_message"] > 0
    assert headline in files["html"].read_text()
    assert len(files["csv"].read_text().splitlines()) == 1 + len(report["intervals"]) > 3
    assert {path.name for path in tmp_path.iterdir()} == {file.name for file in files.values()}


def test_against_a_running_engine_and_against_itself(
    served: tuple[Workplace, Running], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place, _ = served
    call = ["harness", "load", "smoke", "--duration", "1", "--rate", "40", *where(place)]
    assert run([*call, "--json"]) == 0
    first = json.loads(capfd.readouterr().out)
    books = first["reconciliation"]
    assert books["zero_loss"] is True
    assert (books["sinks"], books["engine_written"]) == (2, 2 * books["sent"])
    assert first["intervals"][-1]["store_mb"] > 0

    (phase,) = [phase for phase in first["phases"] if phase["measured"]]
    phase["per_second"] *= 10
    (tmp_path / "before.json").write_text(json.dumps(first))
    again = [*call, "--baseline", str(tmp_path / "before.json"), "--tolerance", "50"]
    assert run(again) == 1, "a tenth of the rate that the baseline pretends"
    said = capfd.readouterr().out
    assert "ZERO LOSS" in said
    assert "FAILED  worse than the baseline: steady: msg/s was" in said


def test_an_engine_that_dies_is_no_zero_loss() -> None:
    with fresh_workplace(free_ports(1)) as place, running(engine(), place) as subject:
        report = run_profile(
            Wanted(profile=PROFILE, patience_seconds=0.3), target_of(place), lambda _: subject.process.kill()
        )
    assert report.books.headline.startswith("NOT RECONCILED: ")
    assert "the engine no longer answers on its API, so that its counts are unknown" in report.faults


def test_transforms_of_the_built_in_configuration() -> None:
    own = BuiltIn(fanout=3, slow_seconds=0.005, burning=True)
    report = run_profile(Wanted(profile=PROFILE), own, lambda _: None)
    assert report.books.faults == [], "what the burning Handler gets is not the load's"
    assert report.books.engine_written == 3 * report.books.sent
    assert report.cpu_ms_per_message is not None
    assert report.cpu_ms_per_message > own.slow_seconds * 1000


def test_ctrl_c_ends_the_sending_and_reports(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "messagefoundry", "harness", "load", "soak", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}) as process:
        assert process.stdout is not None
        while "sent/s" not in (line := process.stdout.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.search(r"ZERO LOSS: (\d+) sent = \1 read", said)
    assert "FAILED  sending was ended early" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["flood"], "'flood' is not one of 'smoke', 'fanout-baseline', 'reference', 'closed-loop', 'soak'"),
        (["smoke", "--duration", "soon"], "'soon' is no duration; write 90s, 10m or 1h"),
        (["smoke", "--objective", "speed=1"], "'speed=1' is no objective; write one of ack-p99-ms"),
        (["smoke", "--sink-port", "2700"], "--sink-port needs --target"),
        (["smoke", "--target", "2575"], "--target needs --sink-port: where the engine's outbound delivers"),
        (["smoke", "--target", "1", "--sink-port", "2", "--fanout", "2"], "--fanout is of no use with --target"),
        (["smoke", "--target", "here", "--sink-port", "2"], "'here' is no address; write HOST:PORT"),
        (["smoke", "--transform-ms", "2"], "--transform-ms needs --transform slow"),
        (["closed-loop", "--rate", "5"], "--rate is of no use with closed-loop: in a closed loop the engine decides"),
        (["smoke", "--dir", "/nowhere"], "/nowhere: there is no such folder"),
        (["smoke", "--html", "/nowhere/page.html"], "/nowhere/page.html: cannot be written: name a file in a folder"),
        (["smoke", "--baseline", "/nowhere.json"], "/nowhere.json cannot be read as a report: No such file"),
    ],
)
def test_a_wrong_call_is_one_sentence(options: list[str], sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["harness", "load", *options]) == 2
    said = capfd.readouterr()
    assert sentence in said.err
    assert said.out == ""


def test_an_objective_can_be_moved(served: tuple[Workplace, Running], capfd: pytest.CaptureFixture[str]) -> None:
    bounds = ["--objective", "ack-p99-ms=0.01", "--objective", "drain-seconds=none"]
    assert run(["harness", "load", "smoke", "--duration", "0.6", *where(served[0]), *bounds, "--json"]) == 1
    report = json.loads(capfd.readouterr().out)
    assert report["reconciliation"]["zero_loss"] is True
    assert [(each["figure"], each["met"]) for each in report["objectives"]] == [
        ("ACK p99 ms", False),
        ("share of errors", True),
    ]
