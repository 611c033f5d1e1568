"""Segments of master files (HL7 v2.5.1 chapters 8 and 15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import vocabulary as words
from .fields import coded, components, day, second, segment
from .people import AUTHORITY, new_clinician

if TYPE_CHECKING:
    from .scene import Scene

FILES = {
    "M02": ("PRA", "Practitioner master file"),
    "M04": ("CDM", "Charge description master file"),
    "M05": ("LOC", "Location master file"),
}
"""MFI-1 (table 0175)."""


def mfi(scene: Scene) -> str:
    """Which master file is changed, and how (§8.5.1)."""
    code, text = FILES[scene.kind.trigger]
    return segment("MFI", {1: coded(code, text, "HL70175"), 3: "UPD", 5: second(scene.now), 6: "NE"})


def mfe(scene: Scene) -> str:
    """What is done to one entry (§8.5.2)."""
    action = scene.pick(("MAD", "MUP", "MUP", "MDC"))
    fields = {
        1: action,
        2: f"M{scene.seed % 1000:03d}{scene.entry:05d}",
        3: day(scene.now),
        4: _key(scene),
        5: "PL" if scene.kind.trigger == "M05" else "CE",
    }
    return segment("MFE", fields)


def stf(scene: Scene) -> str:
    """Somebody of the staff (§15.4.8)."""
    member = new_clinician(scene.chance)
    fields = {
        1: _key(scene),
        2: components(f"D{scene.entry:05d}", "", "", AUTHORITY, "EI"),
        3: member.person.name,
        5: member.person.sex,
        7: scene.pick("AAI"),
        10: member.person.telephone,
        11: member.person.address,
    }
    return segment("STF", fields)


def pra(scene: Scene) -> str:
    """What a practitioner does (§15.4.6)."""
    return segment("PRA", {1: _key(scene), 3: "PHY", 4: scene.pick("IP")})


def cdm(scene: Scene) -> str:
    """What is charged for something (§8.10.2)."""
    _, text, _ = words.CHARGES[scene.entry % len(words.CHARGES)]
    return segment("CDM", {1: _key(scene), 3: text, 4: f"{text}, per unit", 8: "A"})


def loc(scene: Scene) -> str:
    """A location (§8.9.2)."""
    return segment("LOC", {1: _key(scene), 2: f"Room {scene.entry % 700}, ward 4 South", 3: "R", 4: "Example Hospital"})


def ldp(scene: Scene) -> str:
    """A department that a location has (§8.9.6)."""
    department = (("MED", "Medicine"), ("SUR", "Surgery"), ("PUL", "Pulmonary"))[scene.counts["LDP"] % 3]
    scene.count("LDP")
    return segment("LDP", {1: _key(scene), 2: coded(*department, "L"), 3: department[0], 6: "A"})


def _key(scene: Scene) -> str:
    """MFE-4, the same in the entry's own segments."""
    if scene.kind.trigger == "M05":
        return components("4SOUTH", str(scene.entry % 700), "", "TEST")
    return coded(f"D{scene.entry:05d}", "", "L")


WRITERS = {"MFI": mfi, "MFE": mfe, "STF": stf, "PRA": pra, "CDM": cdm, "LOC": loc, "LDP": ldp}
"""The writer of each segment."""
