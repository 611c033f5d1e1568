"""Segments of patient administration and finance (HL7 v2.5.1 chapters 3 and 15)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from . import vocabulary as words
from .fields import coded, components, day, minute, repeated, second, segment
from .people import AUTHORITY, new_clinician, new_patient, new_person
from .scene import ARRIVALS

if TYPE_CHECKING:
    from .scene import Scene

LEAVES = frozenset({"A21", "A22", "A52", "A53"})
MOVES = frozenset({"A02", "A06", "A07", "A12"})


def pid(scene: Scene) -> str:
    """Who the patient is (§3.4.2)."""
    patient = scene.patient
    who = patient.person
    fields = {
        1: str(scene.count("PID")),
        3: patient.identifiers,
        5: who.name,
        7: day(patient.born),
        8: who.sex,
        10: coded(*patient.race, "HL70005"),
        11: who.address,
        13: repeated([who.telephone, who.electronic_mail]),
        15: coded(*patient.language, "HL70296") if scene.chance.random() < 0.5 else "",
        16: coded(*patient.marital, "HL70002"),
        18: patient.identifier("AN", "A"),
        22: coded(*patient.ethnicity, "HL70189"),
        30: "N",
    }
    return segment("PID", fields)


def pd1(scene: Scene) -> str:
    """What else is known of the patient (§3.4.10)."""
    practice = components("Example Family Practice", "L", "", "", "", "TEST", "XX", "", "", "FP100")
    return segment("PD1", {2: scene.pick("AFS"), 3: practice, 4: new_clinician(scene.chance).name, 12: "N"})


def mrg(scene: Scene) -> str:
    """What the patient was known as before (§3.4.9)."""
    old = new_patient(scene.chance, scene.now)
    fields = {
        1: old.identifier(),
        3: old.identifier("AN", "A"),
        5: components(f"V{scene.chance.randint(1, 99_999_999):08d}", "", "", AUTHORITY, "VN"),
        7: components(scene.patient.person.family, old.person.given, "", "", "", "", "L"),
    }
    return segment("MRG", fields)


def evn(scene: Scene) -> str:
    """What happened, when, and who recorded it (§3.4.1)."""
    visit = scene.visit
    fields = {1: scene.kind.trigger, 2: second(scene.now), 5: new_clinician(scene.chance).name}
    if visit.expected:
        fields[3] = minute(visit.admitted)
    else:
        happened = visit.discharged or (visit.admitted if scene.kind.trigger in ARRIVALS else scene.now)
        fields[6] = second(happened)
    return segment("EVN", fields)


def nk1(scene: Scene) -> str:
    """Next of kin (§3.4.5)."""
    kin = new_person(scene.chance)
    name = components(scene.patient.person.family, kin.given, kin.middle, "", "", "", "L")
    role = coded(*scene.pick(words.RELATIONSHIPS), "HL70063")
    return segment("NK1", {1: str(scene.count("NK1")), 2: name, 3: role, 4: kin.address, 5: kin.telephone})


def rol(scene: Scene) -> str:
    """Who has which part in the care (§15.4.7)."""
    role = coded(
        *scene.pick((("AT", "Attending"), ("CP", "Consulting Provider"), ("RP", "Referring Provider"))), "HL70443"
    )
    return segment("ROL", {2: "UC", 3: role, 4: new_clinician(scene.chance).name, 5: minute(scene.visit.admitted)})


def pv1(scene: Scene) -> str:
    """The visit (§3.4.3)."""
    visit, trigger = scene.visit, scene.kind.trigger
    other = components(scene.pick(words.WARDS), str(scene.chance.randint(100, 699)), "C", "TEST")
    fields = {
        1: "1",
        2: visit.patient_class,
        3: visit.location,
        4: {"I": scene.pick("CEU"), "E": "E"}.get(visit.patient_class, "R"),
        6: other if trigger in MOVES else "",
        7: visit.attending.name,
        8: visit.referring.name,
        9: visit.consulting.name if trigger in ("A61", "A62") or scene.chance.random() < 0.3 else "",
        10: visit.service,
        11: other if trigger in ("A09", "A10", "A32", "A33") else "",
        14: scene.pick("127"),
        17: visit.attending.name if visit.patient_class == "I" else "",
        19: components(f"V{visit.number:08d}", "", "", AUTHORITY, "VN"),
        42: other if trigger in ("A15", "A26") else "",
        44: "" if visit.expected else minute(visit.admitted),
    }
    if visit.discharged is not None:
        fields |= {36: scene.pick(("01", "03", "06")), 45: minute(visit.discharged)}
    return segment("PV1", fields)


def pv2(scene: Scene) -> str:
    """More of the visit (§3.4.4)."""
    visit = scene.visit
    fields = {3: coded("", scene.pick(words.DIAGNOSES)[1], ""), 22: "N", 25: scene.pick("123")}
    if visit.expected:
        fields[8] = minute(visit.admitted)
    elif visit.patient_class == "I" and visit.discharged is None:
        fields[9] = day(scene.now + timedelta(days=scene.chance.randint(1, 9)))
    if scene.kind.trigger in LEAVES:
        fields[47] = minute(scene.after(scene.now, hours=72))
    return segment("PV2", fields)


def npu(scene: Scene) -> str:
    """What state a bed is in (§3.4.8)."""
    return segment("NPU", {1: scene.visit.location, 2: scene.pick("CHIKOU")})


def al1(scene: Scene) -> str:
    """An allergy (§3.4.6)."""
    kind, code, text, reaction = scene.another("AL1", words.ALLERGIES)
    types = {"DA": "Drug allergy", "FA": "Food Allergy", "EA": "Environmental Allergy", "PA": "Plant Allergy"}
    severity = scene.pick((("MI", "Mild"), ("MO", "Moderate"), ("SV", "Severe")))
    fields = {
        1: str(scene.count("AL1")),
        2: coded(kind, types[kind], "HL70127"),
        3: coded(code, text, "L"),
        4: coded(*severity, "HL70128"),
        5: reaction,
    }
    return segment("AL1", fields)


def iam(scene: Scene) -> str:
    """An adverse reaction, as it is added or changed (§3.4.7)."""
    kind, code, text, reaction = scene.another("IAM", words.ALLERGIES)
    action = scene.pick((("A", "Add/Insert"), ("U", "Update")))
    fields = {
        1: str(scene.count("IAM")),
        2: components(kind, "", "HL70127"),
        3: coded(code, text, "L"),
        4: coded("MO", "Moderate", "HL70128"),
        5: reaction,
        6: coded(*action, "HL70323"),
        7: f"R{scene.chance.randint(1, 999_999):06d}^TEST",
        9: coded("AL", "Allergy", "HL70436"),
        13: day(scene.before(scene.now, hours=900)),
    }
    return segment("IAM", fields)


WRITERS = {
    "PID": pid,
    "PD1": pd1,
    "MRG": mrg,
    "EVN": evn,
    "NK1": nk1,
    "ROL": rol,
    "PV1": pv1,
    "PV2": pv2,
    "NPU": npu,
    "AL1": al1,
    "IAM": iam,
}
"""The writer of each segment."""
