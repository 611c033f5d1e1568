"""Segment by segment, strict validation says what hl7apy itself says in its strict mode."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_segment
from hl7apy.validation import Validator as Hl7apyValidator

from messagefoundry.generate import KINDS, generated
from messagefoundry.message import DEFAULT, Delimiters, Message, MessageError
from messagefoundry.strict import Rule, known_versions
from messagefoundry.strict.content import segment_faults
from messagefoundry.strict.schema import schema_of

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.strict.schema import Schema

DAMAGE = (
    "",
    "x",
    "-1",
    "19991399",
    "a^b^c^d^e^f^g^h^i^j^k^l^m^n^o^p^q^r^s^t^u^v^w^x^y^z",
    "1~2",
    "a&b",
    "x" * 250,
    "^^^^x",
)
CHOSEN_BY_OBX_2 = 5
"""OBX-5: hl7apy holds every component of it against ST, 199 characters, whatever OBX-2 says."""


def ours(schema: Schema, fields: list[str], delimiters: Delimiters) -> set[Rule]:
    parts = schema.segment(fields[0])
    assert parts is not None
    faults = segment_faults(schema, parts, delimiters.field.join(fields), delimiters, lambda: None)
    return {rule for rule, _ in faults} - {Rule.TABLE}  # of which hl7apy only warns


def theirs(version: str, fields: list[str], delimiters: Delimiters) -> str:
    characters = {
        "FIELD": delimiters.field,
        "COMPONENT": delimiters.component,
        "SUBCOMPONENT": delimiters.subcomponent,
        "REPETITION": delimiters.repetition,
        "ESCAPE": delimiters.escape,
        "SEGMENT": "\r",
        "GROUP": "\r",
    }
    if delimiters.truncation:
        characters["TRUNCATION"] = delimiters.truncation
    try:
        segment = parse_segment(delimiters.field.join(fields), version, characters, VALIDATION_LEVEL.STRICT)
        Hl7apyValidator.validate(segment)
    except Exception as error:  # noqa: BLE001 - hl7apy raises its own errors, ValueError and others
        return type(error).__name__
    return ""


@pytest.mark.parametrize("seed", range(4))
def test_of_damaged_segments(seed: int) -> None:
    chance = Random(seed)
    schema = schema_of("2.5.1")
    verdicts = set()
    for _ in range(150):
        text = generated(chance.choice(KINDS), seed, chance.randint(1, 999)).text
        fields = chance.choice(text.split("\r")[:-1]).split("|")
        place = chance.randint(2 if fields[0] == "MSH" else 1, len(fields))
        if (fields[0], place) != ("OBX", CHOSEN_BY_OBX_2):
            fields[place : place + 1] = [chance.choice(DAMAGE)]
        found = ours(schema, fields, DEFAULT)
        assert bool(found) == bool(theirs("2.5.1", fields, DEFAULT)), f"{fields[0]}-{place}: {found}"
        verdicts.add(bool(found))
    assert verdicts == {True, False}


def test_of_segments_that_others_wrote(corpora: Path) -> None:
    compared = 0
    for file in sorted((corpora / "hl7v2").iterdir())[::12]:
        try:
            message = Message(file.read_bytes())
        except MessageError:
            continue
        version = message["MSH-12.1"] or ""
        if version in known_versions() and all(message.delimiters[:5]):
            schema = schema_of(version)
            for fields in message.split_segments().values():
                if schema.segment(fields[0]) is not None and fields[0] != "OBX" and '""' not in fields:
                    found = ours(schema, fields, message.delimiters)
                    assert bool(found) == bool(theirs(version, fields, message.delimiters)), (file.name, fields[0])
                    compared += 1
    assert compared > 100
