"""`messagefoundry generate` as it is typed."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from messagefoundry.cli.program import run
from messagefoundry.generate import KINDS, kinds_named, series
from tests.cli.running import Command, Ran, program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def command(capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run one command line in this process."""

    def call(*arguments: object) -> Ran:
        code = run([str(argument) for argument in arguments])
        captured = capfdbinary.readouterr()
        return Ran(code, captured.out.decode(), captured.err.decode())

    return call


def expected(types: list[str], count: int, seed: int = 1) -> list[bytes]:
    return [each.raw for each in islice(series(kinds_named(types), seed), count)]


def test_the_list_has_every_type(command: Command) -> None:
    listed = json.loads(command("generate", "--list", "--json").out)
    assert [each["type"] for each in listed] == [kind.name for kind in KINDS]
    lines = command("generate", "--list", "--type", "VXU").out.splitlines()
    assert [line.split() for line in lines][1:] == [["VXU^V04", "VXU_V04", "Vaccination", "record", "update"]]


def test_a_folder_gets_one_file_a_message(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "new" / "fixtures"
    ran = command("generate", "--type", "ADT", "--count", 50, "--out", out)
    assert (ran.code, ran.out) == (0, f"50 messages of 50 types written to {out} (seed 1)\n")
    files = sorted(out.iterdir())
    assert [file.name for file in files[:2]] == ["0001-ADT-A01.hl7", "0002-ADT-A02.hl7"]
    assert [file.read_bytes() for file in files] == expected(["ADT"], 50)


def test_writing_the_same_again_changes_nothing_and_more_adds_to_it(command: Command, tmp_path: Path) -> None:
    assert command("generate", "--type", "ORU", "--count", 3, "--out", tmp_path).code == 0
    assert command("generate", "--type", "ORU", "--count", 4, "--out", tmp_path).code == 0
    assert [file.read_bytes() for file in sorted(tmp_path.iterdir())] == expected(["ORU"], 4)


def test_a_file_that_says_something_else_is_left_as_it_is(command: Command, tmp_path: Path) -> None:
    mine = tmp_path / "0001-ORU-R01.hl7"
    mine.write_text("mine")
    ran = command("generate", "--type", "ORU", "--out", tmp_path)
    assert ran.code == 2
    assert ran.err == (
        f"Error: {mine}: is there and says something else: remove it, or name another place with --out\n"
    )
    assert mine.read_text() == "mine"


def test_a_file_gets_all_messages(command: Command, tmp_path: Path) -> None:
    facts = json.loads(command("generate", "--type", "SIU", "--count", 20, "--out", tmp_path / "all.hl7", "--json").out)
    assert (tmp_path / "all.hl7").read_bytes() == b"".join(expected(["SIU"], 20))
    assert (facts["seed"], facts["count"], sum(facts["types"].values())) == (1, 20, 20)
    assert facts["types"]["SIU^S12"] == 2


def test_a_folder_where_a_file_stands_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    ran = command("generate", "--type", "ORU", "--out", tmp_path / "taken")
    assert ran.code == 2
    assert "cannot be written" in ran.err


def test_standard_output_has_the_bytes(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "messagefoundry", "generate", "--type", "ADT^A01", "--type", "ORU", "--seed", "4"]
    printed = subprocess.run(call, capture_output=True, check=True, cwd=tmp_path).stdout
    assert printed == b"".join(expected(["ADT^A01", "ORU"], 2, seed=4))


def test_json_has_the_messages(command: Command) -> None:
    facts = json.loads(command("generate", "--type", "MFN", "--json").out)
    assert [each["message"].encode() for each in facts["messages"]] == expected(["MFN"], 3)
    assert [each["type"] for each in facts["messages"]] == ["MFN^M02", "MFN^M04", "MFN^M05"]


def test_an_unknown_type_is_one_sentence(command: Command) -> None:
    ran = command("generate", "--type", "ORU^R1")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "Error: there is no message type 'ORU^R1': did you mean 'ORU^R01'?\n"


def test_generated_messages_pass_a_dry_run(tmp_path: Path) -> None:
    assert program("init", "interfaces", cwd=tmp_path).code == 0
    home = tmp_path / "interfaces"
    assert program("generate", "--type", "ADT", "--count", "5", "--out", "made", cwd=home).code == 0
    ran = program("dryrun", "--config", "config", "made", cwd=home)
    assert ran.code == 0, ran.out + ran.err


def test_on_a_terminal_there_is_a_bar_and_segments_stand_on_lines(tmp_path: Path) -> None:
    written = typed(tmp_path, "--count", "30", "--out", "made")
    assert "generating" in written
    assert "30 messages of 30 types written to made (seed 1)" in written
    shown = typed(tmp_path, "--type", "ADT^A20")
    assert [line[:4] for line in shown.replace("\r\n", "\n").splitlines() if line] == ["MSH|", "EVN|", "NPU|"]


def typed(home: Path, *arguments: str) -> str:
    """What `generate` shows on a terminal."""
    ours, theirs = pty.openpty()
    call = [sys.executable, "-m", "messagefoundry", "generate", *arguments]
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(call, stdout=theirs, stdin=subprocess.DEVNULL, cwd=home, env=environ):
        os.close(theirs)
        text = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    return text.decode()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that the other side is closed
        return b""
