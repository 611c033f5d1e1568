"""Segments of orders and observations (HL7 v2.5.1 chapters 4 and 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import vocabulary as words
from .fields import coded, components, escaped, minute, segment
from .people import new_clinician

if TYPE_CHECKING:
    from datetime import datetime

    from .scene import Scene

RESULTS = frozenset({"ORU", "MDM", "VXU"})
"""Families whose orders have been carried out."""

CONTROLS = {"ORU": "RE", "MDM": "RE", "VXU": "RE", "RAS": "RE", "RDS": "RE"}
"""ORC-1 (table 0119) of what has been carried out; all else is a new order."""


def orc(scene: Scene) -> str:
    """What is to become of an order (§4.5.1)."""
    order, family = scene.order, scene.kind.family
    control = CONTROLS.get(family, "NW")
    fields = {
        1: control,
        2: order.placer,
        3: order.filler if control == "RE" else "",
        5: "CM" if control == "RE" else "",
        9: minute(order.placed),
        10: new_clinician(scene.chance).name,
        12: order.orderer.name,
        13: scene.visit.location,
    }
    return segment("ORC", fields)


def obr(scene: Scene) -> str:
    """What is ordered, or was observed (§4.5.3)."""
    order = scene.order
    done = scene.kind.family in RESULTS
    code, text = (order.panel.code, order.panel.text) if order.panel else order.image[:2]
    fields = {
        1: str(scene.count("OBR")),
        2: order.placer,
        3: order.filler if done else "",
        4: coded(code, text, "LN"),
        16: order.orderer.name,
        24: "LAB" if order.panel else "RAD",
    }
    if done:
        fields |= {7: minute(order.collected), 14: minute(order.received), 22: minute(order.reported), 25: "F"}
    return segment("OBR", fields)


def tq1(scene: Scene) -> str:
    """When, and how often (§4.5.4)."""
    family = scene.kind.family
    pattern = scene.order.medication.pattern if family in ("RDE", "RAS", "RDS") else "Once"
    priority = coded(*scene.pick((("R", "Routine"), ("R", "Routine"), ("S", "Stat"), ("A", "ASAP"))), "HL70485")
    return segment("TQ1", {1: str(scene.count("TQ1")), 3: pattern, 7: minute(scene.now), 9: priority})


def nte(scene: Scene) -> str:
    """A note (§2.15.10)."""
    return segment("NTE", {1: str(scene.count("NTE")), 2: "L", 3: escaped(scene.another("NTE", words.NOTES))})


def obx(scene: Scene) -> str:
    """One observation: a vaccine's, or a vital sign (§7.4.2)."""
    if scene.kind.family == "VXU":
        text = coded("V01", "VFC not eligible", "L")
        return observation(scene, "CE", coded("64994-7", "Vaccine funding program eligibility category", "LN"), text)
    return measured(scene, scene.another("OBX", words.VITALS), scene.before(scene.now, hours=3))


def results(scene: Scene) -> list[str]:
    """The observations that answer the order: every analyte of a panel, or the paragraphs of a report."""
    order = scene.order
    if order.panel:
        return [measured(scene, analyte, order.collected) for analyte in order.panel.analytes]
    code, text, paragraphs = order.image
    return [
        observation(scene, "TX", coded(code, text, "LN"), escaped(line), number=n)
        for n, line in enumerate(paragraphs, 1)
    ]


def document(scene: Scene) -> list[str]:
    """The paragraphs of the document."""
    kind, title, paragraphs = scene.document
    return [observation(scene, "TX", coded(kind, title, "L"), line, number=n) for n, line in enumerate(paragraphs, 1)]


def measured(scene: Scene, analyte: words.Analyte, at: datetime) -> str:
    """A number with its unit, range and flag; one in five is out of range."""
    width = analyte.high - analyte.low
    value = scene.chance.uniform(analyte.low, analyte.high)
    if scene.chance.random() < 0.2:
        value = max(analyte.low - 0.3 * width, 0) if scene.chance.random() < 0.5 else analyte.high + 0.4 * width
    shown = f"{value:.{analyte.decimals}f}"
    flag = "L" if float(shown) < analyte.low else "H" if float(shown) > analyte.high else "N"
    fields = {
        1: str(scene.count("OBX")),
        2: "NM",
        3: coded(analyte.code, analyte.text, "LN"),
        5: shown,
        6: coded(analyte.unit, analyte.unit, "UCUM"),
        7: f"{analyte.low:g}-{analyte.high:g}",
        8: flag,
        11: "F",
        14: minute(at),
    }
    return segment("OBX", fields)


def observation(scene: Scene, kind: str, code: str, value: str, *, number: int = 0) -> str:
    """An observation without unit or range; `number` is OBX-4 of one of several."""
    fields = {1: str(scene.count("OBX")), 2: kind, 3: code, 4: str(number) if number else "", 5: value, 11: "F"}
    return segment("OBX", {**fields, 14: minute(scene.order.collected)})


def spm(scene: Scene) -> str:
    """The specimen (§7.4.3)."""
    kind, text, method, how = scene.pick(words.SPECIMENS)
    order = scene.order
    fields = {
        1: str(scene.count("SPM")),
        2: components(f"S{order.number:08d}&TESTORD", f"S{order.number:08d}&TESTFIL"),
        4: coded(kind, text, "HL70487"),
        7: coded(method, how, "HL70488"),
        11: coded("P", "Patient", "HL70369"),
        17: minute(order.collected),
        18: minute(order.received),
    }
    return segment("SPM", fields)


WRITERS = {"ORC": orc, "OBR": obr, "TQ1": tq1, "NTE": nte, "OBX": obx, "SPM": spm}
"""The writer of each segment."""
