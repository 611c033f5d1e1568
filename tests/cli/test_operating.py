"""Commands of an operator against a running engine, and against its store when it does not run."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.cli.reload import show
from messagefoundry.testing import free_port
from tests.cli.running import READY, Command, Serving, environment, program, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEED = """
from messagefoundry import MLLP, File, RetryPolicy, Send, handler, inbound, outbound, router

inbound("IB_ADT", MLLP(port={port}), router="route")
outbound("OB_FILE", File(directory="out", filename="{{work_id}}.hl7"))
outbound("OB_DEAD", MLLP(host="127.0.0.1", port={dead}), retry=RetryPolicy(backoff_seconds=60))


@router("route")
def route(msg):
    return ["both"]


@handler("both")
def both(msg):
    if msg["MSH-10"].startswith("BAD"):
        raise ValueError(msg["PID-5.1"])
    return [Send("OB_FILE", msg), Send("OB_DEAD", msg)]
"""
MESSAGE = "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|{}|T|2.5.1\rPID|1||1||TESTWELL^ADA\r"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").mkdir(mode=0o700)
    (tmp_path / "config" / "feed.py").write_text(FEED.format(port=free_port(), dead=free_port()))
    (tmp_path / "messagefoundry.toml").write_text('[ai]\nenvironment = "dev"\n[api]\nport = 0\n')
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MEFOR_")]:
        monkeypatch.delenv(name)
    return tmp_path


@contextmanager
def running(place: Path) -> Iterator[Serving]:
    with serving(place) as engine:
        engine.until(READY)
        yield engine


def receive(place: Path, command: Command, *control_ids: str) -> None:
    (place / "messages.hl7").write_text("".join(map(MESSAGE.format, control_ids)), newline="")
    port = json.loads(command("graph", "--json").out)["inbounds"][0]["endpoint"]
    assert command("send", port, "messages.hl7").code == 0


def facts(command: Command, *arguments: object) -> Any:
    ran = command(*arguments, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def wait_for(command: Command, wanted: Any, *arguments: object) -> Any:
    """Ask until the answer is as wanted; the engine works meanwhile."""
    end = time.monotonic() + 20
    while not wanted(found := facts(command, *arguments)):
        assert time.monotonic() < end, found
    return found


def test_why_a_lane_waits_and_how_it_is_unblocked(place: Path, command: Command) -> None:
    with running(place) as engine:
        receive(place, command, "ONE", "TWO")
        wait_for(command, lambda found: found["head"] and found["head"]["attempts"] == 1, "status", "OB_DEAD")

        (line,) = command("status", "OB_DEAD").out.splitlines()
        first = facts(command, "messages", "list")[0]["id"]
        assert line.startswith("OB_DEAD: 2 waiting, oldest since 20")
        assert f"head is message {first}, MSH-10 ONE" in line
        assert "tried 1 time, last: " in line
        assert "Connection refused" in line
        test = "messagefoundry connections test OB_DEAD"
        assert "; it is tried again by itself, next try 20" in line
        assert line.endswith(f"it goes on when that is mended; to look now: {test}")
        assert "to unblock" not in line

        assert command("messages", "dead-letter", first, "--to", "OB_DEAD").code == 0
        wait_for(command, lambda found: found["head"]["control_id"] == "TWO", "status", "OB_DEAD")
        (dead,) = facts(command, "dead-letters", "list")["dead_letters"]
        assert (dead["control_id"], dead["lane"], dead["stage"]) == ("ONE", "OB_DEAD", "outbound")

        assert facts(command, "dead-letters", "replay", dead["id"]) == {"selected": 1, "count": 1}
        assert facts(command, "status", "OB_DEAD")["waiting"] == 2
        assert facts(command, "status")["engine"] == "running"
        assert engine.stop() == 0


def test_connections_are_stopped_started_and_tested(place: Path, command: Command) -> None:
    with running(place) as engine:
        assert command("connections", "stop", "OB_FILE").out == "OB_FILE: stopped\n"
        states = {each["name"]: (each["state"], each["held"]) for each in facts(command, "connections", "list")}
        assert states == {"IB_ADT": ("running", False), "OB_FILE": ("stopped", True), "OB_DEAD": ("running", False)}
        assert "nothing waits, stopped by an operator since " in command("status", "OB_FILE").out
        receive(place, command, "ONE")
        wait_for(command, lambda found: found["waiting"] == 1, "status", "OB_FILE")
        line = command("status", "OB_FILE").out
        assert "1 waiting, " in line
        assert "stopped by an operator since " in line
        assert line.rstrip().endswith("to unblock: messagefoundry connections start OB_FILE")

        assert command("connections", "start", "OB_FILE").out == "OB_FILE: running\n"
        wait_for(command, lambda found: found["waiting"] == 0, "status", "OB_FILE")
        assert [event["kind"] for event in facts(command, "connections", "events", "OB_FILE")][-2:] == [
            "released",
            "started",
        ]

        tested = command("connections", "test", "OB_FILE", "OB_DEAD")
        assert tested.code == 1
        assert tested.out.startswith("OB_FILE: directory ")
        assert "Connection refused" in tested.err

        for asked in ("start", "stop"):
            unknown = command("connections", asked, "OB_FILE", "OB_FLIE")
            assert unknown.code == 2
            assert "no Connection is named OB_FLIE" in unknown.err
            assert unknown.out == ""
        assert facts(command, "status", "OB_FILE")["held"] is False
        assert engine.stop() == 0


def test_replay_and_resend_select_ask_and_count(place: Path, command: Command) -> None:
    with running(place) as engine:
        receive(place, command, "ONE", "BAD", "TWO")
        wait_for(command, lambda found: found["total"] == 1, "dead-letters", "list")

        listed = command("messages", "list", "--disposition", "error")
        assert "BAD" in listed.out
        assert "ONE" not in listed.out

        unasked = command("messages", "replay", "--disposition", "ERROR")
        assert unasked.code == 2
        assert "replay: 1 message. Go on? Nobody can be asked here: repeat the command with --yes" in unasked.err
        assert command("messages", "replay").code == 2
        assert command("messages", "replay", "5", "--all").code == 2

        replayed = command("messages", "replay", "--disposition", "ERROR", "--yes")
        assert replayed.out == "replay: 1 of 1 message\n"
        wait_for(command, lambda found: found["total"] == 1, "dead-letters", "list")

        wait_for(command, lambda found: found["waiting"] == 0, "status", "OB_FILE")
        before = len(list((place / "out").iterdir()))
        assert facts(command, "messages", "resend", "--all", "--to", "OB_FILE", "--yes")["count"] == 2
        wait_for(command, lambda found: found["waiting"] == 0, "status", "OB_FILE")
        assert len(list((place / "out").iterdir())) == before + 2
        assert engine.stop() == 0


def test_an_error_shows_its_first_line_and_a_body_only_when_asked_for(place: Path, command: Command) -> None:
    with running(place) as engine:
        receive(place, command, "BAD")
        (dead,) = wait_for(command, lambda found: found["total"], "dead-letters", "list")["dead_letters"]
        assert engine.stop() == 0
    number = dead["message_id"]
    assert dead["error"].startswith("ValueError at feed.py:")
    for arguments in (["messages", "show", number, "--trail"], ["dead-letters", "list"], ["messages", "list"]):
        assert "TESTWELL" not in command(*arguments).out
        assert "TESTWELL" not in command(*arguments, "--json").out
    refused = command("messages", "show", number, "--body")
    assert refused.code == 2
    assert "--show-phi" in refused.err
    assert "PID|1||1||TESTWELL^ADA" in command("messages", "show", number, "--body", "--show-phi").out
    assert "TESTWELL" not in engine.text


def test_with_no_engine_changes_go_into_the_store_and_hold_at_its_next_start(place: Path, command: Command) -> None:
    with running(place) as engine:
        receive(place, command, "ONE")
        wait_for(command, lambda found: found["head"] and found["head"]["attempts"] == 1, "status", "OB_DEAD")
        assert engine.stop() == 0

    number = facts(command, "messages", "list")[0]["id"]
    assert command("connections", "stop", "OB_FILE").out == "OB_FILE: stopped\n"
    assert command("messages", "dead-letter", number, "--to", "OB_DEAD").code == 0
    assert command("messages", "dead-letter", number, "--to", "OB_DEAD").code == 1
    assert facts(command, "messages", "resend", number, "--to", "OB_FILE", "--config", "config")["count"] == 1
    assert facts(command, "status")["engine"] == "not running"
    line = command("status", "OB_FILE").out
    assert "stopped by an operator, and the engine is not running; to unblock: messagefoundry connections start" in line
    assert command("connections", "stop", "IB_ADT", "NOBODY").code == 2
    assert facts(command, "status", "IB_ADT")["held"] is False
    for needs_engine in (["reload"], ["connections", "test", "OB_FILE"]):
        ran = command(*needs_engine)
        assert ran.code == 2
        assert f"no engine runs on the store {place / 'messagefoundry.db'}" in ran.err

    with running(place) as engine:
        assert facts(command, "status", "OB_FILE")["state"] == "stopped"
        assert facts(command, "status", "OB_FILE")["waiting"] == 1
        assert facts(command, "status", "OB_DEAD")["waiting"] == 0
        assert engine.stop() == 0


def test_with_no_engine_a_resend_goes_only_where_the_configuration_has_an_outbound(
    place: Path, command: Command
) -> None:
    with running(place) as engine:
        receive(place, command, "ONE")
        wait_for(command, lambda found: found["waiting"] == 0, "status", "OB_FILE")
        assert engine.stop() == 0
    number = facts(command, "messages", "list")[0]["id"]
    unnamed = command("messages", "resend", number, "--to", "OB_FILE")
    assert unnamed.code == 2
    assert "resend --to needs a running engine, which knows the Connections, or --config DIR" in unnamed.err
    unknown = command("messages", "resend", number, "--to", "IB_ADT", "--config", "config")
    assert unknown.code == 2
    assert "IB_ADT is an inbound: --to names an outbound" in unknown.err

    feed = place / "config" / "feed.py"
    feed.write_text(feed.read_text().replace('filename="{work_id}.hl7")', 'filename="{work_id}.hl7"), simulate=True'))
    assert facts(command, "messages", "resend", number, "--to", "OB_FILE", "--config", "config")["count"] == 1
    queued = [each for each in facts(command, "messages", "show", number)["work"] if each["state"] == "waiting"]
    assert {each["lane"]: each["simulate"] for each in queued} == {"OB_DEAD": False, "OB_FILE": True}


def test_a_refused_message_says_whether_its_sender_was_answered(place: Path, command: Command) -> None:
    feed, port = place / "config" / "feed.py", free_port()
    feed.write_text(f'{feed.read_text()}\ninbound("IB_MUTE", MLLP(port={port}), router="route", ack_mode="none")\n')
    two = f"BHS|^~\\&\r{MESSAGE.format('ONE')}{MESSAGE.format('TWO')}BTS|3\r".encode()
    (place / "two.hl7").write_bytes(two)
    with running(place) as engine:
        answering = json.loads(command("graph", "--json").out)["inbounds"][0]["endpoint"]
        answered = command("send", answering, "two.hl7", "--as-is")
        assert answered.code == 1
        assert re.match(r"AE +[0-9.]+ ms .* two.hl7 +.*100 A batch does not hold as many as it says\n", answered.out)
        with socket.create_connection(("127.0.0.1", port)) as mute:
            mute.sendall(b"\x0b" + two + b"\x1c\r")
            wait_for(command, lambda found: len(found) == 2, "messages", "list")
        assert engine.stop() == 0
    answered_row, mute_row = command("messages", "list").out.splitlines()[1:]
    assert "ERROR (refused with AE 100)" in answered_row
    assert "ERROR (refused, not answered: 100)" in mute_row
    number = facts(command, "messages", "list")[1]["id"]
    trail = command("messages", "show", number, "--trail").out
    assert {each["message_type"] for each in facts(command, "messages", "list")} == {"BATCH"}
    assert "refused  IB_MUTE     100 A batch does not hold as many as it says (BTS-1 says 3, and 2 messages" in trail


def test_a_batch_and_its_messages_lead_to_each_other(place: Path, command: Command) -> None:
    (place / "two.hl7").write_text(f"BHS|^~\\&|||||||||B7\r{MESSAGE.format('ONE')}{MESSAGE.format('TWO')}BTS|2\r")
    with running(place) as engine:
        answering = json.loads(command("graph", "--json").out)["inbounds"][0]["endpoint"]
        assert "AA" in command("send", answering, "two.hl7", "--as-is").out
        batch = facts(command, "messages", "list")[0]["id"]
        again = command("messages", "replay", batch)
        shows = f"messagefoundry messages show {batch} lists"
        assert again.err == f"message {batch} is a batch: replay its messages, which {shows}\n"
        assert (again.code, again.out) == (1, "replay: 0 of 1 message\n")
        all_of_them = command("messages", "replay", "--connection", "IB_ADT", "--yes")
        assert "1 batch is not replayed: the messages that came in it are" in all_of_them.err
        assert all_of_them.out == "replay: 2 of 3 messages\n"
        assert engine.stop() == 0
    whole, one, two = facts(command, "messages", "list")[::1]
    shown = facts(command, "messages", "show", whole["id"])
    assert (whole["message_type"], whole["control_id"], whole["disposition"]) == ("BATCH", "B7", "PROCESSED")
    assert [each["id"] for each in shown["children"]] == [one["id"], two["id"]]
    assert [each["control_id"] for each in shown["children"]] == ["ONE", "TWO"]
    page = command("messages", "show", whole["id"], "--trail").out
    assert "messages that came from it" in page
    assert re.search(rf"{one['id']}  \S+ +ADT\S* +ONE ", page)
    assert re.search(r"split +\S+ +2 messages", page)
    assert f"comes from  message {whole['id']}" in command("messages", "show", one["id"]).out


def test_a_sound_store_is_said_to_be_sound_while_the_engine_runs(place: Path, command: Command) -> None:
    with running(place) as engine:
        receive(place, command, "ONE")
        sound = command("status", "--integrity")
        assert sound.code == 0, sound.err
        assert sound.out.rstrip().endswith(": sound")
        assert engine.stop() == 0
    assert facts(command, "status", "--integrity")["findings"] == []
    assert command("status", "OB_FILE", "--integrity").code == 2


@pytest.mark.parametrize("table", ["body", "messagefoundry_version"])
def test_damage_to_the_store_is_found(place: Path, command: Command, table: str) -> None:
    with running(place) as engine:
        receive(place, command, "ONE")
        assert engine.stop() == 0
    damage(place / "messagefoundry.db", table)
    damaged = command("status", "--integrity")
    assert damaged.code == 1
    assert damaged.out.startswith("damaged  ")
    assert "restore a backup" in damaged.err
    found = command("status", "--integrity", "--json")
    assert found.code == 1
    assert json.loads(found.out)["sound"] is False


def damage(path: Path, table: str) -> None:
    """Overwrite the root page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        ((root,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchall()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xa5" * 4096)


def test_nothing_is_written_under_an_engine_that_does_not_answer(place: Path, command: Command) -> None:
    with running(place) as engine:
        (place / "messagefoundry.db.sock").unlink()
        for arguments in (["connections", "stop", "OB_FILE"], ["reload"], ["messages", "replay", "--all", "--yes"]):
            receive(place, command, "ONE")
            ran = command(*arguments)
            assert ran.code == 1
            assert f"pid {engine.process.pid}" in ran.err
            assert "nothing is changed under a running engine" in ran.err
        assert engine.stop() == 0


def test_a_reload_says_what_changed_and_a_bad_one_what_is_wrong(place: Path, command: Command) -> None:
    feed = place / "config" / "feed.py"
    good = feed.read_text()
    with running(place) as engine:
        feed.write_text(good + '\noutbound("OB_NEW", File(directory="new"))\n')
        assert facts(command, "reload", "--dry-run")["added"] == ["OB_NEW"]
        assert facts(command, "reload")["added"] == ["OB_NEW"]
        feed.write_text(good + '\noutbound("OB_NEW", File(directroy="new"))\n')
        bad = command("reload")
        assert bad.code == 2
        assert "feed.py:20" in bad.err
        assert "did you mean 'directory'" in bad.err
        assert engine.stop() == 0


def test_a_list_can_be_followed(place: Path, command: Command) -> None:
    with running(place) as engine:
        receive(place, command, "ONE")
        with subprocess.Popen(
            [sys.executable, "-m", "messagefoundry", "messages", "list", "--follow", "--json"],
            cwd=place,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as following:
            assert following.stdout is not None
            assert following.stderr is not None
            assert json.loads(following.stdout.readline())["control_id"] == "ONE"
            receive(place, command, "TWO", "THREE")
            assert [json.loads(following.stdout.readline())["control_id"] for _ in range(2)] == ["TWO", "THREE"]
            following.send_signal(signal.SIGINT)
            try:
                assert following.wait(10) == 0
            finally:
                following.kill()
            assert "Traceback" not in following.stderr.read()
        assert engine.stop() == 0


def test_reading_needs_a_store(place: Path, command: Command) -> None:
    for arguments in (["messages", "list"], ["status"], ["dead-letters", "list"], ["messages", "replay", "1"]):
        ran = command(*arguments)
        assert ran.code == 2
        assert "there is no store at" in ran.err
    for needs_engine in (["reload"], ["connections", "test", "OB_FILE"], ["connections", "stop", "OB_FILE"]):
        assert command(*needs_engine).code in (1, 2)
    assert not list(place.glob("messagefoundry.db*"))


def test_what_is_not_there_is_said_to_be_not_there(place: Path, command: Command) -> None:
    with running(place) as engine:
        receive(place, command, "ONE")
        wait_for(command, lambda found: found["waiting"] == 0, "status", "OB_FILE")
        assert engine.stop() == 0
    number = facts(command, "messages", "list")[0]["id"]
    assert command("messages", "resend", number).out == "resend: 1 payload of 1 message\n"
    assert "or it still waits" in command("messages", "resend", number).out
    for arguments, sentence in (
        (["messages", "replay", "99"], "there is no message 99"),
        (["messages", "dead-letter", "99"], "there is no message 99"),
        (["messages", "resend", number, "99"], "there is no message 99"),
        (["dead-letters", "replay", "99"], "there is no dead letter 99"),
    ):
        ran = command(*arguments)
        assert (ran.code, sentence in ran.err) == (1, True), arguments
    for kind, mistyped, meant in (("messages", "IB_DAT", "IB_ADT"), ("dead-letters", "OB_FLIE", "OB_FILE")):
        unknown = command(kind, "list", "--connection", mistyped)
        assert unknown.code == 2
        assert f"no Connection is named {mistyped!r}: did you mean {meant!r}?" in unknown.err
        assert command(kind, "list", "--connection", meant).code == 0
        assert "--until is not after --since" in command(kind, "list", "--since", "1h", "--until", "2h").err
    assert "list --control-id EXAMPLE0001" in command("messages", "show", "EXAMPLE0001").err


def test_messages_are_not_selected_by_an_outbound(place: Path, command: Command) -> None:
    mend = "its dead letters: messagefoundry dead-letters list --connection OB_FILE"
    with running(place) as engine:
        receive(place, command, "ONE")
        for call in (["list"], ["replay", "--yes"], ["resend", "--yes"]):
            refused = command("messages", *call, "--connection", "OB_FILE")
            assert (refused.code, refused.out) == (2, "")
            assert f"OB_FILE is an outbound: messages are selected by inbound; {mend}" in refused.err
        assert command("messages", "list", "--connection", "IB_ADT", "--disposition", "filtered").code == 0
        assert command("messages", "replay", "--connection", "IB_ADT", "--type", "ORU", "--yes").code == 0
        assert engine.stop() == 0
    assert "OB_FILE is an outbound" in command("messages", "list", "--connection", "OB_FILE").err


def test_who_stands_in_another_folder_is_asked_so(
    place: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "are you in the engine's folder?" not in command("status").err
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    lost = command("status")
    assert lost.code == 2
    assert "there is no store at" in lost.err
    assert "are you in the engine's folder? there is no messagefoundry.toml here" in lost.err
    assert "engine's folder" not in command("status", "--db", "mistyped.db").err


def test_only_where_no_engine_answers_must_its_environment_be_said(place: Path, command: Command) -> None:
    (place / "messagefoundry.toml").write_text("[api]\nport = 0\n")
    calls = (["status"], ["connections", "list"], ["connections", "stop", "OB_FILE"])
    with serving(place, "--env", "dev") as engine:
        engine.until(READY)
        for call in calls:
            assert command(*call).code == 0
        assert engine.stop() == 0
    for call in calls:
        ran = command(*call)
        assert ran.code == 2
        assert "no engine runs on the store" in ran.err
        assert "give --env dev" in ran.err


def test_a_long_reason_does_not_widen_the_list(place: Path, command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        (place / "config" / "feed.py").write_text(FEED.format(port=port, dead=free_port()))
        with running(place) as engine:
            listed = command("connections", "list").out
            line = next(line for line in listed.splitlines() if line.startswith("IB_ADT"))
            assert "waiting to restart: cannot listen: Address already in use  " in f"{line}  "
            whole = f"cannot listen on 127.0.0.1:{port}: Address already in use"
            assert whole in command("status", "IB_ADT").out
            assert facts(command, "connections", "list")[0]["reason"].startswith(whole)
            assert engine.stop() == 0


def test_a_reload_names_the_code_that_differs(place: Path, command: Command) -> None:
    feed = place / "config" / "feed.py"
    with running(place) as engine:
        feed.write_text(feed.read_text().replace('startswith("BAD")', 'startswith("WORSE")'))
        assert command("reload", "--dry-run").out.endswith("Routers changed: -\nHandlers changed: both\n")
        assert command("reload").code == 0
        engine.until("Handlers changed: both")
        assert "Routers changed" not in engine.text
        feed.write_text(feed.read_text() + '\ninbound("IB_X", MLLP(port=1), router="nobody")\n')
        assert command("reload").code == 2
        engine.until("the configuration was not loaded again, nothing has changed: 1 problem")
        assert engine.stop() == 0


def test_a_reload_shows_what_the_engine_says_of_code(capsys: pytest.CaptureFixture[str]) -> None:
    show({"added": [], "routers": [], "handlers": ["to_lab"]}, dry_run=True)
    assert capsys.readouterr().out.endswith("Routers changed: -\nHandlers changed: to_lab\n")


@pytest.mark.parametrize(
    ("count", "dry_run", "sentence"),
    [
        (29, True, "warning: 29 waiting messages become dead letters\n"),
        (29, False, "warning: 29 waiting messages are dead letters now\n"),
        (1, True, "warning: 1 waiting message becomes a dead letter\n"),
        (0, True, ""),
    ],
)
def test_a_reload_shows_what_dies_of_it(
    capsys: pytest.CaptureFixture[str], count: int, dry_run: bool, sentence: str
) -> None:
    show({"removed": ["OB_NIGHT"], "dead_letters": count}, dry_run=dry_run)
    assert capsys.readouterr().err == sentence


def test_work_that_waits_for_nobody_configured_is_listed(place: Path, command: Command) -> None:
    with running(place) as engine:
        receive(place, command, "ONE")
        wait_for(command, lambda found: found["head"] and found["head"]["attempts"] == 1, "status", "OB_DEAD")
        assert engine.stop() == 0
    feed = place / "config" / "feed.py"
    feed.write_text(feed.read_text().replace("OB_DEAD", "OB_OTHER"))
    assert command("status").out.splitlines()[-1] == "OB_DEAD: 1 waiting, not in this configuration"
    assert facts(command, "status")["not_configured"] == {"OB_DEAD": 1}


def test_connections_are_listed_before_the_first_start(place: Path, command: Command) -> None:
    ran = command("connections", "list")
    assert ran.code == 0
    assert ran.out.count("engine not running") == 3


def test_held_outbounds_send_nothing_until_they_are_started(place: Path, command: Command) -> None:
    with serving(place, "--hold-outbound") as engine:
        assert "--hold-outbound" in engine.until(READY)
        receive(place, command, "ONE")
        wait_for(command, lambda found: found["waiting"] == 1, "status", "OB_FILE")
        assert not (place / "out").exists()
        assert command("connections", "start", "OB_FILE").code == 0
        wait_for(command, lambda found: found["waiting"] == 0, "status", "OB_FILE")
        assert engine.stop() == 0


def test_a_long_path_to_the_store_is_no_obstacle(place: Path, command: Command) -> None:
    deep = place / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    (place / "messagefoundry.toml").write_text(
        f'[ai]\nenvironment = "dev"\n[api]\nport = 0\n[store]\npath = "{deep}/messagefoundry.db"\n'
    )
    with running(place) as engine:
        assert facts(command, "status")["engine"] == "running"
        assert command("connections", "stop", "OB_FILE").code == 0
        assert engine.stop() == 0


def test_too_much_removed_stops_the_start(place: Path, command: Command) -> None:
    with running(place) as engine:
        assert command("connections", "stop", "OB_FILE").code == 0
        receive(place, command, *(f"M{number}" for number in range(101)))
        wait_for(command, lambda found: found["waiting"] == 101, "status", "OB_FILE")
        assert engine.stop() == 0
    feed = place / "config" / "feed.py"
    feed.write_text(feed.read_text().replace('"OB_FILE"', '"OB_OTHER"'))
    ran = program("serve", cwd=place)
    assert ran.code == 2
    assert "--accept-removed" in ran.err
    with serving(place, "--accept-removed") as engine:
        engine.until(READY)
        assert engine.stop() == 0
    assert facts(command, "dead-letters", "list", "--connection", "OB_FILE")["total"] == 101
