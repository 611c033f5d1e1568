"""Synthetic HL7 v2.5.1 traffic of a made-up hospital: ADT^A01, A03, A04, A08 and ORU^R01, the same for the same seed.

Nobody here exists: family names are puns on testing, telephone numbers and addresses are the ones reserved for fiction,
MSH-11 is T (training, table 0103). The events make sense together: only who is in the house is updated, gets results
and is discharged.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from .patients import Patient, new_patient
from .results import observation_segments

_OPENING = datetime(2025, 1, 6, 7, 30)
_MOST_PATIENTS = 40
_FEWEST_PATIENTS = 5


@dataclass(frozen=True, slots=True)
class _Event:
    """One thing that happens, and to whom."""

    trigger: str
    patient: Patient
    at: datetime


def synthetic_messages(seed: int, start: datetime = _OPENING) -> Iterator[bytes]:
    """Yield messages without end: UTF-8, CR after each segment, no MLLP frame; MSH-10 is SYN00000001 and so on."""
    chance = random.Random(seed)
    for number, event in enumerate(_events(chance, start), 1):
        yield _message(chance, f"SYN{number:08d}", event).encode()


def _events(chance: random.Random, start: datetime) -> Iterator[_Event]:
    house: list[Patient] = []
    numbers, now = count(1), start
    while True:
        now += timedelta(seconds=chance.randint(5, 240))
        trigger = _next_trigger(chance, len(house))
        if trigger in {"A01", "A04"}:
            house.append(new_patient(chance, next(numbers), now, inpatient=trigger == "A01"))
            yield _Event(trigger, house[-1], now)
            continue
        place = chance.randrange(len(house))
        if trigger == "A08":
            house[place] = replace(house[place], room=f"{chance.randint(100, 599)}")
        yield _Event(trigger, house[place], now)
        if trigger == "A03":
            del house[place]


def _next_trigger(chance: random.Random, patients: int) -> str:
    if patients < _FEWEST_PATIENTS:
        return chance.choice(["A01", "A04"])
    if patients >= _MOST_PATIENTS:
        return "A03"
    return chance.choices(["A01", "A04", "A08", "A03", "R01"], weights=[15, 10, 20, 12, 43])[0]


def _message(chance: random.Random, control_id: str, event: _Event) -> str:
    segments = _result(chance, control_id, event) if event.trigger == "R01" else _movement(control_id, event)
    return "".join(f"{segment}\r" for segment in segments)


def _movement(control_id: str, event: _Event) -> list[str]:
    """Return an ADT (§3.3); A04 and A08 have the structure of A01, A03 its own."""
    patient, stamp = event.patient, timestamp_of(event.at)
    structure = "ADT_A03" if event.trigger == "A03" else "ADT_A01"
    discharged = event.at if event.trigger == "A03" else None
    segments = [
        _header(control_id, f"ADT^{event.trigger}^{structure}", event.at, "REGISTRY"),
        f"EVN|{event.trigger}|{stamp}",
        patient.identification(),
        patient.visit(discharged),
        f"DG1|1||{patient.diagnosis}|||A",
    ]
    if event.trigger != "A03":
        segments[3:3] = [patient.next_of_kin()]
    return segments


def _result(chance: random.Random, control_id: str, event: _Event) -> list[str]:
    """Return an unsolicited laboratory result (§7.3.1)."""
    return [
        _header(control_id, "ORU^R01^ORU_R01", event.at, "LABORATORY"),
        event.patient.identification(),
        event.patient.visit(None),
        *observation_segments(chance, control_id, event.at),
    ]


def _header(control_id: str, message_type: str, at: datetime, sender: str) -> str:
    receiver = "ENGINE|HUB"
    return (
        f"MSH|^~\\&|{sender}|SYNTHETIC_GENERAL|{receiver}|{timestamp_of(at)}||{message_type}|{control_id}"
        "|T|2.5.1|||AL|NE||UNICODE UTF-8"
    )


def timestamp_of(at: datetime) -> str:
    """Return an HL7 TS to the second."""
    return at.strftime("%Y%m%d%H%M%S")
