"""Writes the lists of clauses into the pages that show them: `python -m tools.clauses`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from messagefoundry.testing import InboundConformance, OutboundConformance, StoreConformance
from messagefoundry.testing.conformance import clauses, sentence
from tools.projects import ROOT

if TYPE_CHECKING:
    from messagefoundry.testing import Conformance

KITS: dict[str, type[Conformance]] = {
    "outbound": OutboundConformance,
    "inbound": InboundConformance,
    "store": StoreConformance,
}
PAGES = [ROOT / "docs" / name for name in ("write-a-connector.md", "write-a-store.md")]
PLACE = re.compile(r"<!-- clauses: (\w+) -->\n(?:.*?<!-- end -->\n)?", re.DOTALL)


def listed(kit: str) -> str:
    """The clauses of a kit, a line each."""
    lines = [f"- `{name}`: {sentence(function)}" for name, function in clauses(KITS[kit]).items()]
    return f"<!-- clauses: {kit} -->\n\n{KITS[kit].kind.capitalize()}s:\n\n" + "\n".join(lines) + "\n\n<!-- end -->\n"


def written(page: str) -> str:
    """A page with today's clauses."""
    return PLACE.sub(lambda found: listed(found[1]), page)


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
