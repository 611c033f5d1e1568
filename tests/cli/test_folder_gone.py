"""A folder of a File Connection that goes away under a running engine: it may be a share, and is not made again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from messagefoundry.testing import free_port
from tests.cli.running import READY, Command, serving
from tests.cli.test_operating import receive, wait_for

if TYPE_CHECKING:
    from pathlib import Path

FEED = """
from messagefoundry import MLLP, File, RetryPolicy, Send, handler, inbound, outbound, router

inbound("IB_ADT", MLLP(port={port}), router="route")
inbound("IB_FILES", File(directory="in"), router="route")
outbound("OB_FILE", File(directory="out", filename="{{work_id}}.hl7"), retry=RetryPolicy(max_backoff_seconds=5))


@router("route")
def route(msg):
    return ["send"]


@handler("send")
def send(msg):
    return Send("OB_FILE", msg)
"""
MORE = """
outbound("OB_LATER", File(directory="later"))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").mkdir(mode=0o700)
    (tmp_path / "config" / "feed.py").write_text(FEED.format(port=free_port()))
    (tmp_path / "messagefoundry.toml").write_text('[ai]\nenvironment = "dev"\n[api]\nport = 0\n')
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MEFOR_")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_nothing_but_the_engines_start_and_a_reload_makes_a_folder(place: Path, command: Command) -> None:
    out, later, feed = place / "out", place / "later", place / "config" / "feed.py"
    with serving(place) as engine:
        engine.until(READY)
        wait_for(command, lambda found: out.is_dir(), "status", "OB_FILE")
        out.rename(place / "elsewhere")
        (place / "in").rename(place / "unmounted")

        for asked, code in (("test", 1), ("stop", 0), ("start", 0), ("test", 1)):
            assert command("connections", asked, "OB_FILE").code == code
            assert not out.exists(), asked
        assert f"directory {out} does not exist" in command("connections", "test", "OB_FILE").err
        command("connections", "stop", "IB_FILES")
        command("connections", "start", "IB_FILES")
        found = wait_for(command, lambda found: found["reason"], "status", "IB_FILES")
        assert found["reason"] == f"directory {place / 'in'} does not exist"
        assert not (place / "in").exists()

        receive(place, command, "ONE")
        wait_for(command, lambda found: found["head"] and found["head"]["attempts"], "status", "OB_FILE")
        line = command("status", "OB_FILE").out
        assert f"directory {out} does not exist; it is tried again by itself" in line
        assert "partner" not in line
        assert not out.exists()

        changed = feed.read_text().replace("max_backoff_seconds=5", "max_backoff_seconds=6")
        for text, made in ((changed + MORE, True), (changed, False), (changed + MORE, True)):
            feed.write_text(text)
            assert command("reload").code == 0
            wait_for(command, lambda found, made=made: later.is_dir() is made, "status")
            assert not out.exists()
            if made:
                later.rmdir()

        (place / "elsewhere").rename(out)
        assert command("connections", "start", "OB_FILE").code == 0
        wait_for(command, lambda found: found["waiting"] == 0, "status", "OB_FILE")
        assert len(list(out.iterdir())) == 1
        assert engine.stop() == 0
