from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.specs import load
from messagefoundry.plugins import installed
from messagefoundry.settings.model import sections
from tools import docs
from tools.links import anchors, dead_links
from tools.projects import ROOT
from tools.reference.markdown import table, text_of
from tools.reference.models import notes

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel


def test_the_reference_pages_are_what_the_code_says() -> None:
    stale = [path.name for path in docs.stale()]
    assert stale == [], "run `make docs`"


MODELS = [
    *sections().values(),
    *(
        load(each.spec.settings)
        for each in installed().connectors.values()
        if each.spec.name in ("MLLP", "Tcp", "File")
    ),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_option_and_every_key_says_what_it_does(model: type[BaseModel]) -> None:
    said = notes(model)
    assert [name for name in model.model_fields if not said.get(name, "").endswith(".")] == []


@pytest.mark.parametrize("page", docs.documents(), ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert list(dead_links(page)) == []


def test_every_page_is_linked_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if page != "index.md" and f"({page})" not in index] == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A `code` heading\n\n# A code heading\n\n```\n# no heading\n```\n")
    page = tmp_path / "page.md"
    good = "[a](there.md) [b](there.md#a-code-heading-1) [c](#own) [d](https://example.org/x)\n# Own\n`[e](code)`\n"
    page.write_text(f"{good}[f](gone.md) [g](there.md#no-heading) [h](#other)\n")
    assert list(dead_links(page)) == ["gone.md", "there.md#no-heading", "#other"]


def test_anchors_are_those_of_github() -> None:
    assert anchors("## register_x(a, b)\n### What a sender is *answered*?\n") == {
        "register_xa-b",
        "what-a-sender-is-answered",
    }


def test_a_table_is_not_broken_by_its_content() -> None:
    assert table(("a", "b"), [("x|y", "two\nlines")]).splitlines()[2] == "| x\\|y | two lines |"


def test_an_indented_part_of_a_docstring_is_code() -> None:
    assert text_of("One\nline.\n\n    a\n      b") == "One line.\n\n```text\na\n  b\n```"
