"""Segments of appointments (HL7 v2.5.1 chapter 10)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from . import vocabulary as words
from .fields import coded, components, minute, segment
from .people import new_clinician

if TYPE_CHECKING:
    from datetime import datetime

    from .scene import Scene

STATUSES = {"S15": "Cancelled", "S16": "Dc", "S17": "Deleted", "S23": "Blocked", "S26": "Noshow"}
"""SCH-25 (table 0278); all other events leave the appointment booked."""


def sch(scene: Scene) -> str:
    """An appointment (§10.6.1)."""
    reason, text, minutes = scene.appointment
    begins = _begins(scene)
    status = STATUSES.get(scene.kind.trigger, "Booked")
    fields = {
        1: f"A{scene.order.number:08d}^TESTORD",
        2: f"A{scene.order.number:08d}^TESTFIL",
        6: coded(scene.kind.trigger, scene.kind.title, "HL70003"),
        7: coded(reason, text, "HL70276"),
        8: coded("Normal", "Routine schedule request type", "HL70277"),
        9: str(minutes),
        10: components("min", "minutes", "L"),
        11: components("", "", "", minute(begins), minute(begins + timedelta(minutes=minutes))),
        16: scene.visit.attending.name,
        20: new_clinician(scene.chance).name,
        25: coded(status, status, "HL70278"),
    }
    return segment("SCH", fields)


def rgs(scene: Scene) -> str:
    """A group of resources (§10.6.3)."""
    scene.recount("AIS", "AIG", "AIL", "AIP")
    return segment("RGS", {1: str(scene.count("RGS")), 2: "A"})


def ais(scene: Scene) -> str:
    """A service of the appointment (§10.6.4)."""
    code, text, _ = scene.pick(words.CHARGES)
    return segment(
        "AIS", {**_resource(scene, "AIS"), 3: coded(code, text, "L"), 4: minute(_begins(scene)), **_lasts(scene, 7)}
    )


def aig(scene: Scene) -> str:
    """A general resource (§10.6.5)."""
    kind = coded("EQP", "Equipment", "L")
    return segment(
        "AIG", {**_resource(scene, "AIG"), 3: coded("ULS1", "Ultrasound 1", "L"), 4: kind, 8: minute(_begins(scene))}
    )


def ail(scene: Scene) -> str:
    """A location (§10.6.6)."""
    place = components(scene.pick(words.CLINICS), str(scene.chance.randint(1, 20)), "", "TEST")
    return segment(
        "AIL", {**_resource(scene, "AIL"), 3: place, 4: coded("C", "Clinic", "HL70305"), 6: minute(_begins(scene))}
    )


def aip(scene: Scene) -> str:
    """A person (§10.6.7)."""
    who = new_clinician(scene.chance) if scene.counts["AIP"] else scene.visit.attending
    fields = {3: who.name, 4: coded("PHY", "Physician", "L"), 6: minute(_begins(scene))}
    return segment("AIP", {**_resource(scene, "AIP"), **fields, **_lasts(scene, 9)})


def _resource(scene: Scene, name: str) -> dict[int, str]:
    return {1: str(scene.count(name)), 2: "A"}


def _lasts(scene: Scene, field: int) -> dict[int, str]:
    return {field: str(scene.appointment[2]), field + 1: components("min", "minutes", "L")}


def _begins(scene: Scene) -> datetime:
    """When the appointment is: within two months, in the morning or the afternoon; a missed one was yesterday."""
    days = -1 if scene.kind.trigger == "S26" else 1 + scene.order.number % 60
    return scene.now.replace(hour=8 + scene.entry % 9, minute=15 * (scene.entry % 4), second=0) + timedelta(days=days)


WRITERS = {"SCH": sch, "RGS": rgs, "AIS": ais, "AIG": aig, "AIL": ail, "AIP": aip}
"""The writer of each segment."""
