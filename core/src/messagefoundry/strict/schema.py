"""The tables of hl7apy, read for what validation needs of them. hl7apy has no type hints and is optional."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

from messagefoundry.strict.structure import Automaton, Element, automaton

if TYPE_CHECKING:
    from collections.abc import Mapping

PIP_LINE = f"pip install 'messagefoundry-core[strict]=={installed_version('messagefoundry-core')}'"

UNBOUNDED = -1

TEXT_TYPES = frozenset({"ST", "TX", "FT", "ID", "IS", "GTS", "WD", "CM", "SNM"})

LONGEST_NUMBER = 64
"""Characters of a number or time that can be one."""

INCOMPLETE_TABLES = frozenset({"HL70003", "HL70076", "HL70125", "HL70211", "HL70354", "HL70396"})
"""Tables that hl7apy has not in full, or that name data types, messages and coding systems beyond a version's list.

Table 0211 is judged when the message is decoded.
"""

_LITERAL = re.compile(r"[A-Z0-9][A-Z0-9+/. -]*|[A-Z][a-z]+")

_SAME_STRUCTURE = {
    "ADT_A01": "A04 A08 A13",
    "ADT_A05": "A14 A28 A31",
    "ADT_A06": "A07",
    "ADT_A09": "A10 A11",
    "ADT_A21": "A22 A23 A25 A26 A27 A29 A32 A33",
    "ADT_A30": "A34 A35 A36 A46 A47 A48 A49",
    "ADT_A39": "A40 A41 A42",
    "ADT_A43": "A44",
    "ADT_A50": "A51",
    "ADT_A52": "A53",
    "ADT_A54": "A55",
    "ADT_A61": "A62",
    "MDM_T01": "T03 T05 T07 T09 T11",
    "MDM_T02": "T04 T06 T08 T10",
    "RDE_O11": "O25",
    "SIU_S12": "S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 S26",
}
"""Table 0354: events that have the structure of another, for messages without MSH-9.3."""

STRUCTURE_OF_EVENT = {
    f"{structure[:3]}_{event}": structure for structure, events in _SAME_STRUCTURE.items() for event in events.split()
}


class SchemaUnavailableError(Exception):
    """hl7apy is not installed, or cannot be imported."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field, component or subcomponent: its number in what it is part of, and what may stand there."""

    number: int
    required: bool
    most: int
    data_type: str
    table: frozenset[str] | None
    """The values that a closed table allows."""
    parts: tuple[Part, ...]
    """What it consists of, nothing for a primitive data type."""

    @property
    def any(self) -> bool:
        """Whether its data type is another field's to say (OBX-5)."""
        return self.data_type in ("varies", "None")


class Schema:
    """One version's tables."""

    def __init__(self, version: str) -> None:
        """Load them, in a tenth of a second or so. Raises SchemaUnavailableError without hl7apy."""
        self.version = version
        self._tables = _import("hl7apy").load_library(version)
        self._make = _import("hl7apy.factories").datatype_factory
        self._strict = _import("hl7apy.consts").VALIDATION_LEVEL.STRICT
        self._wrong = (ArithmeticError, TypeError, ValueError, _import("hl7apy.exceptions").HL7apyException)
        self._segments: dict[str, tuple[Part, ...] | None] = {}
        self._structures: dict[str, Automaton | None] = {}

    def structure(self, code: str, trigger: str, named: str) -> Automaton | None:
        """How a message is built: by MSH-9.3, else by MSH-9.1 and 9.2; None when the version has no such message."""
        event = f"{code}_{trigger}" if trigger else code
        for name in (named, event, STRUCTURE_OF_EVENT.get(event, "")):
            found = self._structure(name) if name else None
            if found is not None:
                return found
        return None

    def _structure(self, name: str) -> Automaton | None:
        if name not in self._tables.MESSAGES:
            return None
        if name not in self._structures:
            self._structures[name] = automaton(_element(self._tables.MESSAGES[name]))
        return self._structures[name]

    def segment(self, name: str) -> tuple[Part, ...] | None:
        """The fields of a segment; None when the version does not say which it has."""
        if name not in self._segments:
            kind, *inside = self._tables.SEGMENTS.get(name, ("",))
            self._segments[name] = self._parts(inside[0]) if kind == "sequence" and inside and inside[0] else None
        return self._segments[name]

    def accepts(self, data_type: str, value: str) -> bool:
        """Whether a value, as it stands in the message, is one of a primitive data type."""
        if data_type not in TEXT_TYPES and len(value) > LONGEST_NUMBER:
            return False  # hl7apy takes a time that grows with the square of the length
        try:
            self._make(data_type, value, self.version, self._strict)
        except self._wrong:
            return False
        return True

    def _parts(self, references: Any) -> tuple[Part, ...]:
        return tuple(self._part(*reference[:3]) for reference in references)

    def _part(self, name: str, reference: Any, cardinality: tuple[int, int]) -> Part:
        kind, inside, data_type, _, table = reference[:5]
        return Part(
            int(name.rsplit("_", 1)[1]),
            cardinality[0] > 0,
            cardinality[1],
            str(data_type),
            self._closed(table) if data_type == "ID" else None,
            self._parts(inside) if kind == "sequence" and inside else (),
        )

    def _closed(self, table: Any) -> frozenset[str] | None:
        """The values of an HL7 table that says all of them; None for one with patterns such as `Q<integer>H`."""
        known: Mapping[str, Any] = self._tables.ELEMENTS.get("Table", {})
        if not isinstance(table, str) or table in INCOMPLETE_TABLES or table not in known:
            return None
        values = known[table][1]
        return frozenset(values) if values and all(map(_LITERAL.fullmatch, values)) else None


def _element(reference: Any) -> Element:
    """A message or group as hl7apy has it: ('sequence' or 'choice', ((name, reference, (least, most), kind), ...))."""
    kind, children = reference[:2]
    return Element(
        choice=kind == "choice",
        parts=tuple(
            Element(
                "" if each[3] == "GRP" else each[0],
                *((inner.parts, inner.choice) if each[3] == "GRP" and (inner := _element(each[1])) else ((), False)),
                optional=each[2][0] == 0,
                repeats=each[2][1] == UNBOUNDED or each[2][1] > 1,
            )
            for each in children
        ),
    )


@cache
def schema_of(version: str) -> Schema:
    """The schema of a version that hl7apy has."""
    return Schema(version)


@cache
def known_versions() -> frozenset[str]:
    """Versions that there is a schema of. Raises SchemaUnavailableError without hl7apy."""
    return frozenset(_import("hl7apy").SUPPORTED_LIBRARIES)


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise SchemaUnavailableError(f"strict validation needs hl7apy: {error}") from error
