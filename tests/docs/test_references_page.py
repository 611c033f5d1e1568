"""docs/references.md: its example loads and means what the page says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.cli.rehearsal import rehearsals
from messagefoundry.cli.sources import Source
from messagefoundry.plugins import installed
from messagefoundry.wiring.load import load_graph
from tests.docs.blocks import blocks_of
from tools.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("code", "npi"), [("H01", "1234567893"), ("NONE", None)])
def test_providers_are_looked_up(tmp_path: Path, code: str, npi: str | None) -> None:
    folder = tmp_path / "config"
    folder.mkdir(mode=0o700)
    files = {"config": "feed.py", "config/providers.csv": "providers.csv"}
    for block in blocks_of(ROOT / "docs" / "references.md"):
        if block.about:
            (folder / files[block.about]).write_text(block.text)
            (folder / files[block.about]).chmod(0o600)
    graph = load_graph(folder, installed=installed(), environment="dev", values={})
    assert graph.warnings == ()
    assert graph.references["providers"].refresh_seconds == 900
    raw = f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1\rPV1|1||||||{code}\r".encode()
    (outcome,) = rehearsals(graph, [Source("page", tmp_path / "in.hl7", raw)])
    assert outcome.errors == ()
    changed = {change.path: change.after for each in outcome.deliveries for change in each.changes}
    assert changed == ({} if npi is None else {"PV1-7": f"{code}^^^^^^^^^^^^{npi}"})
