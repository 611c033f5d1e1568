"""docs/generate.md, word for word, beside a running engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from messagefoundry.generate import KINDS
from tests.docs.blocks import blocks_of
from tests.docs.walk import Walk
from tools.projects import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "generate.md"


def test_the_page_works_word_for_word(tmp_path: Path) -> None:
    with Walk(tmp_path) as walk:
        walk.type("messagefoundry init my-interfaces")
        walk.type("cd my-interfaces")
        walk.serve("messagefoundry serve --config config")
        walk.follow(blocks_of(PAGE))
        sent = next(shown for line, shown in walk.printed.items() if line.startswith("messagefoundry send"))
        assert "20 messages sent, 20 accepted" in sent
        piped = walk.type(f"messagefoundry generate --type SIU --count 5 | messagefoundry send {walk.port} -")
        assert "5 messages sent, 5 accepted" in piped
        assert "Testwell" not in walk.stop()


def test_the_table_has_every_family_and_event() -> None:
    rows = dict(re.findall(r"^\| ([A-Z]{3}) \| (.*?) \|", PAGE.read_text("utf-8"), re.M))
    assert set(rows) == {kind.family for kind in KINDS}
    for kind in KINDS:
        named = re.findall(r"([A-Z])(\d\d)(?: to [A-Z](\d\d))?", rows[kind.family])
        spans = [range(int(first), int(last or first) + 1) for _, first, last in named]
        assert any(int(kind.trigger[1:]) in span for span in spans), kind.name
