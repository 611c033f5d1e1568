"""What hl7apy itself says of generated messages, whole, in its strict mode."""

from __future__ import annotations

from typing import Any

import hl7apy.v2_5_1 as tables
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from messagefoundry.generate import KINDS, Kind, generated

MISREAD = {"ADT_A17", "ADT_A24", "ADT_A37", "ORM_O01", "RDE_O11"}
"""Structures of which hl7apy 1.3.5 refuses every message that the standard allows (see docs/generate.md)."""

ONE_OF_EACH = {kind.structure: kind for kind in reversed(KINDS)}


def refused(kind: Kind, seed: int, profile: dict[str, Any] | None = None) -> str:
    text = generated(kind, seed, 1).text
    try:
        message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, message_profile=profile)
        message.validate()
    except Exception as error:  # noqa: BLE001 - hl7apy raises its own errors and ValueError
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("kind", [each for each in KINDS if each.structure not in MISREAD], ids=lambda kind: kind.name)
def test_hl7apy_accepts_it(kind: Kind) -> None:
    assert refused(kind, seed=1) == ""


@pytest.mark.parametrize("structure", sorted(MISREAD))
def test_hl7apy_accepts_it_once_its_table_is_mended(structure: str) -> None:
    kind = ONE_OF_EACH[structure]
    assert refused(kind, seed=2), "hl7apy reads it now: take it out of MISREAD"
    assert refused(kind, seed=2, profile={structure: mended(tables.MESSAGES[structure])}) == ""


def mended(reference: Any) -> Any:
    """The structure with each segment once in a group, as often as it may come in all, and no choice that is needed.

    RDE_O11: TQ1 after RXE is taken for the timing of the order before it, so that group goes.
    """
    kind, children = reference[:2]
    merged: dict[str, list[Any]] = {}
    for name, inside, (least, most), sort in children:
        if name == "RDE_O11_TIMING":
            continue
        inner = mended(inside) if sort == "GRP" else inside
        least = 0 if kind == "choice" else least
        if name in merged:
            before = merged[name][2]
            merged[name][2] = (before[0] + least, -1 if -1 in (before[1], most) else before[1] + most)
        else:
            merged[name] = [name, inner, (least, most), sort]
    return ("sequence", tuple(map(tuple, merged.values())), *reference[2:])
