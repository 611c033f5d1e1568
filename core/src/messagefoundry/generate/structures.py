"""The structures of the messages (HL7 v2.5.1 chapters 3 to 10) and how one is laid out.

The notation is the standard's: `[ ]` what may be left out, `{ }` what may be repeated. `@word` changes the scene:
`@patient` another patient, `@order` the next order, `@entry` the next entry of a master file; `@results` and
`@document` are the observations of an order and of a document. Segments that the standard allows and that hardly
anybody sends are not written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

_COVERAGE = "[{GT1}] [{IN1 [IN2]}]"
_VISIT = "PV1 [PV2]"
_DEMOGRAPHICS = "MSH [SFT] EVN PID [PD1]"
_HISTORY = "[{OBX}] [{AL1}] [{DG1}]"
_PROCEDURES = "[{PR1 [{ROL}]}]"
_ACCOUNT = f"[{{DG1}}] {_PROCEDURES} [{{GT1}}] [{{NK1}}] [{{IN1 [IN2]}}] [ACC]"
_PERSON = f"{_DEMOGRAPHICS} [{{ROL}}] [{{NK1}}] {_VISIT}"
_ORDERING = "[PID [PD1] [{NTE}] [PV1 [PV2]] [{IN1 [IN2]}] [GT1] [{AL1}]]"
_MEDICATION = "[PID [PD1] [{NTE}] [{AL1}] [PV1 [PV2]]]"

STRUCTURES = MappingProxyType(
    {
        "ADT_A01": f"{_PERSON} {_HISTORY} {_PROCEDURES} {_COVERAGE} [ACC]",
        "ADT_A02": f"{_DEMOGRAPHICS} [{{ROL}}] {_VISIT} [{{OBX}}]",
        "ADT_A03": f"{_PERSON} [{{AL1}}] [{{DG1}}] {_PROCEDURES} [{{OBX}}] {_COVERAGE}",
        "ADT_A05": f"{_PERSON} {_HISTORY} {_PROCEDURES} {_COVERAGE} [ACC]",
        "ADT_A06": f"{_DEMOGRAPHICS} [MRG] [{{NK1}}] {_VISIT} {_HISTORY} {_PROCEDURES} {_COVERAGE}",
        "ADT_A09": f"{_DEMOGRAPHICS} {_VISIT} [{{OBX}}] [{{DG1}}]",
        "ADT_A12": f"{_DEMOGRAPHICS} {_VISIT} [{{OBX}}] [DG1]",
        "ADT_A15": f"{_DEMOGRAPHICS} [{{ROL}}] {_VISIT} [{{OBX}}] [{{DG1}}]",
        "ADT_A16": f"{_PERSON} {_HISTORY} {_PROCEDURES} {_COVERAGE}",
        "ADT_A17": f"{_DEMOGRAPHICS} {_VISIT} [{{OBX}}] @patient PID [PD1] {_VISIT} [{{OBX}}]",
        "ADT_A18": f"{_DEMOGRAPHICS} MRG PV1",
        "ADT_A20": "MSH [SFT] EVN NPU",
        "ADT_A21": f"{_DEMOGRAPHICS} {_VISIT} [{{OBX}}]",
        "ADT_A24": f"{_DEMOGRAPHICS} [PV1] @patient PID [PD1] [PV1]",
        "ADT_A30": f"{_DEMOGRAPHICS} MRG",
        "ADT_A37": f"{_DEMOGRAPHICS} [PV1] @patient PID [PD1] [PV1]",
        "ADT_A38": f"{_DEMOGRAPHICS} {_VISIT} [{{OBX}}] [{{DG1}}]",
        "ADT_A39": "MSH [SFT] EVN {@patient PID [PD1] MRG [PV1]}",
        "ADT_A43": "MSH [SFT] EVN {@patient PID [PD1] MRG}",
        "ADT_A45": f"{_DEMOGRAPHICS} {{MRG PV1}}",
        "ADT_A50": f"{_DEMOGRAPHICS} MRG PV1",
        "ADT_A52": f"{_DEMOGRAPHICS} {_VISIT}",
        "ADT_A54": f"{_DEMOGRAPHICS} [{{ROL}}] {_VISIT}",
        "ADT_A60": "MSH [SFT] EVN PID [PV1] {IAM}",
        "ADT_A61": f"{_DEMOGRAPHICS} PV1 [{{ROL}}] [PV2]",
        "BAR_P01": f"{_DEMOGRAPHICS} {_VISIT} [{{AL1}}] {_ACCOUNT}",
        "BAR_P02": "MSH [SFT] EVN {@patient PID [PD1] [PV1]}",
        "BAR_P05": f"{_DEMOGRAPHICS} {_VISIT} {_ACCOUNT}",
        "BAR_P06": "MSH [SFT] EVN {@patient PID [PV1]}",
        "BAR_P12": "MSH [SFT] EVN PID PV1 {DG1} [{PR1 [{ROL}]}]",
        "DFT_P03": f"{_DEMOGRAPHICS} {_VISIT} {{FT1 [{{PR1}}]}} [{{DG1}}] {_COVERAGE} [ACC]",
        "DFT_P11": f"{_DEMOGRAPHICS} {_VISIT} [{{DG1}}] {_COVERAGE} [ACC] {{FT1 [{{PR1}}]}}",
        "MDM_T01": "MSH [SFT] EVN PID PV1 [@order ORC OBR] TXA",
        "MDM_T02": "MSH [SFT] EVN PID PV1 [@order ORC OBR] TXA @document",
        "MFN_M02": "MSH [SFT] MFI {@entry MFE STF [PRA]}",
        "MFN_M04": "MSH [SFT] MFI {@entry MFE CDM}",
        "MFN_M05": "MSH [SFT] MFI {@entry MFE LOC {LDP}}",
        "OML_O21": f"MSH [SFT] {_ORDERING} @order ORC TQ1 OBR [{{NTE}}] [{{DG1}}] [{{OBX}}] [{{SPM}}]",
        "OML_O33": f"MSH [SFT] {_ORDERING} {{SPM @order ORC TQ1 OBR [{{NTE}}] [{{DG1}}]}}",
        "ORM_O01": f"MSH [{{NTE}}] {_ORDERING} {{@order ORC OBR [{{NTE}}] [{{DG1}}] [{{OBX}}]}}",
        "ORU_R01": "MSH [SFT] PID [PD1] [{NTE}] [PV1 [PV2]] {@order ORC OBR [{NTE}] @results [{SPM}]}",
        "RAS_O17": f"MSH [SFT] {_MEDICATION} {{@order ORC [RXE TQ1 RXR] RXA RXR}}",
        "RDE_O11": "MSH [SFT] PID [PD1] [{NTE}] [PV1 [PV2]] [{IN1 [IN2]}] [GT1] [{AL1}] "
        "{@order ORC RXE [{NTE}] TQ1 RXR}",
        "RDS_O13": f"MSH [SFT] {_MEDICATION} {{@order ORC TQ1 RXD [{{NTE}}] RXR}}",
        "SIU_S12": "MSH SCH [TQ1] [{NTE}] PID [PD1] [PV1] [PV2] [{DG1}] {RGS [{AIS [{NTE}]}] [{AIG}] [{AIL}] [{AIP}]}",
        "VXU_V04": "MSH [SFT] PID [PD1] [{NK1}] [PV1] [{GT1}] [{IN1 [IN2]}] {@order ORC RXA RXR [OBX [{NTE}]]}",
    }
)
"""By name of structure (table 0354)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A segment (`word` "PID"), a change of scene ("@order"), or, with `parts`, a group of them."""

    word: str = ""
    parts: tuple[Part, ...] = ()
    optional: bool = False
    repeats: bool = False


_TOKEN = re.compile(r"@?\w+|[\[\]{}]")
_CLOSING = {"[": "]", "{": "}"}


@cache
def layout(structure: str) -> tuple[Part, ...]:
    """The parts of a structure by name, in order."""
    tokens = _TOKEN.findall(STRUCTURES[structure])
    tokens.reverse()
    return _parts(tokens, "")


def _parts(tokens: list[str], closing: str) -> tuple[Part, ...]:
    parts = []
    while tokens:
        token = tokens.pop()
        if token == closing:
            break
        if token in _CLOSING:
            parts.append(Part(parts=_parts(tokens, _CLOSING[token]), optional=token == "[", repeats=token == "{"))
        else:
            parts.append(Part(token))
    return tuple(parts)
