"""An export imported into a repository, loaded as the engine does, and its Handlers run over messages."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.importing.project import ENVIRONMENT, Imported, imported, write
from messagefoundry.importing.report import Outcome
from messagefoundry.message import Message
from messagefoundry.pipeline.transform import Outcome as Transformed
from messagefoundry.pipeline.transform import transform
from messagefoundry.plugins import installed
from messagefoundry.wiring.deployment import Deployment
from messagefoundry.wiring.load import load_graph

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.wiring.graph import Graph

ADT = (
    "MSH|^~\\&|ADT|WARD|HUB|HOSP|20260101||ADT^A01^ADT_A01|C1|T|2.5.1\r"
    "EVN|A01|20260101\r"
    "PID|1|OLD|11^^^H^MR~22^^^H^PI||O\\T\\Brien^Ann||19700101|F\r"
    "PV1|1|I|ICU^2^A\r"
    "OBX|1|ST|GLU||5\r"
    "OBX|2|ST|NA||140\r"
)


@dataclass
class World:
    """What an export became."""

    found: Imported
    home: Path

    @property
    def module(self) -> str:
        (text,) = (text for name, text in self.found.files.items() if name.endswith(".py"))
        return text

    def graph(self) -> Graph:
        values = tomllib.loads((self.home / ENVIRONMENT).read_text("utf-8"))
        return load_graph(
            self.home / "config",
            installed=installed(),
            environment="dev",
            values=values,
            deployment=Deployment(allow_insecure_bind=True),
        )

    def run(self, message: str = ADT) -> Transformed:
        graph = self.graph()
        (inbound,) = graph.inbounds.values()
        return transform(graph, inbound, message.encode(), "utf-8")

    def sent(self, message: str = ADT) -> dict[str, Message]:
        """What each outbound gets, by the end of its name."""
        outcome = self.run(message)
        assert not outcome.failed, [failed.error for failed in outcome.failed]
        return {each.lane.rpartition("_")[2]: Message(each.payload) for each in outcome.outgoing}

    def said(self, outcome: Outcome) -> list[str]:
        """Place, part and reason of the entries with an outcome."""
        return [
            f"{entry.place}: {entry.part}: {entry.why}" for report in self.found.reports for entry in report.of(outcome)
        ]

    @property
    def missing(self) -> list[str]:
        return self.said(Outcome.NOT_TRANSLATED)

    @property
    def said_left_out(self) -> list[str]:
        return self.said(Outcome.LEFT_OUT)

    @property
    def different(self) -> list[str]:
        return self.said(Outcome.DIFFERS)


def world(home: Path, *exports: str) -> World:
    """Import exports, each a file of its own."""
    paths = []
    for number, xml in enumerate(exports):
        path = home / f"export{number}.xml"
        path.write_text(xml, "utf-8")
        paths.append(path)
    found = imported(paths)
    write(found, home / "repo")
    return World(found, home / "repo")
