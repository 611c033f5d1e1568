"""Code sets in a running engine: in its worker threads, and across a reload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from messagefoundry.engine.reload import reload
from messagefoundry.plugins import Candidate, collect
from messagefoundry.wiring.load import load_graph
from tests.engine.world import World, adt, with_graph

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FEED = """\
from messagefoundry import Send, code_set, handler, router

CAPTURED = code_set("facilities")


@router("route")
def route(msg):
    return code_set("routes").get(msg["MSH-3"])


@handler("handle")
def handle(msg):
    at_call_time = code_set("facilities")[msg["MSH-4"]]
    return Send("OB", f"{CAPTURED[msg['MSH-4']]} {at_call_time}")
"""


def configured(world: World, directory: Path) -> None:
    """Take Routers and Handlers from a configuration, and write its tables."""
    (directory / "feed.py").write_text(FEED)
    (directory / "feed.py").chmod(0o644)
    (directory / "codesets" / "routes.csv").write_text("sender,handler\nA,handle\n")
    installed = collect([Candidate.of_module("messagefoundry.plugins.builtin", "core")])
    graph = load_graph(directory, installed=installed, environment="dev", values={})
    world.routers, world.handlers = dict(graph.routers), dict(graph.handlers)


async def test_worker_threads_and_a_reload(world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "config"
    (directory / "codesets").mkdir(parents=True)
    directory.chmod(0o755)
    table = directory / "codesets" / "facilities.csv"
    table.write_text("code,mnemonic\nB,BEFORE\n")
    configured(world, directory)
    sender, partner = world.inbound(), world.outbound()
    async with world.running() as engine:
        await sender.send(adt("1"))
        table.write_text("code,mnemonic\nB,AFTER\n")
        await sender.send(adt("2"))
        with trio.fail_after(5):
            await partner.has(2)
        configured(world, directory)
        with_graph(engine, world.graph)
        assert (await reload(engine)).unchanged == ("IB", "OB")
        await sender.send(adt("3"))
        with trio.fail_after(5):
            await partner.has(3)
        table.write_text("code,mnemonic\nC,NONE\n")
        configured(world, directory)
        with_graph(engine, world.graph)
        await reload(engine)
        receipt = await sender.send(adt("4"))
        await world.becomes(receipt.message_id, "ERROR")
    assert partner.delivered == [b"BEFORE BEFORE", b"BEFORE BEFORE", b"AFTER AFTER"]
    assert "died: KeyError at feed.py:13 in handler handle" in caplog.text
