from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from messagefoundry.cli import watch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Command

FEED = """
from messagefoundry import MLLP, File, Send, current_environment, handler, inbound, outbound, router

inbound("IB_ADT", MLLP(port=2601), router="all")
inbound("IB_LAB", MLLP(port=2602), router="lab")
outbound("OB_A", File(directory="a"))
outbound("OB_B", File(directory="b"), simulate=True)


@router("all")
def everything(msg):
    return ["edit", "declines", "breaks"] if msg["MSH-10"] == "BREAK" else ["edit", "declines"]


@router("lab")
def lab(msg):
    return None


@handler("edit")
def edit(msg):
    same = msg.copy()
    msg["PID-5.1"] = "CHANGED"
    msg["MSH-6"] = current_environment() or "none"
    return [Send("OB_A", msg), Send("OB_B", same)]


@handler("declines", accepts=lambda msg: False)
def declines(msg):
    raise AssertionError


@handler("breaks")
def breaks(msg):
    raise ValueError(msg["PID-5.1"])
"""
MESSAGE = "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|{}|T|2.5.1\rPID|1||1||TESTWELL^ADA\r"


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = tmp_path / "config"
    config.mkdir(mode=0o700)
    (config / "feed.py").write_text(FEED)
    (tmp_path / "messagefoundry.toml").write_text('[ai]\nenvironment = "dev"\n')
    (tmp_path / "one.hl7").write_text(MESSAGE.format("ONE"), newline="")
    (tmp_path / "two.hl7").write_text(MESSAGE.format("TWO") + MESSAGE.format("BREAK"), newline="")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_paths_are_shown_and_values_only_when_asked_for(feed: Path, command: Command) -> None:
    ran = command("dryrun", "one.hl7", "--inbound", "IB_ADT")
    assert ran.code == 0
    assert "        PID-5\n" in ran.out
    assert "edit -> OB_B [SIMULATED]: as received, to the byte" in ran.out
    assert "declined by declines" in ran.out
    assert "CHANGED" not in ran.out
    assert "TESTWELL" not in ran.out

    shown = command("dryrun", "one.hl7", "--inbound", "IB_ADT", "--show-phi").out
    assert "PID-5: 'TESTWELL^ADA' -> 'CHANGED^ADA'" in shown


def test_programs_get_the_same_and_no_values_either(feed: Path, command: Command) -> None:
    ran = command("dryrun", "one.hl7", "--inbound", "IB_ADT", "--json")
    (found,) = json.loads(ran.out)
    assert found["disposition"] == "PROCESSED"
    assert found["declined"] == ["declines"]
    assert [(each["to"], [change["path"] for change in each["changes"]]) for each in found["deliveries"]] == [
        ("OB_A", ["MSH-6", "PID-5"]),
        ("OB_B", []),
    ]
    assert "before" not in ran.out


def test_a_handler_that_raises_is_an_error_without_its_text(feed: Path, command: Command) -> None:
    ran = command("dryrun", "two.hl7", "--inbound", "IB_ADT")
    assert ran.code == 1
    assert "ERROR      IB_ADT  ADT^A01  BREAK  two.hl7#2" in ran.out
    assert "error ValueError at feed.py:" in ran.out
    assert "(the whole error: dryrun --show-phi)\n" in ran.out
    assert "TESTWELL" not in ran.out
    assert "2 messages: 1 PROCESSED, 1 ERROR" in ran.out
    assert "TESTWELL" in command("dryrun", "two.hl7", "--inbound", "IB_ADT", "--show-phi").out


def test_the_environment_is_none_unless_chosen(feed: Path, command: Command) -> None:
    without = command("dryrun", "one.hl7", "--inbound", "IB_ADT", "--show-phi").out
    assert "MSH-6: 'D' -> 'none'" in without
    chosen = command("dryrun", "one.hl7", "--inbound", "IB_ADT", "--show-phi", "--env", "dev").out
    assert "MSH-6: 'D' -> 'dev'" in chosen


def test_a_file_goes_to_the_inbound_that_its_path_names(feed: Path, command: Command) -> None:
    (feed / "sets" / "ib_lab").mkdir(parents=True)
    (feed / "sets" / "ib_lab" / "r01.hl7").write_text(MESSAGE.format("LAB"), newline="")
    (feed / "sets" / "IB_ADT-a01.hl7").write_text(MESSAGE.format("ADT"), newline="")
    found = json.loads(command("dryrun", "sets", "--json").out)
    assert [(each["control_id"], each["inbound"]) for each in found] == [("ADT", "IB_ADT"), ("LAB", "IB_LAB")]


def test_other_files_go_to_every_hl7_inbound(feed: Path, command: Command) -> None:
    found = json.loads(command("dryrun", "one.hl7", "--json").out)
    assert [each["inbound"] for each in found] == ["IB_ADT", "IB_LAB"]


def test_what_intake_refuses_is_an_error(feed: Path, command: Command) -> None:
    (feed / "bad.hl7").write_bytes(b"PID|1||TESTWELL\r")
    ran = command("dryrun", "bad.hl7", "--inbound", "IB_LAB")
    assert ran.code == 1
    assert "refused on receipt: No readable MSH segment" in ran.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("one.hl7", "--inbound", "IB_ADTT"), "there is no inbound 'IB_ADTT': did you mean 'IB_ADT'?"),
        (("none.hl7",), "none.hl7: there is no such file or folder"),
        (("config",), "there is no message in config"),
    ],
)
def test_mistakes_of_the_call(feed: Path, command: Command, arguments: tuple[str, ...], sentence: str) -> None:
    ran = command("dryrun", *arguments)
    assert ran.code == 2
    assert sentence in ran.err


def test_check_fails_when_a_message_would(feed: Path, command: Command) -> None:
    assert command("check", "--messages", "one.hl7", "--no-lint").code == 0
    ran = command("check", "--messages", "two.hl7", "--no-lint")
    assert ran.code == 1
    assert "check failed" in ran.out


def test_check_says_loudly_that_nothing_was_run(feed: Path, command: Command) -> None:
    ran = command("check", "--no-lint")
    assert ran.code == 0
    assert "DRYRUN SKIPPED" in ran.out
    assert json.loads(command("check", "--no-lint", "--json").out)["dryrun"] is None


def test_check_names_every_problem_and_skips_the_dryrun(feed: Path, command: Command) -> None:
    (feed / "config" / "wrong.py").write_text(
        'from messagefoundry import MLLP, inbound\ninbound("IB_X", MLLP(port=2603, tsl=True), router="nobody")\n'
    )
    ran = command("check", "--messages", "one.hl7", "--no-lint", "--json")
    assert ran.code == 1
    found = json.loads(ran.out)
    assert found["valid"] is False
    assert [problem["line"] for problem in found["problems"]] == [2, 2]
    assert "tls" in str(found["problems"])


def test_a_handler_that_sends_nothing_is_shown(feed: Path, command: Command) -> None:
    file = feed / "config" / "feed.py"
    file.write_text(file.read_text() + '\n\n@handler("quiet")\ndef quiet(msg):\n    return None\n')
    file.write_text(file.read_text().replace('else ["edit"', 'else ["quiet", "edit"'))
    assert "    quiet: nothing sent\n" in command("dryrun", "one.hl7", "--inbound", "IB_ADT").out


def test_a_handler_that_does_not_return_is_told_once_for_each_message(
    feed: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = feed / "config" / "feed.py"
    waits = "    import threading\n    threading.Event().wait(0.5)\n"
    module.write_text(FEED.replace("    same = msg.copy()\n", waits + "    same = msg.copy()\n"))
    call = ["dryrun", "one.hl7", "two.hl7", "--inbound", "IB_ADT"]
    assert command(*call).err == ""
    monkeypatch.setattr(watch, "LONG_SECONDS", 0.1)
    told = command(*call).err.splitlines()
    assert [line.split()[1] for line in told] == ["one.hl7", "two.hl7#1", "two.hl7#2"]
    assert told[0] == "message one.hl7 has been running for 0 s; Ctrl-C ends it and shows where"
    assert command(*call, "--json").err == ""


PASSING = """
from messagefoundry import MLLP, File, PassThrough, Send, handler, inbound, outbound, router

inbound("IB_ADT", MLLP(port=2601), router="all")
inbound("IB_CLEAN", PassThrough(), router="clean")
outbound("OB_A", File(directory="a"))


@router("all")
def everything(msg):
    return "tidy"


@router("clean")
def clean(msg):
    return "onward"


@handler("tidy")
def tidy(msg):
    msg["PID-5.1"] = "CHANGED"
    return Send("IB_CLEAN", msg)


@handler("onward")
def onward(msg):
    msg["PID-3"] = "2"
    return Send("OB_A", msg)
"""


def test_what_is_passed_on_shows_its_changes_and_is_no_message_more(feed: Path, command: Command) -> None:
    (feed / "config" / "feed.py").write_text(PASSING)
    ran = command("dryrun", "one.hl7", "--inbound", "IB_ADT")
    assert ran.code == 0, ran.err
    assert "    -> IB_CLEAN, as it follows: 1 field differs\n        PID-5\n" in ran.out
    assert "    onward -> OB_A: 1 field differs\n        PID-3\n" in ran.out
    assert ran.out.endswith("1 message: 1 PROCESSED; of what was passed on within the engine 1 PROCESSED\n")
    assert "CHANGED" not in ran.out
    one, there = json.loads(command("dryrun", "one.hl7", "--inbound", "IB_ADT", "--json").out)
    assert (one["onward"], there["onward"]) == (False, True)
    (passed,) = one["passed"]
    assert (passed["to"], [each["path"] for each in passed["changes"]]) == ("IB_CLEAN", ["PID-5"])
