"""What can be generated: thirteen families of messages, and their trigger events (tables 0003, 0076 and 0354)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from messagefoundry.contracts.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FAMILIES = MappingProxyType(
    {
        "ADT": "Admission, discharge, transfer, and patient data",
        "BAR": "Billing accounts",
        "DFT": "Detailed financial transactions",
        "MDM": "Documents",
        "MFN": "Master files",
        "OML": "Laboratory orders",
        "ORM": "General orders",
        "ORU": "Observation results",
        "RAS": "Pharmacy administrations",
        "RDE": "Pharmacy encoded orders",
        "RDS": "Pharmacy dispenses",
        "SIU": "Scheduling",
        "VXU": "Vaccinations",
    }
)
"""MSH-9.1 and what the family is about."""

_EVENTS = """
ADT_A01  A01 Admit a patient; A04 Register a patient; A08 Update patient information; A13 Cancel discharge
ADT_A02  A02 Transfer a patient
ADT_A03  A03 Discharge a patient
ADT_A05  A05 Pre-admit a patient; A14 Pending admit; A28 Add person information; A31 Update person information
ADT_A06  A06 Change an outpatient to an inpatient; A07 Change an inpatient to an outpatient
ADT_A09  A09 Patient departing, tracking; A10 Patient arriving, tracking; A11 Cancel admit
ADT_A12  A12 Cancel transfer
ADT_A15  A15 Pending transfer
ADT_A16  A16 Pending discharge
ADT_A17  A17 Swap patients
ADT_A18  A18 Merge patient information
ADT_A20  A20 Bed status update
ADT_A21  A21 Leave of absence begins; A22 Leave of absence ends; A23 Delete a patient record
ADT_A21  A25 Cancel pending discharge; A26 Cancel pending transfer; A27 Cancel pending admit
ADT_A21  A29 Delete person information; A32 Cancel patient arriving, tracking; A33 Cancel patient departing, tracking
ADT_A24  A24 Link patient information
ADT_A30  A30 Merge person information; A34 Merge patient identifiers; A35 Merge account numbers
ADT_A30  A36 Merge patient identifiers and account numbers; A46 Change patient id; A47 Change patient identifier list
ADT_A30  A48 Change alternate patient id; A49 Change patient account number
ADT_A37  A37 Unlink patient information
ADT_A38  A38 Cancel pre-admit
ADT_A39  A39 Merge persons; A40 Merge patients; A41 Merge accounts; A42 Merge visits
ADT_A43  A43 Move patient information; A44 Move account information
ADT_A45  A45 Move visit information
ADT_A50  A50 Change visit number; A51 Change alternate visit id
ADT_A52  A52 Cancel leave of absence; A53 Cancel return from leave of absence
ADT_A54  A54 Change attending doctor; A55 Cancel change of attending doctor
ADT_A60  A60 Update adverse reaction information
ADT_A61  A61 Change consulting doctor; A62 Cancel change of consulting doctor
BAR_P01  P01 Add patient accounts
BAR_P02  P02 Purge patient accounts
BAR_P05  P05 Update account
BAR_P06  P06 End account
BAR_P12  P12 Update diagnoses and procedures
DFT_P03  P03 Post detail financial transactions
DFT_P11  P11 Post detail financial transactions, expanded
MDM_T01  T01 Document notification; T03 Document status notification; T05 Document addendum notification
MDM_T01  T07 Document edit notification; T09 Document replacement notification; T11 Document cancel notification
MDM_T02  T02 Document with content; T04 Document status with content; T06 Document addendum with content
MDM_T02  T08 Document edit with content; T10 Document replacement with content
MFN_M02  M02 Staff and practitioner master file
MFN_M04  M04 Charge description master file
MFN_M05  M05 Patient location master file
OML_O21  O21 Laboratory order
OML_O33  O33 Laboratory order by specimen
ORM_O01  O01 General order
ORU_R01  R01 Observation results, unsolicited
RAS_O17  O17 Pharmacy administration
RDE_O11  O11 Pharmacy encoded order; O25 Pharmacy refill authorization request
RDS_O13  O13 Pharmacy dispense
SIU_S12  S12 New appointment; S13 Appointment rescheduled; S14 Appointment modified; S15 Appointment cancelled
SIU_S12  S16 Appointment discontinued; S17 Appointment deleted; S18 Resource added; S19 Resource modified
SIU_S12  S20 Resource cancelled; S21 Resource discontinued; S22 Resource deleted; S23 Schedule slots blocked
SIU_S12  S24 Schedule slots opened; S26 Patient did not appear
VXU_V04  V04 Vaccination record update
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One trigger event: MSH-9 is `family^trigger^structure`."""

    family: str
    trigger: str
    structure: str
    title: str

    @property
    def name(self) -> str:
        """As MSH-9 begins: "ADT^A01"."""
        return f"{self.family}^{self.trigger}"


class UnknownTypeError(ValueError):
    """Nothing of that name can be generated; the text says so and names the nearest."""

    def __init__(self, name: str) -> None:
        known = [*FAMILIES, *(kind.name for kind in KINDS)]
        near = did_you_mean(_plain(name), known)
        super().__init__(f"there is no message type {name!r}: {near or 'messagefoundry generate --list names them'}")


def _read_kinds() -> Iterator[Kind]:
    for line in _EVENTS.strip().splitlines():
        structure, events = line.split(maxsplit=1)
        for event in events.split(";"):
            trigger, title = event.split(maxsplit=1)
            yield Kind(structure[:3], trigger, structure, title)


KINDS = tuple(sorted(_read_kinds(), key=lambda kind: kind.name))
"""Every kind, by name."""


def kinds_named(names: Iterable[str]) -> tuple[Kind, ...]:
    """The kinds of families ("ADT") and trigger events ("ADT^A01", "ADT_A01", "adt-a01"), in that order; all for none.

    Raises UnknownTypeError for the first name that means nothing.
    """
    wanted = [_of(name) for name in names]
    return tuple(dict.fromkeys(kind for kinds in wanted for kind in kinds)) if wanted else KINDS


def _of(name: str) -> list[Kind]:
    plain = _plain(name)
    found = [kind for kind in KINDS if plain in (kind.family, kind.name)]
    if not found:
        raise UnknownTypeError(name)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[_\-. :]", "^", name.strip().upper())
