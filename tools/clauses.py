"""Writes the lists of clauses into the pages that show them: `python -m tools.clauses`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from messagefoundry.testing import (
    BatchCodecConformance,
    BatchConformance,
    CodecConformance,
    InboundConformance,
    OutboundConformance,
    ReferenceSourceConformance,
    StoreConformance,
)
from messagefoundry.testing.conformance import clauses, sentence
from tools.projects import ROOT

if TYPE_CHECKING:
    from messagefoundry.testing import Conformance

KITS: dict[str, type[Conformance]] = {
    "outbound": OutboundConformance,
    "batch": BatchConformance,
    "inbound": InboundConformance,
    "codec": CodecConformance,
    "batchcodec": BatchCodecConformance,
    "source": ReferenceSourceConformance,
    "store": StoreConformance,
}
PAGES = [ROOT / "docs" / name for name in ("write-a-connector.md", "write-a-store.md", "plugins.md")]
PLACE = re.compile(r"<!-- clauses: (\w+) -->\n(?:.*?<!-- end -->\n)?", re.DOTALL)
SUMMARY = re.compile(r"\((?P<kind>[a-z ]+)\): \d+ clauses, \d+ passed(?:, (?P<left_out>\d+) not applicable)?")


def listed(kit: str) -> str:
    """The clauses of a kit, a line each."""
    lines = [f"- `{name}`: {sentence(function)}" for name, function in clauses(KITS[kit]).items()]
    return f"<!-- clauses: {kit} -->\n\n{KITS[kit].kind.capitalize()}s:\n\n" + "\n".join(lines) + "\n\n<!-- end -->\n"


def counted(summary: re.Match[str]) -> str:
    """A line of the kit's summary with today's number of clauses."""
    kinds = {kit.kind: len(clauses(kit)) for kit in KITS.values()}
    total, left_out = kinds[summary["kind"]], int(summary["left_out"] or 0)
    rest = f", {left_out} not applicable" if left_out else ""
    return f"({summary['kind']}): {total} clauses, {total - left_out} passed{rest}"


def written(page: str) -> str:
    """A page with today's clauses."""
    return SUMMARY.sub(counted, PLACE.sub(lambda found: listed(found[1]), page))


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
