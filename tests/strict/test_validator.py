"""What strict validation finds: every rule with its place and code, and nothing in what is right."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from messagefoundry.generate import KINDS, generated
from messagefoundry.message import Message, MessageError
from messagefoundry.strict import PIP_LINE, Rule, SchemaUnavailableError, TakesTooLongError, Validator, known_versions
from messagefoundry.strict.schema import schema_of
from messagefoundry.strict.validator import MOST_FAULTS
from tests.generate.made import one

if TYPE_CHECKING:
    from pathlib import Path

MSH = "MSH|^~\\&|A|B|C|D|20261122101500||{type}|1|T|{version}"
EVN = "EVN||20261122101500"
PID = "PID|1||T1^^^TEST^MR||TESTWELL^ADA"
PV1 = "PV1|1|I"
OBX = "OBX|{n}|NM|718-7^Hb^LN||13.1|g/dL|12-16|N|||F"
OBR = "OBR|1|||58410-2^CBC^LN"


def message(*segments: str, type: str = "ADT^A01^ADT_A01", version: str = "2.5.1") -> Message:
    return Message("".join(f"{each}\r" for each in (MSH.format(type=type, version=version), *segments)))


def found(*segments: str, validator: Validator | None = None, **header: str) -> list[tuple[str, str]]:
    report = (validator or Validator()).validate(message(*segments, **header))
    return [(fault.rule.name, fault.location.name) for fault in report.faults]


RULES = {
    "a missing segment": ((EVN, PID), [("SEGMENT_MISSING", "PV1")]),
    "missing segments in between": ((PV1,), [("SEGMENT_MISSING", "EVN"), ("SEGMENT_MISSING", "PID")]),
    "another order": ((PID, EVN, PV1), [("SEGMENT_MISSING", "EVN"), ("SEGMENT_MISPLACED", "EVN")]),
    "a segment of another message": ((EVN, PID, PV1, "RXR|PO"), [("SEGMENT_MISPLACED", "RXR")]),
    "a segment twice": ((EVN, PID, PV1, PV1), [("SEGMENT_MISPLACED", "PV1[2]")]),
    "a segment that nobody knows": ((EVN, PID, PV1, "DOE|JANE"), [("SEGMENT_MISPLACED", "segment 5")]),
    "a missing field": ((EVN, "PID|1||T1^^^TEST", PV1), [("REQUIRED", "PID-5")]),
    "a missing field of the second of its kind": (
        (EVN, PID, PV1, "DG1|1||I10|||A", "DG1|2||I10"),
        [("REQUIRED", "DG1[2]-6")],
    ),
    "too many repetitions": ((EVN, f"{PID}||19800101~19810101", PV1), [("REPEATED", "PID-7(2)")]),
    "what is in a repetition too many": ((EVN, f"{PID}||19800101~no date", PV1), [("REPEATED", "PID-7(2)")]),
    "no date": ((EVN, f"{PID}||1980-01-01", PV1), [("DATA_TYPE", "PID-7.1")]),
    "no such day": ((EVN, f"{PID}||19800230", PV1), [("DATA_TYPE", "PID-7.1")]),
    "no number": ((EVN, PID, f"{PV1}{'|' * 30}x", PV1), [("SEGMENT_MISPLACED", "PV1[2]"), ("DATA_TYPE", "PV1-32")]),
    "too long": ((EVN, f"{PID}{'X' * 250}", PV1), [("DATA_TYPE", "PID-5.2")]),
    "in a component of the second repetition": (
        (EVN, f"PID|1||T1^^^TEST^MR~T2^^^TEST&{'9' * 250}^MR||TESTWELL", PV1),
        [("DATA_TYPE", "PID-3(2).4.2")],
    ),
    "a field too many": ((EVN, PID, PV1, "ACC|20260101" + "|" * 11 + "x"), [("UNDEFINED", "ACC-12")]),
    "a component too many": ((EVN, f"{PID}{'^' * 17}x", PV1), [("UNDEFINED", "PID-5.19")]),
    "a component of a primitive": ((EVN, f"{PID}|||M^x", PV1), [("UNDEFINED", "PID-8.2")]),
    "a subcomponent of a primitive": ((EVN, f"{PID}&x", PV1), [("UNDEFINED", "PID-5.2.2")]),
    "not in an HL7 table": ((EVN, f"{PID}{'|' * 25}X", PV1), [("TABLE", "PID-30")]),
}


@pytest.mark.parametrize("case", RULES)
def test_a_rule_and_its_place(case: str) -> None:
    segments, expected = RULES[case]
    assert found(*segments) == expected


@pytest.mark.parametrize(
    ("rule", "code"),
    [("SEGMENT_MISSING", 100), ("REQUIRED", 101), ("DATA_TYPE", 102), ("REPEATED", 102), ("TABLE", 103)],
)
def test_a_rule_has_its_code_of_table_0357(rule: str, code: int) -> None:
    assert Rule[rule].kind.code == code
    assert not Rule[rule].kind.rejects


def test_no_fault_shows_a_value() -> None:
    secret = "S3CRET"
    segments = (f"EVN||{secret}", f"PID|{secret}||{secret * 50}||{secret}^{secret}&{secret}|{'|' * 24}{secret}", secret)
    report = Validator().validate(message(*segments))
    assert len(report.faults) > 4
    assert secret not in repr(report) + report.summary
    assert secret[:3] not in report.summary


RIGHT = {
    "a Z segment anywhere": (EVN, "ZPI|anything^at~all", PID, PV1, "ZZZ"),
    "a null where a date belongs": (EVN, f'{PID}||""|""', PV1),
    "delimiters at an end": (EVN, f"{PID}^^^||||||", f"{PV1}|^^^|||"),
    "a code of the site's own": (EVN, f"{PID}|||X9", PV1),
    "an escape": (EVN, f"{PID}\\T\\CO", PV1),
    "the optional ones": (EVN, PID, "ROL||AD|AT|1^X", PV1, "ROL||AD|AT|1^X", "AL1|1||X", "DG1|1||I10|||A"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_accepted(case: str) -> None:
    assert found(*RIGHT[case]) == []


def test_what_hl7apy_itself_refuses_wrongly_is_accepted() -> None:
    assert found(EVN, PID, PV1, PID, PV1, type="ADT^A17^ADT_A17") == []
    assert found(PID, "ORC|NW", OBR, type="ORM^O01^ORM_O01") == []
    assert found(PID, "ORC|NW", OBR, "ORC|NW", OBR, type="OML^O21^OML_O21") == []
    scan = f"OBX|1|ED|1^PDF^LN||^AP^PDF^Base64^{'QUJD' * 100}||||||F"
    assert found(PID, OBR, scan, type="ORU^R01^ORU_R01") == []


def test_a_group_that_repeats_needs_what_it_needs_each_time() -> None:
    results = [OBR, OBX.format(n=1), OBR, OBX.format(n=1), OBX.format(n=2)]
    assert found(PID, *results, type="ORU^R01^ORU_R01") == []
    assert found(PID, *results[1:], type="ORU^R01^ORU_R01") == [("SEGMENT_MISSING", "OBR")]


# -- versions and events ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.4", "2.5", "2.5.1", "2.6"])
def test_a_message_is_held_against_its_own_version(version: str) -> None:
    assert found(EVN, PID, PV1, version=version) == []
    assert found(EVN, PID, version=version) == [("SEGMENT_MISSING", "PV1")]


def test_an_old_version_knows_no_structure_in_its_header_and_needs_the_event_twice() -> None:
    assert found(f"EVN|A01{EVN[4:]}", PID, PV1, version="2.3", type="ADT^A01") == []
    assert found(EVN, PID, PV1, version="2.3") == [("UNDEFINED", "MSH-9.3"), ("REQUIRED", "EVN-1")]


def test_a_later_version_needs_more_and_has_taken_other_things_back() -> None:
    event = EVN.replace("EVN|", "EVN|A01")
    assert found(EVN, PID, PV1, version="2.7") == []
    assert found(event, PID, PV1, version="2.7") == [("UNDEFINED", "EVN-1")]
    assert found(EVN, PID.replace("^MR", ""), PV1, version="2.7") == [("REQUIRED", "PID-3.5")]
    assert found(EVN, f"{PID}^^^^MD", PV1, version="2.8") == [("UNDEFINED", "PID-5.6")]


def test_a_version_without_a_schema_is_a_warning_and_nothing_is_held_against_the_message() -> None:
    report = Validator().validate(message(PV1, version="2.9"))
    assert (report.faults, report.warnings) == ((), ("MSH-12 names a version without a schema",))


def test_with_a_version_given_the_one_of_the_message_does_not_matter() -> None:
    validator = Validator("2.5.1")
    for version in ("2.9", "2.3", "", "x" * 300):
        assert found(EVN, PID, version=version, validator=validator) == [("SEGMENT_MISSING", "PV1")]


def test_an_event_without_a_schema_is_a_warning_and_its_fields_are_still_read() -> None:
    report = Validator().validate(message(EVN, "PID|1||T1^^^TEST", type="ADT^Z99"))
    assert report.warnings == ("MSH-9 names an event without a schema in the version of MSH-12",)
    assert [str(fault) for fault in report.faults] == ["PID-5: a value is required"]


def test_with_a_version_given_an_event_without_a_schema_is_a_fault() -> None:
    assert found(EVN, PID, PV1, type="ADT^Z99", validator=Validator("2.5.1")) == [("STRUCTURE_UNKNOWN", "MSH-9")]


def test_an_event_without_structure_has_that_of_table_0354() -> None:
    assert found(EVN, PID, type="ADT^A08") == [("SEGMENT_MISSING", "PV1")]
    assert found(EVN, PID, PV1, type="ADT^A08") == []
    for kind in KINDS:
        bare = generated(kind, 1, 1).text.replace(f"^{kind.structure}|", "|", 1)
        report = Validator().validate(Message(bare))
        assert (report.faults, report.warnings) == ((), ()), kind.name


@pytest.mark.parametrize("version", sorted(known_versions()))
def test_every_table_of_a_version_can_be_read(version: str) -> None:
    schema = schema_of(version)
    tables = import_module(f"hl7apy.v{version.replace('.', '_')}")
    known = [name for name in tables.SEGMENTS if schema.segment(name)]
    assert {"MSH", "PID", "PV1", "OBX"} <= set(known)
    for name in tables.MESSAGES:
        structure = schema.structure("", "", name)
        assert structure is not None
        assert list(structure.misfits(["MSH"])) or structure.last
    assert found("QRD|x", PV1, version=version) != []


# -- limits ----------------------------------------------------------------------------------------------------------


def test_no_more_than_a_hundred_faults_are_looked_for() -> None:
    broken = [f"DG1|{n}" for n in range(1000)]
    report = Validator().validate(message(EVN, PID, PV1, *broken))
    assert len(report.faults) == MOST_FAULTS
    assert report.summary.endswith("; and 90 more")


def test_time_is_limited() -> None:
    long = message(EVN, PID, PV1, *["DG1|1||I10|||A"] * 20_000)
    began = time.monotonic()
    with pytest.raises(TakesTooLongError):
        Validator().validate(long, seconds=0.001)
    assert time.monotonic() - began < 5


def test_time_is_limited_within_a_field_as_well() -> None:
    with pytest.raises(TakesTooLongError):
        Validator().validate(message(EVN, f"PID|1||{'a~' * 1_000_000}|x", PV1), seconds=0.2)


def test_a_long_message_that_fits_nowhere_takes_a_time_that_grows_with_it_alone() -> None:
    report = Validator().validate(message(*["RXR|PO", "PV1|1|I"] * 5000, type="OML^O21^OML_O21"))
    assert len(report.faults) == MOST_FAULTS


MONSTERS = {
    "digits where a time belongs": f"PID|1||T1||X||{'1' * 1_000_000}",
    "components": f"PID|1||T1||{'a^' * 1_000_000}",
    "subcomponents": f"PID|1||T1||{'a&' * 1_000_000}",
    "repetitions": f"PID|1||{'a~' * 1_000_000}|x",
    "fields": f"PID|1{'|a' * 1_000_000}",
    "blanks": f"PID|1||T1||{'^ ' * 1_000_000}",
    "segments": "\r".join(["A"] * 1_000_000),
}


@pytest.mark.parametrize("monster", MONSTERS)
def test_a_monster_is_read_or_given_up_in_time(monster: str) -> None:
    began = time.monotonic()
    with suppress(TakesTooLongError):
        Validator().validate(message(EVN, MONSTERS[monster], PV1), seconds=2)
    assert time.monotonic() - began < 20


# -- without hl7apy --------------------------------------------------------------------------------------------------


def test_hl7apy_is_imported_when_it_is_asked_for_and_not_before() -> None:
    code = (
        "import sys, messagefoundry.engine.run, messagefoundry.wiring.load, messagefoundry.strict\n"
        "assert 'hl7apy' not in sys.modules\n"
        "messagefoundry.strict.known_versions()\n"
        "assert 'hl7apy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=True)


def test_without_hl7apy_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    known_versions.cache_clear()
    monkeypatch.setitem(sys.modules, "hl7apy", None)
    with pytest.raises(SchemaUnavailableError, match="strict validation needs hl7apy"):
        known_versions()
    assert PIP_LINE.startswith("pip install 'messagefoundry-core[strict]==")


# -- messages of others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["hl7v2", "bad/hl7v2"])
def test_whatever_others_wrote_is_read_to_the_end(corpora: Path, folder: str) -> None:
    read = 0
    for file in sorted(path for path in (corpora / folder).rglob("*") if path.is_file()):
        try:
            theirs = Message(file.read_bytes())
        except MessageError:
            continue
        for validator in (Validator(), Validator("2.5.1")):
            for fault in validator.validate(theirs, seconds=60).faults:
                assert fault.code in (100, 101, 102, 103)
        read += 1
    assert read


def test_a_generated_message_is_the_same_in_every_delimiter() -> None:
    for name in ("ORU^R01", "ADT^A01", "SIU^S12"):
        text = one(name, 3).text
        other = text.translate(str.maketrans("|^~\\&", "!;`$?"))
        assert Validator().validate(Message(other)).faults == ()
