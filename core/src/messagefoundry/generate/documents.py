"""The segment of documents (HL7 v2.5.1 chapter 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fields import components, minute, segment

if TYPE_CHECKING:
    from .scene import Scene

PARENTED = frozenset({"T05", "T06", "T09", "T10"})
"""Events of documents that go with an earlier one, or in its place."""


def txa(scene: Scene) -> str:
    """A document (§9.6.1)."""
    done = {"T09": "DO", "T10": "DO", "T11": "IN"}.get(scene.kind.trigger, "AU")
    written = scene.before(scene.now, hours=20)
    author = scene.visit.attending.name
    fields = {
        1: "1",
        2: scene.document[0],
        3: "TX",
        4: minute(written),
        5: author,
        6: minute(written),
        9: author,
        12: components(f"DOC{scene.order.number:08d}", "TESTDOC"),
        13: components(f"DOC{scene.order.number - 1:08d}", "TESTDOC") if scene.kind.trigger in PARENTED else "",
        17: done,
        18: "R",
        19: "OB" if scene.kind.trigger == "T11" else "AV",
    }
    return segment("TXA", fields)


WRITERS = {"TXA": txa}
"""The writer of each segment."""
