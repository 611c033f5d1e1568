"""docs/backup.md, word for word, against an engine under load."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.place import Place
from tests.acceptance.records import damage_of, records_of
from tests.acceptance.sending import Sending, accepted_ids
from tests.acceptance.waiting import until
from tests.docs.blocks import blocks_of
from tools.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "backup.md"
ONE_LANE = """
inbound("IB", MLLP(port={port}), router="all_to_lab")
outbound("OB_LAB", MLLP(host="127.0.0.1", port={partner}), retry=RetryPolicy(backoff_seconds=0.1))

@router("all_to_lab")
def all_to_lab(msg):
    return "lab"

@handler("lab")
def lab(msg):
    return Send("OB_LAB", msg)
"""
DEVELOPMENT = '[ai]\nenvironment = "dev"\n\n[api]\nport = {port}\n'
HAS_SQLITE = shutil.which("sqlite3") is not None


class Home(Place):
    """A place whose store is where it is when nothing else is said."""

    @property
    def database(self) -> Path:
        return self.directory / "messagefoundry.db"


@pytest.fixture
def home(place: Place) -> Home:
    return Home(place.directory, place.port, place.api_port)


class Typed(EngineProcess):
    """An engine that a line of the page starts."""

    def __init__(self, place: Place, line: str) -> None:
        self.place = place
        self._log = place.directory / "restored.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", f"exec {line}"], cwd=place.directory, env=environment(), stdout=log, stderr=log
            )


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "200"}


def typed(place: Place, line: str) -> str:
    """What a line prints that an operator types."""
    ran = subprocess.run(
        ["bash", "-c", line],
        cwd=place.directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, f"{line}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def page() -> Iterator[list[str]]:
    """The lines of each block that a shell is to run."""
    return iter([block.text.splitlines() for block in blocks_of(PAGE) if block.language == "sh"])


def test_the_page_word_for_word(home: Home) -> None:
    back_up, by_sqlite, (*put_in_place, serve), look, take_away, replay = page()
    with partner() as lab:
        home.configure(ONE_LANE, settings=DEVELOPMENT.format(port=home.api_port), partner=lab.port)
        with EngineProcess(home).ready() as engine:
            typed(home, "messagefoundry connections stop OB_LAB")
            before = accepted_ids(Sending(home.port, count=10).ended())
            load = Sending(home.port, rate=15, count=75)
            until(lambda: load.accepted, "there is load")
            at_first = load.accepted
            for line in back_up:
                typed(home, line)
            meanwhile = load.accepted - at_first
            for line in by_sqlite if HAS_SQLITE else []:
                typed(home, line)
            journal = load.ended()
            everything = before | accepted_ids(journal, Sending(home.port, count=10).ended())
            # What the backup has as waiting is delivered before the store is lost.
            typed(home, "messagefoundry connections start OB_LAB")
            until(lambda: lab.count() == len(everything), "all is delivered")
            engine.kill()
        assert meanwhile, "there was load during the backup"
        assert all(entry.accepted for entry in journal), "no sender was refused because of it"

        for name in ["monday.db", "tuesday.db"][: 1 + HAS_SQLITE]:
            backup = home.directory / "backups" / name
            assert stat.S_IMODE(backup.stat().st_mode) == 0o600
            assert damage_of(backup) == []
            assert before <= set(records_of(backup).control_ids)
        kept = set(records_of(home.directory / "backups" / "monday.db").control_ids)
        assert before < kept < everything

        for line in put_in_place:
            typed(home, line)
        with Typed(home, serve).ready() as engine:
            until(lambda: "RECEIVED" not in engine.page("/stats")["messages"], "all is routed")
            status, listed = (typed(home, line) for line in look)
            assert f"OB_LAB: {len(kept)} waiting" in status.replace(",", "")
            assert "ROUTED" in listed
            for line in take_away:
                typed(home, line)
            added = accepted_ids(Sending(home.port, count=1).ended())
            until(engine.at_rest, "the lane goes on")
            assert lab.count() == len(everything | added)
            assert lab.arrivals.duplicates == 0
            for line in replay:
                typed(home, line)
            until(engine.at_rest, "what was taken away is delivered")
            assert lab.arrivals.duplicates == len(kept)
            assert engine.stop() == 0
    records = records_of(home.database)
    assert records.damage == []
    assert records.dispositions == dict.fromkeys(kept | added, "PROCESSED")
