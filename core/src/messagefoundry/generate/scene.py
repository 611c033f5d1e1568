"""The facts of one made-up message: who, where, when, and what has been ordered. All its segments draw on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from . import vocabulary as words
from .people import Clinician, new_clinician, new_patient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    from .kinds import Kind

    T = TypeVar("T")

FIRST_MOMENT = datetime(2026, 1, 5, 6, 0)
"""When the first message of a series is written: a fixed time, as equal seeds give equal bytes."""

GAP = timedelta(minutes=7)

OUTPATIENT_TRIGGERS = frozenset({"A04", "A07", "A10", "A32", "S12", "V04"})
ARRIVALS = frozenset({"A01", "A04", "A06", "A07", "A10"})
"""Events that are sent when the patient comes."""

DISCHARGES = frozenset({"A03", "P06"})
EXPECTED = frozenset({"A05", "A14", "A27", "A38"})
"""Events of patients who have not come yet."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay or one outpatient visit."""

    number: int
    patient_class: str
    """table 0004"""
    ward: str
    room: int
    bed: str
    service: str
    """table 0069"""
    admitted: datetime
    discharged: datetime | None
    attending: Clinician
    referring: Clinician
    consulting: Clinician

    @property
    def expected(self) -> bool:
        """Whether the patient has not come yet."""
        return self.patient_class == "P"

    @property
    def location(self) -> str:
        """PL."""
        return f"{self.ward}^{self.room}^{self.bed}^TEST"


@dataclass(frozen=True, slots=True)
class Order:
    """One order, from when it was placed to when it was answered."""

    number: int
    placed: datetime
    collected: datetime
    received: datetime
    reported: datetime
    orderer: Clinician
    panel: words.Panel | None
    """The laboratory test that was ordered; None for an image."""
    image: tuple[str, str, tuple[str, ...]]
    medication: words.Medication
    vaccine: tuple[str, str, str, str, str]

    @property
    def placer(self) -> str:
        """EI of who ordered."""
        return f"P{self.number:08d}^TESTORD"

    @property
    def filler(self) -> str:
        """EI of who carries it out."""
        return f"F{self.number:08d}^TESTFIL"


class Scene:
    """What one message is about. The same kind, seed and number make the same scene."""

    def __init__(self, kind: Kind, seed: int, number: int) -> None:
        self.kind = kind
        self.seed = seed
        self.number = number
        self.chance = Random(f"{seed} {kind.name} {number}")
        self.now = FIRST_MOMENT + number * GAP + timedelta(seconds=self.chance.randint(0, 400))
        self.patient = new_patient(self.chance, self.now)
        self.visit = self._new_visit()
        self.order = self._new_order()
        self.entry = self.chance.randint(1000, 8999)
        self.document = self.pick(words.DOCUMENTS)
        self.appointment = self.pick(words.APPOINTMENTS)
        self.counts: Counter[str] = Counter()

    def count(self, segment: str) -> int:
        """The next set id of a segment."""
        self.counts[segment] += 1
        return self.counts[segment]

    def recount(self, *segments: str) -> None:
        """Let the set ids of these segments begin at 1 again."""
        for segment in segments:
            del self.counts[segment]

    def pick(self, choices: Sequence[T]) -> T:
        """One of several."""
        return self.chance.choice(choices)

    def before(self, moment: datetime, *, hours: float) -> datetime:
        """A moment before another, at most so many hours; never before the patient is born."""
        earlier = moment - timedelta(seconds=self.chance.randint(60, int(hours * 3600)))
        return max(earlier, datetime.combine(self.patient.born, datetime.min.time()))

    def after(self, moment: datetime, *, hours: float) -> datetime:
        """A moment after another, at most so many hours."""
        return moment + timedelta(seconds=self.chance.randint(60, int(hours * 3600)))

    def another(self, segment: str, choices: Sequence[T]) -> T:
        """One of several, and another one for each repetition of a segment."""
        return choices[(self.entry + self.counts[segment]) % len(choices)]

    def another_patient(self) -> None:
        """The rest is about another patient, who has a visit of his own."""
        self.patient = new_patient(self.chance, self.now)
        self.visit = self._new_visit()
        self.recount("OBX")

    def another_order(self) -> None:
        """The rest is about the next order."""
        self.order = self._new_order()
        self.recount("OBX", "NTE", "TQ1", "DG1")

    def another_entry(self) -> None:
        """The rest is about the next entry of the master file."""
        self.entry += self.chance.randint(1, 9)
        self.recount("LDP")

    def _between(self, first: datetime, last: datetime) -> datetime:
        return first + (last - first) * self.chance.random()

    def _new_visit(self) -> Visit:
        trigger = self.kind.trigger
        expected = trigger in EXPECTED
        arrives = trigger in ARRIVALS
        admitted = self.after(self.now, hours=240) if expected else self.before(self.now, hours=1 if arrives else 120)
        outpatient = trigger in OUTPATIENT_TRIGGERS or (self.kind.family != "ADT" and self.chance.random() < 0.4)
        return Visit(
            number=self.chance.randint(1, 99_999_999),
            patient_class="P" if expected else self.pick("OE" if trigger == "A04" else "O") if outpatient else "I",
            ward=self.pick(words.CLINICS if outpatient else words.WARDS),
            room=self.chance.randint(100, 699),
            bed=self.pick("AB"),
            service=self.pick(words.SERVICES),
            admitted=admitted,
            discharged=self._between(admitted, self.now) if trigger in DISCHARGES else None,
            attending=new_clinician(self.chance),
            referring=new_clinician(self.chance),
            consulting=new_clinician(self.chance),
        )

    def _new_order(self) -> Order:
        placed = self.before(self.now, hours=36)
        collected, received, reported = sorted(self._between(placed, self.now) for _ in range(3))
        return Order(
            self.chance.randint(1, 99_999_999),
            placed,
            collected,
            received,
            reported,
            orderer=new_clinician(self.chance),
            panel=self.pick(words.PANELS) if self.chance.random() < 0.8 else None,
            image=self.pick(words.IMAGING),
            medication=self.pick(words.MEDICATIONS),
            vaccine=self.pick(words.VACCINES),
        )
