"""People who do not exist."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta

# fmt: off
_FAMILY = (
    "TESTWELL", "MOCKFORD", "SAMPLESON", "DEMOSKI", "FAKENHAM", "STUBBS", "FIXTURE", "PLACEHOLDER", "O'DUMMY",
    "SYNTHEZ", "LOREMSEN", "MÜSTERLI", "ÉCHANTILLON", "BEISPIEL", "NOBODYSON", "DRYRUN",
)
_GIVEN = (
    "ADA", "ALAN", "BARBARA", "CLAUDE", "DENNIS", "EDSGER", "FRANCES", "GRACE", "JEAN", "KATHERINE", "KEN",
    "MARGARET", "NIKLAUS", "RADIA", "ZOË", "JOSÉ",
)
# fmt: on
_STREETS = "EXAMPLE STREET", "SAMPLE SQUARE", "TEST TRACK", "MOCK MEWS", "FIXTURE FIELDS"
_WARDS = "5NORTH", "5SOUTH", "ICU", "MATERNITY", "DAYCARE"
_DOCTORS = "99001^TESTWELL^ROBIN^K^^^MD^^SYNTH", "99002^DEMOSKI^SASHA^^^^MD^^SYNTH", "99003^STUBBS^KIM^^^^MD^^SYNTH"
_DIAGNOSES = (
    "Z00.0^General examination^I10",
    "J18.9^Pneumonia, unspecified organism^I10",
    "S52.5^Fracture of lower end of radius^I10",
    "I10^Essential hypertension^I10",
    "K35.8^Acute appendicitis^I10",
)


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient on one visit."""

    number: int
    family: str
    given: str
    sex: str
    """table 0001"""
    born: date
    address: str
    """PID-11"""
    inpatient: bool
    ward: str
    room: str
    doctor: str
    """PV1-7"""
    diagnosis: str
    """DG1-3"""
    arrived: datetime

    def identification(self) -> str:
        """Return the PID segment (§3.4.2)."""
        return (
            f"PID|1||{self.number:08d}^^^SYNTH^MR||{self.family}^{self.given}^^^^^L||{self.born:%Y%m%d}|{self.sex}|||"
            f"{self.address}||^PRN^PH^^1^555^{self._telephone}|||||A{self.number:08d}^^^SYNTH^AN"
        )

    def next_of_kin(self) -> str:
        """Return an NK1 segment (§3.4.5)."""
        return f"NK1|1|{self.family}^KIN|SIB^Sibling^HL70063|{self.address}|^PRN^PH^^1^555^{self._telephone}"

    def visit(self, discharged: datetime | None) -> str:
        """Return the PV1 segment (§3.4.3), with PV1-36 and PV1-45 when discharged."""
        fields = {
            1: "1",
            2: "I" if self.inpatient else "O",
            3: f"{self.ward}^{self.room}^A^SYNTH",
            7: self.doctor,
            19: f"V{self.number:08d}^^^SYNTH^VN",
            44: f"{self.arrived:%Y%m%d%H%M%S}",
        }
        if discharged is not None:
            fields |= {36: "01", 45: f"{discharged:%Y%m%d%H%M%S}"}
        return "|".join(["PV1", *(fields.get(number, "") for number in range(1, max(fields) + 1))])

    @property
    def _telephone(self) -> str:
        return f"55501{self.number % 100:02d}"


def new_patient(chance: random.Random, number: int, arrived: datetime, *, inpatient: bool) -> Patient:
    """Make up a patient who arrives now."""
    return Patient(
        number=number,
        family=chance.choice(_FAMILY),
        given=chance.choice(_GIVEN),
        sex=chance.choice("FFFMMMOU"),
        born=arrived.date() - timedelta(days=chance.randint(0, 95 * 365)),
        address=f"{chance.randint(1, 99)} {chance.choice(_STREETS)}^^NOWHERE^ZZ^00000^USA",
        inpatient=inpatient,
        ward=chance.choice(_WARDS),
        room=f"{chance.randint(100, 599)}",
        doctor=chance.choice(_DOCTORS),
        diagnosis=chance.choice(_DIAGNOSES),
        arrived=arrived,
    )
