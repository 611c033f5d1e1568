"""The pages about connections.toml and code sets: what they show loads without a warning and does what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.message import Message
from messagefoundry.plugins import installed
from messagefoundry.wiring.connections_edit import upserted
from messagefoundry.wiring.connections_file import read_written
from messagefoundry.wiring.load import load_graph
from messagefoundry.wiring.values import RetryPolicy
from tests.docs.blocks import blocks_of
from tools.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.wiring.graph import Graph

VALUES = {"adt_port": "2575", "lab_host": "lab"}


def configured(page: str, folder: Path) -> Graph:
    """The files that a page shows, loaded."""
    (folder / "codesets").mkdir(parents=True)
    for block in blocks_of(ROOT / "docs" / page):
        if block.about:
            (folder / block.about).write_text(block.text)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return load_graph(folder, installed=installed(), environment="dev", values=VALUES)


def test_connections_as_data(tmp_path: Path) -> None:
    graph = configured("connections-toml.md", tmp_path / "config")
    assert graph.warnings == ()
    assert graph.inbounds["IB_ADT"].endpoint() == "127.0.0.1:2575"
    assert graph.outbounds["OB_LAB"].endpoint() == "lab:2576"
    assert graph.outbounds["OB_LAB"].retry == RetryPolicy(max_attempts=20, backoff_seconds=2)
    file = tmp_path / "config" / "connections.toml"
    changed = upserted(read_written(file), "outbound", "OB_LAB", {"settings": {"port": 2577}})
    assert changed == file.read_text().replace('{ env = "lab_port", cast = "int", default = 2576 }', "2577")


@pytest.mark.parametrize(("code", "diet"), [("REG", "REGULAR"), ("NONE", "")])
def test_codes_are_looked_up(tmp_path: Path, code: str, diet: str) -> None:
    graph = configured("code-sets.md", tmp_path / "config")
    assert graph.warnings == ()
    assert graph.code_sets["priorities"]["T"] == {"name": "TIMED", "minutes": 30}
    message = Message.parse(f"MSH|^~\\&|EPIC|WEST|DIET|X|20260101||OMD^O03|1|T|2.5.1\rODS|D||{code}\r")
    sent = graph.handlers["to_diet"].function(message).message
    assert (sent["ODS-3"], sent["MSH-6"]) == (diet, "WS")
