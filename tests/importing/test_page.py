"""The page of the import, followed word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.message import Message
from messagefoundry.pipeline.transform import transform
from messagefoundry.plugins import installed
from messagefoundry.wiring.load import load_graph
from tests.docs.blocks import blocks_of
from tests.docs.walk import Walk
from tests.importing.world import ADT
from tools.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "import-from-mirth.md"
VALUES = {"adt_in_port": 6661, "adt_in_lab_host": "lab.example.org", "adt_in_lab_port": 6670}


def test_the_page_works_word_for_word(tmp_path: Path) -> None:
    xml, call, module, first, mended, second = blocks_of(PAGE)
    with Walk(tmp_path) as walk:
        (tmp_path / xml.about).write_text(xml.text)
        walk.type(call.text.strip())
        assert (tmp_path / module.about).read_text() == module.text
        for line in first.text.splitlines():
            said = walk.type(line)
        assert "step 2 'Final results' (JavaScript): this is not translated" in said
        walk.write(mended)
        said = walk.type(second.text.strip())
        assert "warning" not in said
        assert "valid in the environment dev: 1 inbound, 1 outbound, 1 Router, 1 Handler" in said
    graph = load_graph(walk.here / "config", installed=installed(), environment="dev", values=VALUES)
    (sent,) = transform(graph, graph.inbounds["IB_ADT_IN"], ADT.encode(), "utf-8").outgoing
    result = Message(sent.payload)
    assert result["PV1-39"] == "ICU"
    assert [result.field("OBX-11", occurrence=number) for number in (1, 2)] == ["F", "F"]
