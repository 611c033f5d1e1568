"""Segments of diagnoses, procedures, guarantors, insurances and charges (HL7 v2.5.1 chapter 6)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from . import vocabulary as words
from .fields import coded, components, day, minute, segment
from .people import employer, new_clinician, new_person

if TYPE_CHECKING:
    from .scene import Scene


def dg1(scene: Scene) -> str:
    """A diagnosis (§6.5.2)."""
    fields = {
        1: str(scene.count("DG1")),
        3: coded(*scene.another("DG1", words.DIAGNOSES), "I10"),
        5: minute(min(scene.visit.admitted, scene.now)),
        6: scene.pick("AWF"),
        16: scene.visit.attending.name,
    }
    return segment("DG1", fields)


def pr1(scene: Scene) -> str:
    """A procedure (§6.5.4)."""
    began = scene.before(scene.now, hours=30)
    fields = {
        1: str(scene.count("PR1")),
        3: coded(*scene.another("PR1", words.PROCEDURES), "I10P"),
        5: minute(began),
        6: scene.pick("ADIP"),
        7: str(scene.chance.randint(10, 180)),
        11: new_clinician(scene.chance).name,
    }
    return segment("PR1", fields)


def gt1(scene: Scene) -> str:
    """Who answers for the bill (§6.5.5)."""
    payer = new_person(scene.chance)
    fields = {
        1: str(scene.count("GT1")),
        3: payer.name,
        5: payer.address,
        6: payer.telephone,
        11: coded(*scene.pick(words.RELATIONSHIPS), "HL70063"),
        21: employer(scene.chance),
    }
    return segment("GT1", fields)


def in1(scene: Scene) -> str:
    """An insurance (§6.5.6)."""
    number, insurer = scene.another("IN1", words.INSURERS)
    who = scene.patient.person
    began = scene.now - timedelta(days=scene.chance.randint(30, 900))
    fields = {
        1: str(scene.count("IN1")),
        2: coded(*scene.pick(words.PLANS), "L"),
        3: components(number, "", "", "TEST", "XX"),
        4: insurer,
        8: f"G{scene.chance.randint(100, 999)}",
        12: day(began),
        13: day(began + timedelta(days=2 * 365)),
        16: who.name,
        17: coded("SEL", "Self", "HL70063"),
        18: day(scene.patient.born),
        19: who.address,
        22: str(scene.counts["IN1"]),
        36: f"POL{scene.chance.randint(1, 9_999_999):07d}",
    }
    return segment("IN1", fields)


def in2(scene: Scene) -> str:
    """More of an insurance (§6.5.7)."""
    return segment("IN2", {1: scene.patient.identifier("EI", "E"), 3: new_clinician(scene.chance).name, 72: "01"})


def acc(scene: Scene) -> str:
    """An accident (§6.5.9)."""
    fields = {
        1: minute(scene.before(min(scene.now, scene.visit.admitted), hours=48)),
        3: scene.pick(("Testville crossroads", "At work", "Sports ground")),
        5: "N",
        6: scene.pick("YN"),
    }
    return segment("ACC", fields)


def ft1(scene: Scene) -> str:
    """A charge, or one taken back (§6.5.1)."""
    code, text, cents = scene.pick(words.CHARGES)
    quantity = scene.chance.randint(1, 3)
    fields = {
        1: str(scene.count("FT1")),
        2: f"TX{scene.chance.randint(1, 9_999_999):07d}",
        4: minute(scene.before(scene.now, hours=24)),
        5: minute(scene.now),
        6: scene.pick(("CG", "CG", "CG", "CD")),
        7: coded(code, text, "L"),
        10: str(quantity),
        11: f"{quantity * cents / 100:.2f}&USD",
        12: f"{cents / 100:.2f}&USD",
        13: coded("MED", "Medicine", "L"),
        16: scene.visit.location,
        20: new_clinician(scene.chance).name,
    }
    return segment("FT1", fields)


WRITERS = {"DG1": dg1, "PR1": pr1, "GT1": gt1, "IN1": in1, "IN2": in2, "ACC": acc, "FT1": ft1}
"""The writer of each segment."""
