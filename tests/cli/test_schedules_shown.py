"""What commands say of schedules, flags, labels and Connections that do not start by themselves, with real ports."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.testing import free_ports
from tests.cli.running import READY, Command, Serving, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEED = """
from messagefoundry import MLLP, File, Send, StallThreshold, handler, inbound, outbound, router

CLOSED = {closed}

inbound("IB_CLOSED", MLLP(port={ports[0]}), router="route", schedule=CLOSED, flagged=True,
        metadata={{"owner": "ward 3", "since": 2026}})
inbound("IB_NOWHERE", MLLP(port={ports[1]}), router="route", deployed=False)
inbound("IB_BY_HAND", MLLP(port={ports[2]}), router="route", auto_start=False)
outbound("OB_CLOSED", File(directory="out"), schedule=CLOSED, stall=StallThreshold(max_oldest_seconds=900))


@router("route")
def route(msg):
    return "all"


@handler("all")
def handle(msg):
    return Send("OB_CLOSED", msg)
"""
MESSAGE = "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|{}|T|2.5.1\rPID|1||1||TESTWELL^ADA\r"


def closed_now() -> dict[str, Any]:
    """A window of one hour that is half a week away, whenever this runs."""
    opens = datetime.now(UTC) + timedelta(days=3, hours=12)
    return {"timezone": "UTC", "days": [opens.weekday()], "start": f"{opens:%H}:00", "end": f"{opens:%H}:30"}


@pytest.fixture
def ports() -> list[int]:
    return list(free_ports(3))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ports: list[int]) -> Path:
    (tmp_path / "config").mkdir(mode=0o700)
    (tmp_path / "config" / "feed.py").write_text(FEED.format(closed=closed_now(), ports=ports))
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


def facts(command: Command, *arguments: object) -> Any:
    ran = command(*arguments, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def listed(command: Command) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in facts(command, "connections", "list")}


def answers(port: int) -> bool:
    with closing(socket.socket()) as peer:
        return peer.connect_ex(("127.0.0.1", port)) == 0


def test_what_is_closed_says_until_when_and_can_be_started_before(
    place: Path, command: Command, ports: list[int]
) -> None:
    with running(place) as engine:
        assert "outside its schedule [FLAGGED] until 20" in engine.text
        found = listed(command)
        inbound = found["IB_CLOSED"]
        assert inbound["state"] == "outside its schedule"
        assert not inbound["schedule"]["open"]
        until = datetime.fromisoformat(inbound["schedule"]["until"])
        assert inbound["reason"] == f"until {until.astimezone(UTC).isoformat(' ', 'seconds')}"
        assert timedelta(days=3) < until - datetime.now(UTC) < timedelta(days=4)
        assert not answers(ports[0])

        line = command("status", "IB_CLOSED").out
        assert line.startswith(f"IB_CLOSED [FLAGGED]: nothing waits, outside its schedule {inbound['reason']} since 20")
        assert "to start it" not in line
        assert f"outside its schedule {inbound['reason']} [FLAGGED]" in command("connections", "list").out

        started = command("connections", "start", "IB_CLOSED")
        assert started.out == f"IB_CLOSED: running outside its schedule {inbound['reason']}\n"
        assert answers(ports[0])
        (place / "messages.hl7").write_text(MESSAGE.format("ONE"), newline="")
        assert command("send", f"127.0.0.1:{ports[0]}", "messages.hl7").code == 0
        lane = wait_for_one(command, "OB_CLOSED")
        assert (lane["why"], lane["unblock"]) == (
            f"outside its schedule {lane['reason']}",
            "messagefoundry connections start OB_CLOSED",
        )
        assert command("connections", "start", "OB_CLOSED").code == 0
        wait_for_one(command, "OB_CLOSED", 0)
        assert command("connections", "stop", "IB_CLOSED").out == "IB_CLOSED: stopped\n"
        assert not answers(ports[0])
        assert engine.stop() == 0


def wait_for_one(command: Command, name: str, waiting: int = 1) -> Any:
    """Ask until so much waits; the engine works meanwhile."""
    end = time.monotonic() + 20
    while (found := facts(command, "status", name))["waiting"] != waiting:
        assert time.monotonic() < end, found
    return found


def test_flags_and_labels_are_shown_with_an_engine_and_without(place: Path, command: Command) -> None:
    labels = {"owner": "ward 3", "since": 2026}
    before = listed(command)
    with running(place) as engine:
        during = listed(command)
        states = facts(command, "status")["connections"]
        assert engine.stop() == 0
    for found in (before, during, {each["name"]: each for each in states}):
        assert found["IB_CLOSED"]["flagged"]
        assert found["IB_CLOSED"]["metadata"] == labels
        assert (found["OB_CLOSED"]["flagged"], found["OB_CLOSED"]["metadata"]) == (False, {})


def test_what_is_not_deployed_binds_nothing_and_what_starts_by_hand_waits_for_that(
    place: Path, command: Command, ports: list[int]
) -> None:
    with running(place) as engine:
        found = listed(command)
        assert (found["IB_NOWHERE"]["state"], found["IB_BY_HAND"]["state"]) == ("not deployed", "stopped")
        assert not answers(ports[1])
        assert not answers(ports[2])
        refused = command("connections", "start", "IB_NOWHERE")
        assert (refused.code, refused.err) == (1, "IB_NOWHERE: not deployed here (deployed=False)\n")
        assert command("connections", "start", "IB_BY_HAND").out == "IB_BY_HAND: running\n"
        assert answers(ports[2])
        assert engine.stop() == 0
    for name, said in (
        ("IB_BY_HAND", "auto_start=False: start it when the engine runs"),
        ("IB_NOWHERE", "not deployed here (deployed=False)"),
    ):
        later = command("connections", "start", name)
        assert (later.code, later.err) == (1, f"{name}: {said}\n")


def test_the_graph_marks_them(place: Path, command: Command) -> None:
    tree = command("graph").out.splitlines()
    assert [line.partition("127.0.0.1:")[2][5:].strip() for line in tree if line.startswith("IB")] == [
        "[FLAGGED]  scheduled",
        "not deployed",
        "started by hand",
    ]
    inbounds = {each["name"]: each for each in facts(command, "graph")["inbounds"]}
    assert (inbounds["IB_CLOSED"]["flagged"], inbounds["IB_CLOSED"]["scheduled"]) == (True, True)
    assert (inbounds["IB_NOWHERE"]["deployed"], inbounds["IB_BY_HAND"]["auto_start"]) == (False, False)


def test_the_file_is_changed_by_command_and_its_schema_knows_the_keys(place: Path, command: Command) -> None:
    window = '{ timezone = "Europe/Vienna", days = [0], start = "07:00", end = "19:00" }'
    added = command(
        "connection", "upsert", "outbound", "OB_MORE", "--transport", "File", "--set", "settings.directory=more",
        "--set", f"schedule={window}", "--set", "stall.max_oldest_seconds=900", "--set", "flagged=true",
    )  # fmt: skip
    assert added.code == 0, added.err
    outbounds = {each["name"]: each for each in facts(command, "graph")["outbounds"]}
    assert (outbounds["OB_MORE"]["scheduled"], outbounds["OB_MORE"]["flagged"]) == (True, True)
    wrong = command("connection", "upsert", "outbound", "OB_MORE", "--set", "schedule.timezone=Europe/Wien")
    assert wrong.code == 2
    assert "option 'schedule' has 'timezone', which this machine does not know" in wrong.err

    tables = facts(command, "connection", "schema")["properties"]
    properties = {kind: tables[kind]["items"]["properties"] for kind in tables}
    assert properties["inbound"]["flagged"]["anyOf"][0] == {"type": "boolean"}
    flat, several = properties["inbound"]["schedule"]["oneOf"]
    assert flat["required"] == ["timezone", "days", "start", "end"]
    assert several["properties"]["windows"]["items"]["required"] == ["days", "start", "end"]
    assert list(properties["outbound"]["stall"]["properties"]) == ["max_oldest_seconds"]
    assert "stall" not in properties["inbound"]
