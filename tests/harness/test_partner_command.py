from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest

from messagefoundry.cli.harness_partner import Tally
from messagefoundry.cli.program import run
from messagefoundry.harness.acts import Act
from messagefoundry.harness.headers import Header
from messagefoundry.harness.partner import deliver
from messagefoundry.harness.scripted_partner import Received
from tests.cli.running import environment, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "TESTWELL"


def message(control_id: str) -> bytes:
    return f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|{control_id}|T|2.5.1\rPID|1||{SECRET}\r".encode()


def batch(control_id: str, *messages: str) -> bytes:
    header = f"BHS|^~\\&|A|B|C|D|20260101||||{control_id}\r".encode()
    return header + b"".join(map(message, messages)) + f"BTS|{len(messages)}\r".encode()


class PartnerProcess:
    """A running `harness partner --json`, its port, and what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.port: int = self.read()["listening"]["port"]

    @property
    def out(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def read(self) -> dict[str, Any]:
        line = self.out.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> list[dict[str, Any]]:
        """Wait for its end; the lines that were not read yet."""
        out, _ = self.process.communicate(timeout=30)
        return [json.loads(line) for line in out.splitlines()]


@contextmanager
def partner(directory: Path, *arguments: object) -> Iterator[PartnerProcess]:
    with subprocess.Popen(
        [sys.executable, "-m", "messagefoundry", "harness", "partner", "--port", "0", "--json", *map(str, arguments)],
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            yield PartnerProcess(process)
        finally:
            watchdog.cancel()
            process.kill()


def test_without_a_script_all_is_accepted_until_the_count_and_counted(tmp_path: Path) -> None:
    with partner(tmp_path, "--count", 3) as there:
        sent = [message("M1"), message("M2"), message("M2")]
        codes = [answer.code for answer in deliver(sent, there.port)]
        *lines, last = there.end()
        assert there.process.returncode == 0
    assert codes == ["AA"] * 3
    assert [(each["message_type"], each["control_id"], each["answer"]) for each in lines] == [
        ("ADT^A01", "M1", "AA"),
        ("ADT^A01", "M2", "AA"),
        ("ADT^A01", "M2", "AA"),
    ]
    assert last == {
        "messages": 3,
        "different": 2,
        "batches": 0,
        "connections": 1,
        "answers": {"AA": 3},
        "complete": True,
    }


def test_a_script_file_decides_and_ctrl_c_ends_it_with_the_counts(tmp_path: Path) -> None:
    (tmp_path / "faults.txt").write_text("AE   # once\nfail 1 with AR then CA\n")
    with partner(tmp_path, "--script-file", "faults.txt") as there:
        codes = [answer.code for answer in deliver(map(message, "1234"), there.port)]
        lines = [there.read() for _ in range(4)]
        there.process.send_signal(signal.SIGINT)
        (last,) = there.end()
        assert there.process.returncode == 0
    assert codes == [each["answer"] for each in lines] == ["AE", "AR", "CA", "AA"]
    assert last["answers"] == {"AE": 1, "AR": 1, "CA": 1, "AA": 1}


def test_what_is_printed_for_people_has_no_content(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "messagefoundry", "harness", "partner", "--port", "0", "--count", "2"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        port = int(first.split(":")[1].split(";")[0])
        list(deliver([message("M1"), b"no message at all\r"], port))
        out, _ = process.communicate(timeout=30)
    lines = out.splitlines()
    assert first.startswith("listening on 127.0.0.1:")
    assert lines[0].split()[2:] == ["ADT^A01", "M1", "AA"]
    assert lines[1].split()[2:] == ["no", "MSH-9", "no", "MSH-10", "AA"]
    assert lines[2] == "2 messages, 2 different, on 1 connection: 2 AA"
    assert SECRET not in out
    assert "no message at all" not in out


def test_a_batch_is_shown_and_counted_by_its_messages(tmp_path: Path) -> None:
    with partner(tmp_path, "--count", 4, "--save", "kept", "--script", "AE; each AA AE") as there:
        sent = [batch("B1", "M1", "M2"), batch("B2", "M1", "M3")]
        list(deliver(sent, there.port))
        first, second, last = there.end()
    assert (first["batch"], first["answer"]) == ("B1", "AE")
    assert first["messages"] == [
        {"message_type": "ADT^A01", "control_id": "M1", "answer": "AE"},
        {"message_type": "ADT^A01", "control_id": "M2", "answer": "AE"},
    ]
    assert (second["batch"], second["answer"]) == ("B2", "each AA AE")
    assert [each["answer"] for each in second["messages"]] == ["AA", "AE"]
    assert (last["messages"], last["different"], last["batches"]) == (4, 3, 2)
    assert last["answers"] == {"AE": 3, "AA": 1}
    assert [path.name for path in sorted((tmp_path / "kept").iterdir())] == ["0001-B1.hl7", "0002-B2.hl7"]
    assert (tmp_path / "kept" / "0001-B1.hl7").read_bytes() == sent[0]


def test_people_get_a_line_for_a_batch_and_one_for_each_of_its_messages(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally(as_json=False, count=None)
    header = Header("ADT^A01", "M1")
    tally.note(Received(0, "", "B1", (header, Header("", "")), True, b""), Act("AA", 2.0, ("AA", "AE")))
    tally.note(Received(1, "", "M1", (header,), False, b""), Act("AA", each=("AA", "AE")))
    tally.conclude(1)
    of_batch, first, second, alone, last = capsys.readouterr().out.splitlines()
    assert of_batch.split()[2:] == ["batch", "B1,", "2", "messages", "each", "AA", "AE", "after", "2", "s"]
    assert first.split() == ["ADT^A01", "M1", "AA"]
    assert second.split() == ["no", "MSH-9", "no", "MSH-10", "AE"]
    assert alone.split()[2:] == ["ADT^A01", "M1", "AA"]
    assert alone.index("M1") == first.index("M1"), "one below the other"
    assert last == "3 messages, 2 different, in 1 batch, on 1 connection: 2 AA, 1 AE"


def test_messages_are_kept_as_they_came_for_their_owner_alone(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for _ in range(2):
        with partner(tmp_path, "--save", kept, "--count", 2) as there:
            list(deliver([message("M1"), message("../M2")], there.port))
            there.end()
    assert [path.name for path in sorted(kept.iterdir())] == [
        "0001-M1.hl7",
        "0002-.._M2.hl7",
        "0003-M1.hl7",
        "0004-.._M2.hl7",
    ]
    assert (kept / "0001-M1.hl7").read_bytes() == message("M1")
    assert {path.stat().st_mode & 0o777 for path in kept.iterdir()} == {0o600}
    assert kept.stat().st_mode & 0o777 == 0o700


def test_what_cannot_be_kept_is_not_acknowledged(tmp_path: Path) -> None:
    with partner(tmp_path, "--save", "kept") as there:
        (tmp_path / "kept").rmdir()
        with pytest.raises(ConnectionError):
            list(deliver([message("M1")], there.port))
        _, err = there.process.communicate(timeout=30)
        assert there.process.returncode == 1
    assert (
        err == "Error: kept/0001-M1.hl7: cannot be written: No such file or directory; the message was not answered\n"
    )


def test_too_few_within_the_time_is_not_fine(tmp_path: Path) -> None:
    with partner(tmp_path, "--count", 1, "--within", 0.3) as there:
        (last,) = there.end()
        assert there.process.returncode == 1
    assert last["messages"] == 0
    assert not last["complete"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--script", "AA; what"], "--script: 'what': 'what' is no answer: there are AA"),
        (["--script", "AA", "--script-file", "x"], "give --script or --script-file, not both"),
        (["--script-file", "nowhere.txt"], "nowhere.txt: No such file or directory"),
        (["--script-file", "binary.txt"], "binary.txt: is no text"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:0: "),
        (["--save", "nowhere/kept"], "nowhere/kept: messages cannot be kept there: there is no folder nowhere"),
        (["--script", "AA; repeat; AE"], "--script: 'repeat' may only stand last"),
        (["--save", "binary.txt"], "binary.txt: messages cannot be kept there: "),
    ],
)
def test_a_wrong_call_is_one_sentence(
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    monkeypatch.chdir(tmp_path)
    assert run(["harness", "partner", "--port", "0", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"Error: {sentence}")
    assert err.count("\n") == 1
    assert not (tmp_path / "nowhere").exists()


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with partner(tmp_path) as there:
        ran = program("harness", "partner", "--port", there.port, cwd=tmp_path)
    assert ran.code == 2
    assert ran.err == f"Error: cannot listen on 127.0.0.1:{there.port}: Address already in use\n"
