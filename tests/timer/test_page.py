"""docs/timer.md: its example, with the moment brought forward, goes through a real engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.engine.plan import Plan
from messagefoundry.engine.run import run
from messagefoundry.plugins import Installed, installed
from messagefoundry.wiring.load import load_graph
from messagefoundry_sqlite.factory import SQLITE
from messagefoundry_timer.settings import TimerSettings
from tests.docs.blocks import blocks_of
from tools.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from messagefoundry.engine.engine import Engine
    from messagefoundry.wiring.graph import Graph

PATIENCE_SECONDS = 30


def example(folder: Path) -> Graph:
    (block,) = [each for each in blocks_of(ROOT / "docs" / "timer.md") if each.about == "config"]
    folder.mkdir(mode=0o700)
    (folder / "morning.py").write_text(block.text)
    (folder / "morning.py").chmod(0o600)
    return load_graph(folder, installed=installed(), environment="dev", values={})


async def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written = example(tmp_path / "config")
    inbound = written.inbounds["IB_MORNING"]
    settings = inbound.settings
    assert isinstance(settings, TimerSettings)
    friday = datetime.fromisoformat("2026-03-27T06:30+01:00").timestamp()
    assert settings.cron().after(friday) == datetime.fromisoformat("2026-03-30T06:30+02:00").timestamp()

    now = replace(inbound, settings=TimerSettings(body=settings.body, run_once=True))
    graph = replace(written, inbounds={"IB_MORNING": now})
    location = StoreLocation(path=str(tmp_path / "engine.db"), synchronous="normal")
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            engine: Engine = await nursery.start(run, Plan(graph, lambda: graph, Installed(), SQLITE, location))
            sent = await arrived(tmp_path / "queries")
            engine.stop()
    assert sent == settings.body.encode()


async def arrived(folder: Path) -> bytes:
    while not (files := [*folder.glob("*.hl7")]):  # noqa: ASYNC110, ASYNC240 - a folder has no events
        await trio.sleep(0.02)
    return files[0].read_bytes()
