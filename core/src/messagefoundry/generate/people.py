"""People who do not exist: patients, their relatives and the staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from . import vocabulary as words
from .fields import components, escaped, repeated

AUTHORITY = "TEST&2.16.840.1.113883.19.5&ISO"
"""The assigning authority of every identifier; 2.16.840.1.113883.19 is HL7's own root for examples."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a name and an address. `sex` is of table 0001."""

    family: str
    given: str
    middle: str
    sex: str
    street: str
    town: str
    number: int

    @property
    def name(self) -> str:
        """XPN, the legal name."""
        return components(self.family, self.given, self.middle, "", "", "", "L")

    @property
    def address(self) -> str:
        """XAD, where the person lives."""
        return components(self.street, "", self.town, "ZZ", f"000{self.number % 100:02d}", "USA", "H")

    @property
    def telephone(self) -> str:
        """XTN; 555-0100 to 555-0199 are kept for fiction."""
        return components(
            f"(555)555-01{self.number % 100:02d}", "PRN", "PH", "", "", "555", f"55501{self.number % 100:02d}"
        )

    @property
    def electronic_mail(self) -> str:
        """XTN; example.org is kept for examples (RFC 2606)."""
        return components("", "NET", "Internet", f"person{self.number}@example.org")


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient: the person, and what only a patient has."""

    person: Person
    born: date
    marital: tuple[str, str]
    race: tuple[str, str]
    ethnicity: tuple[str, str]
    language: tuple[str, str]

    @property
    def record_number(self) -> str:
        """The digits of the medical record number."""
        return f"T{self.person.number:07d}"

    def identifier(self, kind: str = "MR", prefix: str = "") -> str:
        """CX of the authority TEST, of a kind of table 0203."""
        return components(prefix + self.record_number, "", "", AUTHORITY, kind)

    @property
    def identifiers(self) -> str:
        """PID-3: medical record number and, never assigned to anybody, a social security number that begins 000."""
        digits = f"000-00-{self.person.number % 10_000:04d}"
        return repeated([self.identifier(), components(digits, "", "", "TEST", "SS")])


@dataclass(frozen=True, slots=True)
class Clinician:
    """Somebody of the staff."""

    number: int
    person: Person
    degree: str = "MD"

    @property
    def name(self) -> str:
        """XCN."""
        who = self.person
        return components(
            f"D{self.number:04d}", who.family, who.given, who.middle, "", "Dr", self.degree, "", "TEST", "L"
        )


def new_person(chance: Random, sex: str = "") -> Person:
    """Make somebody up; `sex` decides the given name."""
    sex = sex or chance.choice("FM")
    names = {"F": words.FEMALE_NAMES, "M": words.MALE_NAMES}
    return Person(
        family=chance.choice(words.FAMILY_NAMES),
        given=chance.choice(names.get(sex, words.FEMALE_NAMES + words.MALE_NAMES)),
        middle=chance.choice("ABCDEFGHJKLMNPRSTVW") if chance.random() < 0.6 else "",
        sex=sex,
        street=f"{chance.randint(1, 199)} {chance.choice(words.STREETS)}",
        town=chance.choice(words.TOWNS),
        number=chance.randint(1, 9_999_999),
    )


def new_patient(chance: Random, moment: datetime) -> Patient:
    """Make up a patient who lives at `moment`; one in fifty says no sex, or another."""
    person = new_person(chance, chance.choice("FM") if chance.random() < 0.98 else chance.choice("OU"))
    born = (moment - timedelta(days=chance.randint(30, 95 * 365))).date()
    adult = moment.year - born.year >= 18
    return Patient(
        person,
        born,
        chance.choice(words.MARITAL) if adult else words.MARITAL[0],
        chance.choice(words.RACES),
        chance.choice(words.ETHNICITIES),
        chance.choice(words.LANGUAGES),
    )


def new_clinician(chance: Random) -> Clinician:
    """Make up somebody of the staff; there are forty of them."""
    number = chance.randint(1001, 1040)
    return Clinician(number, new_person(Random(f"clinician {number}")))


def employer(chance: Random) -> str:
    """XON."""
    return escaped(chance.choice(words.EMPLOYERS))
