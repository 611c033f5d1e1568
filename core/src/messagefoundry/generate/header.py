"""MSH and SFT (HL7 v2.5.1 chapter 2)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from .fields import components, day, second

if TYPE_CHECKING:
    from .scene import Scene

VERSION = "2.5.1"
SENDERS = {
    "ADT": "REGISTRATION",
    "BAR": "BILLING",
    "DFT": "BILLING",
    "MDM": "DOCUMENTS",
    "MFN": "MASTERFILES",
    "OML": "ORDERS",
    "ORM": "ORDERS",
    "ORU": "LABORATORY",
    "RAS": "PHARMACY",
    "RDE": "PHARMACY",
    "RDS": "PHARMACY",
    "SIU": "SCHEDULING",
    "VXU": "IMMUNIZATION",
}
"""The application that sends each family (MSH-3)."""


def control_id(scene: Scene) -> str:
    """MSH-10, of at most 20 characters: the same for the same seed and number, different ones for all others."""
    mark = hashlib.blake2b(str(scene.seed).encode(), digest_size=4).hexdigest().upper()
    return f"G{mark}{scene.number:07d}"


def msh(scene: Scene) -> str:
    """The header (§2.15.9); MSH-11 is `T`, for training."""
    kind = scene.kind
    fields = (
        SENDERS[kind.family],
        "TESTHOSPITAL",
        "MESSAGEFOUNDRY",
        "TESTSITE",
        second(scene.now),
        "",
        components(kind.family, kind.trigger, kind.structure),
        control_id(scene),
        "T",
        VERSION,
        "",
        "",
        "AL",
        "NE",
        "",
        "UNICODE UTF-8",
    )
    return "|".join(("MSH", "^~\\&", *fields))


def sft(scene: Scene) -> str:
    """Which software wrote the message (§2.15.12)."""
    release, build = scene.chance.randint(0, 9), scene.chance.randint(1, 99)
    return f"SFT|Example Software|1.{release}|Example Sender|{build}||{day(scene.now)}"


WRITERS = {"MSH": msh, "SFT": sft}
"""The writer of each segment."""
