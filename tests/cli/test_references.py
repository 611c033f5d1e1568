"""Reference sets as commands show them: a running engine's, a dry run's, and who refers to one."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.testing import free_port
from tests.cli.running import READY, Command, serving

if TYPE_CHECKING:
    from pathlib import Path

FEED = """\
from messagefoundry import MLLP, File, FileRef, Reference, Send, StallThreshold, env, handler
from messagefoundry import inbound, outbound, reference, router

Reference("providers", source=FileRef(path=env("providers_csv")))
Reference("wards", source=FileRef(path="wards.toml", encoding="cp1252"), refresh_seconds=60)

inbound("IB_ADT", MLLP(port={port}), router="adt")
inbound("IB_OTHER", MLLP(port={other}), router="others")
outbound("OB_LAB", File(directory="lab"))
outbound("OB_DAY", File(directory="day"))


@router("adt")
def route(msg):
    return "enrich"


@router("others")
def others(msg):
    return "plain" if reference("wards").get(msg["PV1-3.1"]) else None


@handler("enrich")
def enrich(msg):
    msg["PV1-7.13"] = reference("providers").get(msg["PV1-7.1"], "")
    return Send("OB_LAB", msg)


@handler("plain")
def plain(msg):
    return Send("OB_LAB", msg)
"""
MESSAGE = "MSH|^~\\&|A|NORTH|||20260111||ADT^A01|1|P|2.5.1\rPID|1||4711\rPV1|1||W1||||DRHOUSE\r"
OPTIONS = ("--config", "config", "--env", "dev")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = tmp_path / "config"
    config.mkdir(mode=0o700)
    (config / "feed.py").write_text(FEED.format(port=free_port(), other=free_port()))
    (config / "feed.py").chmod(0o600)
    (config / "providers.csv").write_text("code,npi\nDRHOUSE,SECRET\n")
    (config / "wards.toml").write_text('W1 = "North"\n')
    (tmp_path / "in.hl7").write_text(MESSAGE)
    monkeypatch.setenv("MEFOR_VALUE_PROVIDERS_CSV", "providers.csv")
    monkeypatch.setenv("MEFOR_AI_ENVIRONMENT", "dev")
    monkeypatch.chdir(tmp_path)
    return tmp_path


ENVIRON = {"MEFOR_VALUE_PROVIDERS_CSV": "providers.csv"}


def page(text: str, path: str) -> Any:
    address = re.search(r"http://[\w.:]+", text)
    assert address is not None, text
    with urllib.request.urlopen(f"{address[0]}{path}", timeout=20) as answer:
        return json.load(answer)


def test_a_running_engine_tells_of_its_sets(here: Path, command: Command) -> None:
    (here / "config" / "wards.toml").unlink()
    with serving(here, *OPTIONS, environ=ENVIRON) as engine:
        engine.until(READY)
        found = {each["name"]: each for each in page(engine.text, "/references")["references"]}
        assert found["providers"].keys() == found["wards"].keys()
        assert (found["providers"]["source"], found["providers"]["rows"]) == ("FileRef providers.csv", 1)
        assert found["providers"]["synced_at"].startswith("20")
        assert found["providers"]["problem"] == ""
        unread = {"rows": 0, "synced_at": None, "age_seconds": None, "refresh_seconds": 60, "waiting": ["IB_OTHER"]}
        assert found["wards"].items() >= unread.items()
        asked = command("connections", "start", "IB_OTHER", *OPTIONS)
        assert (asked.code, asked.err) == (1, "IB_OTHER: waiting for reference set wards\n")
        said = command("status", *OPTIONS)
        assert re.search(r"reference set providers: 1 row, read .+ \(.+\) from FileRef providers.csv\n", said.out)
        assert (
            "reference set wards: never read from FileRef wards.toml; "
            f"last: {here / 'config' / 'wards.toml'}: cannot be read: "
            "No such file or directory (check its place and permissions); not started before it is read: IB_OTHER\n"
        ) in said.out
        assert re.search(r"IB_OTHER: nothing waits, waits for reference set wards since", said.out)
        told = json.loads(command("status", "--json", *OPTIONS).out)
        assert {each["name"] for each in told["references"]} == {"providers", "wards"}
        assert (told["connections"][1]["state"], told["connections"][1]["unblock"]) == ("waiting", None)
        (here / "config" / "wards.toml").write_text('W1 = "North"\n')
        engine.until("IB_OTHER: started")
        feed = here / "config" / "feed.py"
        feed.write_text(feed.read_text().replace("refresh_seconds=60", "refresh_seconds=61"))
        (here / "config" / "codesets").mkdir()
        (here / "config" / "codesets" / "ward.csv").write_text("code,name\nW1,West\n")
        text = feed.read_text().replace('"providers"', '"doctors"')
        watched = 'File(directory="day"), flagged=True, stall=StallThreshold(max_oldest_seconds=60))'
        feed.write_text(text.replace('File(directory="day"))', watched))
        again = command("reload")
        assert (
            "code sets changed: ward\nreference sets added: doctors\nreference sets changed: wards\n"
            "reference sets removed: providers\nflags changed: OB_DAY\nstall thresholds changed: OB_DAY\n"
        ) in again.out
        assert "unchanged  IB_ADT, IB_OTHER, OB_LAB, OB_DAY\n" in again.out
        for line in again.out.partition("code sets")[2].splitlines():
            assert line.removeprefix(" ") in engine.until(line)
        assert engine.stop() == 0
    assert "SECRET" not in engine.text + said.out


def test_a_dry_run_reads_the_files_themselves(here: Path, command: Command) -> None:
    ran = command("dryrun", "in.hl7", "--inbound", "IB_ADT", "--config", "config", "--json", "--show-phi")
    assert ran.code == 0, ran.err
    (outcome,) = json.loads(ran.out)
    assert outcome["deliveries"][0]["changes"][0]["after"] == "DRHOUSE^^^^^^^^^^^^SECRET"
    (here / "config" / "providers.csv").write_text("SECRET\n")
    ran = command("dryrun", "in.hl7", "--config", "config")
    assert ran.code == 1
    assert (
        "UnsyncedReferenceError at feed.py:25 in handler enrich: the reference set 'providers' cannot be read: "
        f"{here / 'config' / 'providers.csv'}:1: needs a header with at least two columns"
    ) in ran.out
    assert "SECRET" not in ran.out + ran.err


def test_a_set_that_cannot_be_read_is_warned_of(here: Path, command: Command) -> None:
    assert "wards" not in command("validate", *OPTIONS).out
    file = here / "config" / "wards.toml"
    file.unlink()
    ran = command("validate", *OPTIONS)
    assert ran.code == 0
    assert f"wards: nothing can be looked up in it: {file}: cannot be read: No such file or directory" in ran.out
    warned = json.loads(command("validate", "--json", *OPTIONS).out)["warnings"]
    assert [(each["name"], each["line"]) for each in warned] == [("wards", 5)]


def test_two_configurations_each_have_their_own_rows(here: Path, command: Command) -> None:
    other = here / "other"
    other.mkdir(mode=0o700)
    for file in (here / "config").iterdir():
        if file.is_file():
            (other / file.name).write_text(file.read_text())
            (other / file.name).chmod(0o600)
    (other / "providers.csv").write_text("code,npi\nDRHOUSE,OTHER\n")
    ran = command("replay-diff", "in.hl7", "--against", other, "--config", "config", "--inbound", "IB_ADT", "--json")
    assert ran.code == 1, ran.err
    assert "PV1-7" in ran.out
    (other / "providers.csv").write_text("code,npi\nDRHOUSE,SECRET\n")
    ran = command("replay-diff", "in.hl7", "--against", other, "--config", "config", "--inbound", "IB_ADT", "--json")
    assert ran.code == 0, ran.err


def test_who_looks_a_set_up(here: Path, command: Command) -> None:
    found = json.loads(command("impact", "reference", "wards", "--config", "config", "--json").out)
    assert found["place"].endswith("feed.py:5")
    assert [(each["kind"], each["name"], each["how"]) for each in found["referred_to_by"]] == [
        ("router", "others", "looks it up")
    ]
    assert found["reached_from"] == {"router": ["others"], "inbound": ["IB_OTHER"]}
    ran = command("impact", "reference", "ward", "--config", "config")
    assert (ran.code, ran.err) == (2, "Error: there is no reference set 'ward': did you mean 'wards'?\n")
    assert "reference set providers" in command("impact", "reference", "providers", "--config", "config").out


def test_the_settings_are_those_of_the_sets(here: Path, command: Command) -> None:
    (here / "messagefoundry.toml").write_text("[reference]\nrefresh_interval_seconds = 0\n")
    ran = command("validate", "--config", "config")
    assert ran.code == 2
    assert "messagefoundry.toml:2: [reference] refresh_interval_seconds: must be more than 0" in ran.err
    text = "[reference]\nrefresh_interval_seconds = 7000\nmax_staleness_seconds = 0.001\n"
    (here / "messagefoundry.toml").write_text(text)
    with serving(here, *OPTIONS, environ=ENVIRON) as engine:
        engine.until(READY)
        found = page(engine.text, "/references")["references"]
        assert [(each["refresh_seconds"], each["stale"]) for each in found] == [(7000, True), (60, True)]
        assert engine.stop() == 0
    (here / "config" / "wards.toml").unlink()
    (here / "messagefoundry.toml").write_text("[reference]\nsync_on_startup = false\n")
    with serving(here, *OPTIONS, environ=ENVIRON) as engine:
        engine.until(READY)
        found = page(engine.text, "/references")["references"]
        assert [(each["rows"], each["problem"], each["stale"]) for each in found] == [(1, "", False), (1, "", False)]
        assert engine.stop() == 0
    assert "no effect" not in engine.text
