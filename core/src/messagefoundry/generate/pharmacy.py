"""Segments of medications and vaccinations (HL7 v2.5.1 chapter 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import vocabulary as words
from .fields import coded, day, minute, segment
from .people import new_clinician

if TYPE_CHECKING:
    from datetime import datetime

    from .scene import Scene


def rxe(scene: Scene) -> str:
    """An order as the pharmacy encoded it (§4.14.4)."""
    drug = scene.order.medication
    fields = {
        2: coded(drug.code, drug.text, "L"),
        3: str(drug.dose),
        5: coded(drug.unit, drug.unit, "UCUM"),
        6: coded(drug.form, drug.form_text, "L"),
        10: str(scene.chance.randint(1, 6) * 10),
        11: coded(drug.form, drug.form_text, "L"),
        12: str(scene.chance.randint(0, 5)),
        13: scene.order.orderer.name,
        15: _prescription(scene),
    }
    return segment("RXE", fields)


def rxd(scene: Scene) -> str:
    """What was dispensed (§4.14.5)."""
    drug = scene.order.medication
    fields = {
        1: str(scene.chance.randint(1, 3)),
        2: coded(drug.code, drug.text, "L"),
        3: minute(scene.order.reported),
        4: str(scene.chance.randint(1, 6) * 10),
        5: coded(drug.form, drug.form_text, "L"),
        7: _prescription(scene),
        10: new_clinician(scene.chance).name,
        16: str(drug.dose),
        17: coded(drug.unit, drug.unit, "UCUM"),
    }
    return segment("RXD", fields)


def rxa(scene: Scene) -> str:
    """What was given, and when (§4.14.7): the vaccine of a VXU, the medication of a RAS."""
    if scene.kind.family == "VXU":
        code, text, amount, maker, company = scene.order.vaccine
        given = scene.order.collected
        what, unit = coded(code, text, "CVX"), coded("mL", "milliliter", "UCUM")
        lot = {
            15: f"LOT{scene.chance.randint(100, 999)}X",
            16: day(scene.after(given, hours=9000)),
            17: coded(maker, company, "MVX"),
        }
        return _given(scene, what, amount, unit, given, lot)
    drug = scene.order.medication
    unit = coded(drug.unit, drug.unit, "UCUM")
    return _given(scene, coded(drug.code, drug.text, "L"), str(drug.dose), unit, scene.order.reported, {})


def _given(scene: Scene, what: str, amount: str, unit: str, given: datetime, lot: dict[int, str]) -> str:
    fields = {
        1: "0",
        2: str(scene.count("RXA")),
        3: minute(given),
        4: minute(given),
        5: what,
        6: amount,
        7: unit,
        10: new_clinician(scene.chance).name,
        20: "CP",
        21: "A",
    }
    return segment("RXA", {**fields, **lot})


def rxr(scene: Scene) -> str:
    """By which route, and where on the body (§4.14.2)."""
    if scene.kind.family == "VXU":
        return segment(
            "RXR", {1: coded("IM", words.ROUTES["IM"], "HL70162"), 2: coded("LD", "Left Deltoid", "HL70163")}
        )
    route = scene.order.medication.route
    return segment("RXR", {1: coded(route, words.ROUTES[route], "HL70162")})


def _prescription(scene: Scene) -> str:
    return f"RX{scene.order.number:08d}"


WRITERS = {"RXE": rxe, "RXD": rxd, "RXA": rxa, "RXR": rxr}
"""The writer of each segment."""
