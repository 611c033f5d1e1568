from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.cli.program import run
from messagefoundry.testing import free_ports
from tests.acceptance.waiting import until
from tests.cli.running import READY, Ran, environment, program, serving
from tests.docs.blocks import blocks_of
from tools.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NUMBER = re.compile(r"\b\d+\.\d\d s|\b\d{16}\b")
FIVE = ["processed", "filtered", "unrouted", "error", "dead_letter"]

LAB = """\
from messagefoundry import MLLP, File, RetryPolicy, Send, handler, inbound, outbound, router

inbound("IB_LAB", MLLP(port={port}), router="lab", max_message_bytes=50_000)
inbound("IB_FOLDER", File(directory={incoming!r}), router="lab", content_type="text")
retry = RetryPolicy(max_attempts={attempts}, backoff_seconds=0.1)
outbound("OB_LAB", MLLP(host="127.0.0.1", port={partner}), retry=retry)
outbound("OB_COPY", File(directory={folder!r}), retry=retry)


@router("lab")
def lab(msg):
    return "forward"


@handler("forward")
def forward(msg):
    if msg["MSH-9.1"] != "ORU":
        return None
    return [Send("OB_COPY", msg), Send("OB_LAB", msg)]
"""
"""Everything is routed, results alone are sent, and no Handler fails. The first of two lanes is a folder."""


NORTH = """\
from messagefoundry import MLLP, PassThrough, Send, handler, inbound, outbound, router

inbound("IB_NORTH", MLLP(port={port}), router="north")
inbound("IB_CLEAN", PassThrough(), router="clean")
outbound("OB_LAB", MLLP(host="127.0.0.1", port={partner}))


@router("north")
def north(msg):
    return "tidy"


@handler("tidy")
def tidy(msg):
    return Send("IB_CLEAN", msg)


@router("clean")
def clean(msg):
    return "to_lab"


@handler("to_lab")
def to_lab(msg):
    {what}
"""
"""Everything goes through a PassThrough."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder to be in, with one beside it for temporary directories."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def scenario(home: Path, *arguments: object) -> Ran:
    return program("harness", "scenario", *arguments, cwd=home, environ={"TMPDIR": str(home.parent / "tmp")})


def verdicts(ran: Ran) -> dict[str, dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ran.out)["verdicts"]
    return {each["scenario"]: each for each in found}


def lab(home: Path, attempts: int | None = None) -> tuple[int, int]:
    """A configuration of one's own; the ports of its inbound and of its partner."""
    port, there = free_ports(2)
    (home / "config").mkdir()
    (home / "messagefoundry.toml").write_text('[ai]\nenvironment = "dev"\n')
    folders = {"folder": str(home / "folder"), "incoming": str(home / "incoming")}
    text = LAB.format(port=port, partner=there, attempts=attempts, **folders)
    (home / "config" / "lab.py").write_text(text)
    return port, there


def north(home: Path, what: str) -> None:
    """A configuration whose Handler behind the PassThrough does this."""
    port, there = free_ports(2)
    (home / "config").mkdir()
    (home / "messagefoundry.toml").write_text('[ai]\nenvironment = "dev"\n')
    (home / "config" / "north.py").write_text(NORTH.format(port=port, partner=there, what=what))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_all_five_pass_in_an_empty_folder_and_leave_nothing(home: Path) -> None:
    ran = scenario(home, "all")
    assert ran.code == 0, ran.out + ran.err
    lines = ran.out.splitlines()
    assert "what `messagefoundry init` writes" in lines[0]
    assert [line.split()[0] for line in lines[1:-1:2]] == FIVE
    assert lines[-1] == "5 scenarios: 5 passed"
    assert "SECRET" not in ran.out
    assert not files(home)
    assert not files(home.parent / "tmp")


def test_what_a_configuration_cannot_show_is_said_with_what_is_needed(home: Path) -> None:
    lab(home)
    (home / "incoming").mkdir()
    (home / "incoming" / "waiting.txt").write_text("for the engine, not for the harness")
    ran = scenario(home, "all", "--json")
    assert ran.code == 2, ran.out + ran.err
    found = verdicts(ran)
    assert [name for name in FIVE if found[name]["passed"]] == ["processed", "filtered", "dead_letter"]
    for name in ("unrouted", "error"):
        assert found[name]["passed"] is None
        assert found[name]["reason"].endswith(f"give one with --message {name}=FILE")
    assert found["processed"]["source"] == "made up ORU^R01"
    assert not (home / "folder").exists()
    assert files(home / "incoming") == ["waiting.txt"]


def test_a_lane_that_tries_once_dies_at_the_first_answer(home: Path) -> None:
    lab(home, attempts=1)
    found = verdicts(scenario(home, "dead_letter", "--json"))["dead_letter"]
    assert found["passed"], found
    steps = [step for step in found["trail"] if step != "delivered to OB_LAB"]
    assert len(steps) == len(found["trail"]) - 1
    assert steps == [
        "received by IB_LAB",
        "routed to forward",
        "OB_COPY dead letter: the partner answered AE",
        "replayed",
        "delivered to OB_COPY",
    ]


def test_what_is_passed_on_is_followed_to_its_delivery_and_to_its_dead_letter(home: Path) -> None:
    north(home, 'return Send("OB_LAB", msg)')
    found = verdicts(scenario(home, "processed", "dead_letter", "--json"))
    passed_on = [
        "received by IB_NORTH",
        "routed to tidy, passed on to IB_CLEAN",
        "received by IB_CLEAN",
        "routed to to_lab",
    ]
    assert found["processed"]["passed"], found
    assert found["processed"]["trail"] == [*passed_on, "delivered to OB_LAB"]
    assert found["dead_letter"]["passed"], found
    assert found["dead_letter"]["found"] == "ERROR, then PROCESSED"
    assert found["dead_letter"]["trail"] == [
        *passed_on,
        "OB_LAB tries again: the partner answered AE",
        "OB_LAB dead letter: the partner answered AR",
        "replayed",
        "delivered to OB_LAB",
    ]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("return None", r"it was passed on to IB_CLEAN, and nothing of it was delivered"),
        ('raise ValueError("no")', r"it was passed on to IB_CLEAN, whose message \d+ is ERROR"),
    ],
)
def test_what_is_passed_on_and_not_delivered_fails(home: Path, what: str, reason: str) -> None:
    north(home, what)
    ran = scenario(home, "processed", "dead_letter", "--json")
    assert ran.code == 1, ran.out + ran.err
    found = verdicts(ran)
    assert found["processed"]["passed"] is False
    assert re.fullmatch(reason, found["processed"]["reason"])
    assert found["dead_letter"]["passed"] is None
    assert found["dead_letter"]["reason"].endswith("give one with --message dead_letter=FILE")


def test_another_disposition_fails_and_the_message_is_ones_own(home: Path) -> None:
    lab(home)
    (home / "result.hl7").write_text("MSH|^~\\&|A|B|C|D|20260101||ORU^R01|M1|T|2.5.1\nPID|1||SECRET\n")
    ran = scenario(home, "filtered", "--message", "filtered=result.hl7", "--inbound", "IB_LAB")
    assert ran.code == 1
    assert "FAILED: expected FILTERED, found PROCESSED" in ran.out
    assert "delivered to OB_LAB" in ran.out
    assert "result.hl7" in ran.out
    assert ran.out.endswith("1 scenario: 0 passed, 1 failed\n")
    assert "SECRET" not in ran.out + ran.err


def test_a_refused_message_is_an_error_with_its_answer(home: Path) -> None:
    lab(home)
    (home / "long.hl7").write_text(f"MSH|^~\\&|A|B|C|D|20260101||ORU^R01|M1|T|2.5.1\rOBX|1|TX|||{60_000 * 'X'}\r")
    found = verdicts(scenario(home, "error", "--message", "error=long.hl7", "--json"))["error"]
    assert found["passed"], found
    assert found["found"] == "ERROR"
    assert found["answer"] == "AE"


@contextmanager
def engine(home: Path) -> Iterator[None]:
    with serving(home) as served:
        served.until(READY)
        yield


def test_the_running_engine_is_proven_with_the_harness_as_its_partner(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port, _ = lab(home)
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with engine(home):
        assert run(["harness", "scenario", "processed", "--running"]) == 2
        assert run(["harness", "scenario", "dead_letter", "--running", "-y"]) == 2
        ran = scenario(home, "processed", "filtered", "dead_letter", "--running", "--partner", "OB_LAB", "-y", "--json")
        there = scenario(home, "filtered", "--running", "-y", "--to", f"127.0.0.1:{port}", "--json")
        rows = json.loads(program("messages", "list", "--json", cwd=home).out)
    said = capsys.readouterr()
    assert "Nobody can be asked here: repeat the command with --yes" in said.err
    assert "not tried: give --partner OUTBOUND" in said.out
    assert ran.code == 0, ran.out + ran.err
    found = verdicts(ran)
    assert [found[name]["passed"] for name in ("processed", "filtered", "dead_letter")] == [True] * 3
    assert "OB_LAB dead letter: the partner answered AR" in found["dead_letter"]["trail"]
    assert found["dead_letter"]["trail"][-1] == "delivered to OB_LAB"
    assert len(list((home / "folder").glob("*.hl7"))) == 2
    assert {row["id"] for row in rows} == {
        *(each["message_id"] for each in found.values()),
        verdicts(there)["filtered"]["message_id"],
    }


def test_a_message_that_is_not_settled_in_time_fails_with_what_it_waits_for(home: Path) -> None:
    _, there = lab(home)
    with engine(home):
        ran = scenario(home, "processed", "--running", "-y", "--timeout", 3, "--json")
        backlog = scenario(home, "dead_letter", "--running", "-y", "--partner", "OB_LAB")
    assert ran.code == 1
    found = verdicts(ran)["processed"]
    assert found["found"] == "ROUTED"
    assert found["reason"].startswith("it is not settled after 3 s; OB_LAB: tried ")
    assert found["reason"].endswith(f"last: 127.0.0.1:{there}: Connection refused")
    assert backlog.code == 2
    assert "--partner OB_LAB: there is a backlog of 1 message, which the harness would take" in backlog.err


def test_a_lane_that_gives_up_too_soon_fails(home: Path) -> None:
    """The engine runs with another configuration than the one that says what is to be expected of it."""
    lab(home, attempts=1)
    with engine(home):
        module = home / "config" / "lab.py"
        (home / "meant").mkdir()
        (home / "meant" / "lab.py").write_text(module.read_text().replace("max_attempts=1", "max_attempts=5"))
        ran = scenario(home, "dead_letter", "--running", "-y", "--partner", "OB_LAB", "--config", "meant", "--json")
    assert ran.code == 1, ran.out + ran.err
    found = verdicts(ran)["dead_letter"]
    assert found["reason"] == "OB_LAB gave up at the first AE and did not try again"
    assert found["found"] == "ERROR"


def test_what_the_engine_calls_delivered_must_have_come(home: Path) -> None:
    lab(home)
    module = home / "config" / "lab.py"
    module.write_text(module.read_text().replace("), retry=retry)", "), retry=retry, simulate=True)"))
    with engine(home):
        ran = scenario(home, "processed", "--running", "-y", "--partner", "OB_LAB", "--json")
    assert ran.code == 1, ran.out + ran.err
    found = verdicts(ran)["processed"]
    assert found["found"] == "PROCESSED"
    assert found["reason"] == "it is called delivered, and the partner of OB_LAB has not got it"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "there is no scenario 'nothing'"),
        (["all", "--message", "processed"], "--message processed: write NAME=FILE, with one of processed, filtered"),
        (["all", "--message", "error=nowhere"], "nowhere: there is no such file or folder"),
        (["all", "--message", "error=two.hl7"], "--message error=two.hl7: two.hl7 holds 2 messages"),
        (["all", "--message", "error=no.hl7"], "--message error=no.hl7: no.hl7 holds no HL7 v2 message"),
        (["all", "--messages", "nowhere"], "nowhere: there is no such file or folder"),
        (["all", "--inbound", "IB_LUB"], "--inbound IB_LUB: no such inbound can be sent to: did you mean 'IB_LAB'?"),
        (["all", "--inbound", "IB_FOLDER"], "--inbound IB_FOLDER takes text: the scenarios are told apart by MSH-10"),
        (["all", "--to", "127.0.0.1:1"], "--to and --partner are about an engine that runs: say --running too"),
        (["all", "--running"], "no engine runs on the store "),
        (["all", "--config", "nowhere"], "nowhere: does not exist"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    home: Path,
    arguments: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lab(home)
    message = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|M1|T|2.5.1\r"
    (home / "two.hl7").write_text(2 * message)
    (home / "no.hl7").write_text("nothing of the kind")
    monkeypatch.chdir(home)
    assert run(["harness", "scenario", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_broken_configuration_is_named_before_anything_starts(home: Path) -> None:
    lab(home)
    (home / "config" / "lab.py").write_text("import nothing_of_the_kind\n")
    ran = scenario(home, "all")
    assert ran.code == 2
    assert "nothing_of_the_kind" in ran.err
    assert not ran.out


def engine_in(folder: Path) -> int:
    """The process id of the throwaway engine whose store is in a folder; 0 for none."""
    ran = subprocess.run(["ps", "-wweo", "pid,args"], capture_output=True, text=True, check=True)
    found = [line for line in ran.stdout.splitlines() if "cli.harness_engine" in line and str(folder) in line]
    return int(found[0].split()[0]) if found else 0


@contextmanager
def trying(home: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, at the moment at which its engine is there."""
    lab(home)
    tmp = home.parent / "tmp"
    with subprocess.Popen(
        [sys.executable, "-m", "messagefoundry", "harness", "scenario", "dead_letter"],
        cwd=home,
        env=environment({"TMPDIR": str(tmp)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: list(tmp.glob("*/scenario.db.sock")) or process.poll() is not None, "the engine is there")
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_engine_outlives_the_command(home: Path, number: signal.Signals) -> None:
    tmp = home.parent / "tmp"
    with trying(home) as process:
        process.send_signal(number)
        process.wait(30)
    until(lambda: not engine_in(tmp), "the engine has gone")
    assert os.listdir(tmp) == [] or number is signal.SIGKILL


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps")
def test_an_engine_that_dies_meanwhile_is_told_of(home: Path) -> None:
    with trying(home) as process:
        process.send_signal(signal.SIGSTOP)  # a trial takes 0.2 s at least: it has not ended yet
        there = engine_in(home.parent / "tmp")
        assert there
        os.kill(there, signal.SIGKILL)
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1, out + err
    assert err.startswith("Error: the throwaway engine ended with code -9:\n")
    assert "Traceback" not in err


def test_the_scaffold_prints_what_the_page_shows_and_stays_untouched(home: Path) -> None:
    page = (ROOT / "docs" / "harness.md").read_text("utf-8")
    typed, shown = (block.text for block in blocks_of(ROOT / "docs" / "harness.md", page)[:2])
    init, _, call = (line.split()[1:] for line in typed.splitlines())
    assert program(*init, cwd=home).code == 0
    before = files(home)
    ran = program(*call, cwd=home / init[1])
    assert ran.code == 0, ran.out + ran.err
    assert files(home) == before
    assert NUMBER.sub("#", ran.out) == NUMBER.sub("#", shown)
