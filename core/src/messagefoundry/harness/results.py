"""Made-up laboratory results with real LOINC codes."""

import random
from datetime import datetime
from typing import NamedTuple


class _Analyte(NamedTuple):
    code: str
    """OBX-3"""
    unit: str
    """OBX-6, UCUM"""
    low: float
    high: float
    digits: int


class _Panel(NamedTuple):
    code: str
    """OBR-4"""
    analytes: tuple[_Analyte, ...]


_PANELS = (
    _Panel(
        "58410-2^CBC panel - Blood by Automated count^LN",
        (
            _Analyte("6690-2^Leukocytes^LN", "10*3/uL", 4.0, 11.0, 1),
            _Analyte("789-8^Erythrocytes^LN", "10*6/uL", 4.0, 5.6, 2),
            _Analyte("718-7^Hemoglobin^LN", "g/dL", 12.0, 17.0, 1),
            _Analyte("777-3^Platelets^LN", "10*3/uL", 150, 400, 0),
        ),
    ),
    _Panel(
        "24321-2^Basic metabolic 2000 panel - Serum or Plasma^LN",
        (
            _Analyte("2345-7^Glucose^LN", "mg/dL", 70, 100, 0),
            _Analyte("2160-0^Creatinine^LN", "mg/dL", 0.6, 1.3, 2),
            _Analyte("2951-2^Sodium^LN", "mmol/L", 135, 145, 0),
            _Analyte("2823-3^Potassium^LN", "mmol/L", 3.5, 5.1, 1),
        ),
    ),
)


def observation_segments(chance: random.Random, order: str, at: datetime) -> list[str]:
    """Return ORC, OBR and the OBX segments of one panel (§4.5.1, §4.5.3, §7.4.2); `order` makes its numbers unique."""
    panel, stamp = chance.choice(_PANELS), at.strftime("%Y%m%d%H%M%S")
    placer, filler = f"P{order}^SYNTH", f"F{order}^SYNTHLAB"
    requested = f"OBR|1|{placer}|{filler}|{panel.code}|||{stamp}" + "|" * 15 + f"{stamp}||LAB|F"
    observed = [_observation(chance, number, analyte, stamp) for number, analyte in enumerate(panel.analytes, 1)]
    return [f"ORC|RE|{placer}|{filler}", requested, *observed]


def _observation(chance: random.Random, number: int, analyte: _Analyte, stamp: str) -> str:
    middle, spread = (analyte.low + analyte.high) / 2, (analyte.high - analyte.low) / 3
    value = max(0.0, chance.gauss(middle, spread))
    shown, reference = f"{value:.{analyte.digits}f}", f"{analyte.low:g}-{analyte.high:g}"
    flag = "L" if float(shown) < analyte.low else "H" if float(shown) > analyte.high else "N"
    return f"OBX|{number}|NM|{analyte.code}||{shown}|{analyte.unit}|{reference}|{flag}|||F|||{stamp}"
