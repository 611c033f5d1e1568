"""docs/schedules.md: its examples load and mean what the page says."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from messagefoundry.plugins import installed
from messagefoundry.wiring.load import load_graph
from tests.docs.blocks import blocks_of
from tools.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.wiring.graph import Graph
    from messagefoundry.wiring.schedule import Schedule


def configured(folder: Path) -> Graph:
    """What the page shows, the module and the file together."""
    folder.mkdir(mode=0o700)
    for block in blocks_of(ROOT / "docs" / "schedules.md"):
        (folder / {"config": "feed.py"}.get(block.about, block.about)).write_text(block.text)
    for file in folder.iterdir():
        file.chmod(0o600)
    return load_graph(folder, installed=installed(), environment="dev", values={})


def is_open(schedule: Schedule | None, text: str) -> bool:
    assert schedule is not None
    return schedule.open_at(int(datetime.fromisoformat(f"2026-11-{text}+01:00").timestamp()) * 1_000_000)


def test_the_examples_mean_what_they_say(tmp_path: Path) -> None:
    graph = configured(tmp_path / "config")
    clinic = graph.inbounds["IB_CLINIC"].schedule
    assert [is_open(clinic, each) for each in ("23T06:59", "23T07:00", "23T19:00", "28T12:00")] == [0, 1, 0, 0]
    archive = graph.outbounds["OB_ARCHIVE"].schedule
    nights = ("23T12:00", "24T05:59", "24T06:00", "27T23:00", "28T12:00", "29T23:59", "30T00:00")
    assert [is_open(archive, each) for each in nights] == [0, 1, 0, 1, 1, 1, 0]
    lab = graph.outbounds["OB_LAB"]
    assert [is_open(lab.schedule, each) for each in ("29T00:59", "29T01:00", "29T03:30")] == [1, 0, 1]
    assert (lab.flagged, lab.stall.max_oldest_seconds) == (True, 900)
