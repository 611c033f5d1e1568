"""Generated messages: what they are of, that they hold together, and that nobody in them is real."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messagefoundry.cli.sources import as_on_the_wire, separated
from messagefoundry.generate import KINDS, Kind, UnknownTypeError, generated, kinds_named, series
from messagefoundry.generate.structures import STRUCTURES
from messagefoundry.message import Message
from messagefoundry.strict import Validator
from tests.generate.made import Reading, one

SEEDS = range(3)
VALIDATOR = Validator()

ADT_TRIGGERS = {f"A{number:02d}" for number in range(1, 63)} - {"A19", "A56", "A57", "A58", "A59"}
"""All of table 0003 but A19, which is a query; A56 to A59 are not assigned."""


EVERY = [Reading(generated(kind, seed, seed + 1)) for seed in SEEDS for kind in KINDS]


def test_there_are_thirteen_families_and_57_adt_triggers() -> None:
    assert len({kind.family for kind in KINDS}) == 13
    assert {kind.trigger for kind in KINDS if kind.family == "ADT"} == ADT_TRIGGERS
    assert len(ADT_TRIGGERS) == 57
    assert {kind.structure for kind in KINDS} == set(STRUCTURES)


@given(st.sampled_from(KINDS), st.integers(), st.integers(1, 100_000))
@settings(max_examples=60, deadline=None)
def test_whatever_the_seed_strict_validation_finds_nothing(kind: Kind, seed: int, number: int) -> None:
    report = VALIDATOR.validate(Message(generated(kind, seed, number).raw))
    assert (report.faults, report.warnings) == ((), ())


def test_every_kind_is_valid() -> None:
    found = {each.kind.name: VALIDATOR.validate(each.message).summary for each in EVERY}
    assert {name: summary for name, summary in found.items() if summary} == {}


def test_the_header_says_what_the_message_is_and_that_it_is_for_training() -> None:
    for each in EVERY:
        kind = each.kind
        assert each["MSH-9"] == f"{kind.family}^{kind.trigger}^{kind.structure}"
        assert (each["MSH-11"], each["MSH-12"]) == ("T", "2.5.1")
        assert 0 < len(each["MSH-10"]) <= 20


def test_a_message_depends_on_kind_seed_and_number_alone() -> None:
    first = list(islice(series(KINDS, 5), 200))
    assert first[:120] == list(islice(series(KINDS, 5), 120))
    assert generated(first[150].kind, 5, 151) == first[150]
    assert len({each.control_id for each in first}) == 200
    assert {each.control_id for each in first}.isdisjoint(each.control_id for each in islice(series(KINDS, 6), 200))


def test_another_process_writes_the_same_bytes() -> None:
    code = (
        "import hashlib; from itertools import islice; from messagefoundry.generate import KINDS, series\n"
        "print(hashlib.sha256(b''.join(each.raw for each in islice(series(KINDS, 9), 101))).hexdigest())"
    )
    environ = {"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(sys.path), "TZ": "Asia/Tokyo"}
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    ).stdout
    here = hashlib.sha256(b"".join(each.raw for each in islice(series(KINDS, 9), 101))).hexdigest()
    assert printed.strip() == here


def test_they_go_over_mllp_as_they_are() -> None:
    raws = [each.raw for each in islice(series(KINDS, 1), 101)]
    assert separated(b"".join(raws)) == raws
    assert [as_on_the_wire(raw) for raw in raws] == raws


def test_nobody_is_real() -> None:
    for each in EVERY:
        for n in each.numbers("PID"):
            assert (each.at("PID-3.4.1", n), each.at("PID-3.1", n, 2)[:7]) == ("TEST", "000-00-")
            assert each.at("PID-13.7", n).startswith("55501")
            assert each.at("PID-13.4", n, 2).endswith("@example.org")
            assert (each.at("PID-11.4", n), each.at("PID-11.5", n)[:3]) == ("ZZ", "000")


def test_times_follow_each_other() -> None:
    for each in EVERY:
        now = each["MSH-7"][:12]
        assert each["PID-7"] <= now[:8]
        if each["PV1-2"] != "P":
            stay = [time for time in (each["PV1-44"], each["PV1-45"], now) if time]
            assert stay == sorted(stay)
        for n in each.numbers("OBR"):
            times = [time for time in (each.at(f"OBR-{field}", n) for field in (7, 14, 22)) if time]
            assert [*times, now] == sorted([*times, now])


@pytest.mark.parametrize("trigger", ["A05", "A14", "A38"])
def test_a_patient_who_is_expected_comes_later(trigger: str) -> None:
    each = Reading(one(f"ADT^{trigger}"))
    assert (each["PV1-2"], each["PV1-44"]) == ("P", "")
    assert each["EVN-3"] > each["MSH-7"][:12]


def test_a_discharge_says_when_and_where_to() -> None:
    each = Reading(one("ADT^A03"))
    assert each["PV1-36"]
    assert each["PV1-44"] <= each["PV1-45"] <= each["MSH-7"][:12]
    assert each["EVN-6"][:12] == each["PV1-45"]


def test_a_message_is_about_one_patient_unless_its_event_is_about_two() -> None:
    assert len(set(Reading(one("ADT^A17")).all("PID-3.1"))) == 2
    insured = [each for each in EVERY if each["IN1-16"]]
    assert insured
    for each in insured:
        assert set(each.all("IN1-16")) == {each["PID-5"]}
        assert set(each.all("IN1-18")) == {each["PID-7"]}


def test_an_order_keeps_its_number() -> None:
    for each in EVERY:
        orders, details = each.all("ORC-2"), each.all("OBR-2")
        assert details in ([], orders)
        assert len(set(orders)) == len(orders)


def test_a_result_is_flagged_when_it_is_out_of_its_range() -> None:
    flags = Counter[str]()
    for each in (Reading(one("ORU^R01", 1, number)) for number in range(1, 40)):
        for n in each.numbers("OBX"):
            if each.at("OBX-2", n) == "NM":
                low, _, high = each.at("OBX-7", n).partition("-")
                value, flag = float(each.at("OBX-5", n)), each.at("OBX-8", n)
                assert flag == ("L" if value < float(low) else "H" if value > float(high) else "N")
                flags[flag] += 1
    assert set(flags) == {"L", "H", "N"}


def test_messages_of_one_type_differ_in_their_segments() -> None:
    shapes = {tuple(Reading(one("ADT^A01", 1, number)).message.segments()) for number in range(1, 60)}
    optional = {"PD1", "NK1", "PV2", "OBX", "AL1", "DG1", "PR1", "GT1", "IN1", "IN2", "ACC", "ROL", "SFT"}
    assert len(shapes) > 40
    assert {segment for shape in shapes for segment in shape} == {"MSH", "EVN", "PID", "PV1", *optional}
    assert all(any(segment not in shape for shape in shapes) for segment in optional)
    assert any(shape.count("DG1") > 1 for shape in shapes)


def test_set_ids_count_the_repetitions_and_what_they_tell_differs() -> None:
    for each in (each for each in EVERY if each.kind.structure == "ADT_A01"):
        for segment, told in (("NK1", 2), ("AL1", 3), ("GT1", 3), ("IN1", 4), ("DG1", 3), ("OBX", 3)):
            numbers = each.all(f"{segment}-1")
            assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
            assert len(set(each.all(f"{segment}-{told}"))) >= min(len(numbers), 3)


@pytest.mark.parametrize("name", ["ADT^A01", "adt^a01", "ADT_A01", "ADT-A01", " adt a01 "])
def test_a_type_may_be_written_in_several_ways(name: str) -> None:
    assert [kind.name for kind in kinds_named([name])] == ["ADT^A01"]


def test_families_and_events_may_be_mixed_and_each_comes_once() -> None:
    names = [kind.name for kind in kinds_named(["ORU", "ADT^A03", "ADT"])]
    assert names[:2] == ["ORU^R01", "ADT^A03"]
    assert len(names) == len(set(names)) == 58


@pytest.mark.parametrize(("name", "near"), [("SIUS", "SIU"), ("ORU^R1", "ORU^R01"), ("VXU^V4", "VXU^V04")])
def test_a_mistyped_type_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UnknownTypeError, match=f"did you mean '{near.replace('^', '.')}'"):
        kinds_named([name])


def test_a_type_that_is_like_none_is_answered_with_the_list() -> None:
    with pytest.raises(UnknownTypeError, match="generate --list names them"):
        kinds_named(["X12"])
