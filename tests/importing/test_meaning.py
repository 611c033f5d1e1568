"""What is translated means the same: the Handlers run, and fields have the values that the channel's steps give."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.importing.exports import (
    builder,
    channel,
    destination,
    filtering,
    javascript,
    mapper,
    older_rule,
    older_step,
    rule,
    script_rule,
    sender,
    transformer,
    writer,
)
from tests.importing.world import ADT, World, world

if TYPE_CHECKING:
    from pathlib import Path

EVENT = "msg['MSH']['MSH.9']['MSH.9.2'].toString()"
CLASS = "msg['PV1']['PV1.2']['PV1.2.1'].toString()"
WARD = "msg['PV1']['PV1.3']['PV1.3.1'].toString()"
MRN = "msg['PID']['PID.3']['PID.3.1'].toString()"


def lab(steps: str = "", rules: str = "") -> str:
    return destination(1, "Lab", sender(), steps=transformer(steps), rules=filtering(rules))


def of(home: Path, *destinations: str, steps: str = "", rules: str = "", **more: str) -> World:
    found = channel("ADT In", *destinations, steps=transformer(steps), rules=filtering(rules), **more)
    result = world(home, found)
    assert result.missing == []
    return result


def test_a_channel_without_steps_sends_what_came_in_to_the_byte(tmp_path: Path) -> None:
    found = of(tmp_path, destination(1, "Lab", sender()), destination(2, "Archive", writer(), "File Writer"))
    outcome = found.run()
    assert [(each.lane, each.payload) for each in outcome.outgoing] == [
        ("OB_ADT_IN_LAB", ADT.encode()),
        ("OB_ADT_IN_ARCHIVE", ADT.encode()),
    ]
    assert found.graph().warnings == ()


# -- scripts ---------------------------------------------------------------------------------------------------------

SCRIPTS = [
    ("msg['MSH']['MSH.5']['MSH.5.1'] = 'LAB';", "MSH-5.1", "LAB"),
    ("msg['MSH']['MSH.5'] = 'LAB'", "MSH-5", "LAB"),
    ('msg["PID"]["PID.8"]["PID.8.1"] = "U"; // unknown', "PID-8.1", "U"),
    ("msg.PID['PID.8']['PID.8.1'] = 'U'", "PID-8", "U"),
    (f"msg['PID']['PID.2']['PID.2.1'] = {MRN}", "PID-2", "11"),
    ("msg['PID']['PID.2']['PID.2.1'] = msg['PID']['PID.3'][1]['PID.3.1'].toString()", "PID-2", "22"),
    ("msg['PID']['PID.2']['PID.2.1'] = msg['OBX'][1]['OBX.3']['OBX.3.1'].toString();", "PID-2", "NA"),
    ("msg['PID']['PID.2']['PID.2.1'] = msg['PID']['PID.5']['PID.5.1'].toString()", "PID-2", "O&Brien"),
    ("msg['PID']['PID.2']['PID.2.1'] = msg['PID']['PID.40']['PID.40.1'].toString() + 'x'", "PID-2", "x"),
    ("msg['PID']['PID.3']['PID.3.4']['PID.3.4.2'] = '1.2.3'", "PID-3.4.2", "1.2.3"),
    ("msg['ZPI']['ZPI.2']['ZPI.2.1'] = 'new'", "ZPI-2", "new"),
    (f"var id = {MRN};\nmsg['PID']['PID.4']['PID.4.1'] = 'H' + id + '-' + id;", "PID-4", "H11-11"),
    (f"msg['PID']['PID.4']['PID.4.1'] = {WARD}.toLowerCase()", "PID-4", "icu"),
    (f"msg['PID']['PID.4']['PID.4.1'] = {WARD}.substring(0, 2)", "PID-4", "IC"),
    (f"msg['PID']['PID.4']['PID.4.1'] = (' ' + {WARD} + ' ').trim().substring(1)", "PID-4", "CU"),
    ("delete msg['PID']['PID.8'];", "PID-8", ""),
    ("delete msg['OBX']", "OBX-1", None),
    (f"$c('id', {MRN});\nmsg['PID']['PID.4']['PID.4.1'] = $c('id');", "PID-4", "11"),
    (f"connectorMap.put('id', {MRN});\nmsg['PID']['PID.4']['PID.4.1'] = $('id') + 'x';", "PID-4", "11x"),
    ("logger.info('seen ' + msg['MSH']['MSH.10']['MSH.10.1'].toString());", "MSH-10", "C1"),
]
CONDITIONS = [
    (f"{CLASS} == 'I'", True),
    (f"'I' === {CLASS}", True),
    (f"{CLASS} != 'I'", False),
    (f"{CLASS} == 'O' || {WARD} == 'ICU'", True),
    (f"{CLASS} == 'O' || {CLASS} == 'I' || {CLASS} == 'E'", True),
    (f"{CLASS} != 'O' && {CLASS} != 'I'", False),
    (f"{CLASS} == 'O' && {WARD} == 'ICU' || {EVENT} == 'A01'", True),
    (f"({CLASS} == 'I' || {WARD} == 'X') && !({EVENT} == 'A08')", True),
    (f"{WARD}.indexOf('C') > -1", True),
    (f"{WARD}.indexOf('Q') >= 0", False),
    (f"{WARD}.indexOf('Q') == -1", True),
    (f"-1 != {WARD}.indexOf('C')", True),
    (f"{WARD}.startsWith('IC')", True),
    (f"{WARD}.endsWith('IC')", False),
    (f"{WARD}.length > 3", False),
    (f"3 >= {WARD}.length", True),
    ("msg['PID']['PID.40']['PID.40.1'].toString() == ''", True),
    (f"{WARD} != ''", True),
    (f"!{WARD}", False),
    ("msg['PV1']['PV1.2']['PV1.2.1'] == 'I'", True),
    (f"{WARD} && {CLASS} == 'I'", True),
]


@pytest.mark.parametrize(("script", "path", "value"), SCRIPTS)
def test_a_script_writes_what_it_says(tmp_path: Path, script: str, path: str, value: str | None) -> None:
    found = of(tmp_path, lab(javascript(0, "step", script)))
    assert found.sent()["LAB"][path] == value


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS)
def test_a_condition_decides_what_it_says(tmp_path: Path, condition: str, holds: bool) -> None:
    script = f"if ({condition}) {{ msg['MSH']['MSH.6'] = 'YES'; }} else {{ msg['MSH']['MSH.6'] = 'NO'; }}"
    found = of(tmp_path, lab(javascript(0, "step", script)))
    assert found.sent()["LAB"]["MSH-6"] == ("YES" if holds else "NO")


@pytest.mark.parametrize(("condition", "holds"), [each for each in CONDITIONS if "&& " + CLASS not in each[0]])
def test_a_rule_lets_pass_what_it_says(tmp_path: Path, condition: str, holds: bool) -> None:
    found = of(tmp_path, lab(rules=script_rule(0, "rule", f"return {condition};")))
    assert ("LAB" in found.sent()) is holds


def test_return_alone_on_its_line_gives_nothing(tmp_path: Path) -> None:
    assert of(tmp_path, lab(rules=script_rule(0, "rule", "if (true) return\nreturn true;"))).sent() == {}


def test_an_edit_of_one_destination_is_not_seen_by_another(tmp_path: Path) -> None:
    steps = transformer(javascript(0, "step", "msg['MSH']['MSH.5'] = 'LAB';"))
    archive = destination(2, "Archive", writer(), "File Writer")
    sent = of(tmp_path, destination(1, "Lab", sender(), steps=steps), archive).sent()
    assert (sent["LAB"]["MSH-5"], sent["ARCHIVE"]["MSH-5"]) == ("LAB", "HUB")


# -- steps that the editor builds ------------------------------------------------------------------------------------


def test_the_source_transforms_for_every_destination_and_its_map_is_theirs(tmp_path: Path) -> None:
    source = mapper(0, "mrn", MRN) + builder(1, "facility", "msg['MSH']['MSH.6']['MSH.6.1']", "'HUB2'")
    mine = builder(0, "id", "msg['PID']['PID.4']['PID.4.1']", "$('mrn')")
    sent = of(tmp_path, lab(mine), destination(2, "Copy", sender()), steps=source).sent()
    assert (sent["LAB"]["MSH-6"], sent["LAB"]["PID-4"]) == ("HUB2", "11")
    assert (sent["COPY"]["MSH-6"], sent["COPY"]["PID-4"]) == ("HUB2", "")


@pytest.mark.parametrize(
    ("mapping", "default", "value"),
    [
        ("msg['PID']['PID.40']['PID.40.1'].toString()", "'none'", "none"),
        ("msg['PID']['PID.8']['PID.8.1'].toString()", "'none'", "F"),
        ("msg['PID']['PID.8']['PID.8.1']", "", "F"),
        ("msg['PID']['PID.40']['PID.40.1'].toString()", MRN, "11"),
        ("", "", ""),
        ("", "'x'", "x"),
    ],
)
def test_a_default_stands_where_the_mapping_gives_nothing(
    tmp_path: Path, mapping: str, default: str, value: str
) -> None:
    found = of(tmp_path, lab(builder(0, "step", "msg['PID']['PID.4']['PID.4.1']", mapping, default)))
    assert found.sent()["LAB"]["PID-4"] == value


def test_an_outbound_template_is_filled(tmp_path: Path) -> None:
    text = "MSH|^~\\&|HUB|H|LAB|L|||ORU^R01|1|T|2.5.1\nPID|1\n"
    template = base64.b64encode(text.encode()).decode()
    steps = transformer(
        builder(0, "name", "tmp['PID']['PID.5']['PID.5.1']", "msg['PID']['PID.5']['PID.5.1'].toString()")
        + builder(1, "id", "tmp['MSH']['MSH.10']['MSH.10.1']", "msg['MSH']['MSH.10']['MSH.10.1'].toString()"),
        template=template,
    )
    sent = of(tmp_path, destination(1, "Lab", sender(), steps=steps)).sent()["LAB"]
    assert sent.encode() == "MSH|^~\\&|HUB|H|LAB|L|||ORU^R01|C1|T|2.5.1\rPID|1||||O\\T\\Brien\r"


@pytest.mark.parametrize(
    ("field", "condition", "values", "passes"),
    [
        (CLASS, "EQUALS", ["'I'"], True),
        (CLASS, "EQUALS", ["'O'", "'I'"], True),
        (CLASS, "EQUALS", ["'O'", "''"], False),
        (CLASS, "NOT_EQUAL", ["'I'"], False),
        (CLASS, "NOT_EQUAL", ["'O'", "'E'"], True),
        (CLASS, "EXISTS", [], True),
        (CLASS, "NOT_EXIST", [], False),
        ("msg['PID']['PID.40']['PID.40.1'].toString()", "EXISTS", [], False),
        ("msg['PID']['PID.40']['PID.40.1'].toString()", "NOT_EXIST", [], True),
        ("msg['PID']['PID.40']['PID.40.1'].toString()", "EQUALS", ["''"], True),
        (WARD, "CONTAINS", ['"Q"', '"C"'], True),
        (WARD, "NOT_CONTAIN", ["'Q'", "'C'"], False),
        (WARD, "NOT_CONTAIN", ["'Q'"], True),
    ],
)
def test_a_rule_of_the_rule_builder(
    tmp_path: Path, field: str, condition: str, values: list[str], passes: bool
) -> None:
    found = of(tmp_path, lab(rules=rule(0, "rule", field, condition, *values)))
    assert ("LAB" in found.sent()) is passes


@pytest.mark.parametrize(
    ("truths", "operators", "passes"),
    [
        ("TT", "AND", True),
        ("TF", "AND", False),
        ("TF", "OR", True),
        ("FF", "OR", False),
        ("TFF", "OR AND", True),
        ("FTF", "OR AND", False),
        ("FFT", "AND OR", True),
        ("TFFT", "AND OR AND", False),
        ("FTTT", "AND OR AND", True),
    ],
)
def test_and_comes_before_or(tmp_path: Path, truths: str, operators: str, passes: bool) -> None:
    words = ["AND", *operators.split()]
    rules = "".join(
        rule(number, f"rule{number}", CLASS, "EQUALS", "'I'" if truth == "T" else "'O'", operator=word)
        for number, (truth, word) in enumerate(zip(truths, words, strict=True))
    )
    assert ("LAB" in of(tmp_path, lab(rules=rules)).sent()) is passes


def test_what_the_source_filters_ends_filtered_everywhere(tmp_path: Path) -> None:
    archive = destination(2, "Archive", writer(), "File Writer")
    found = of(tmp_path, lab(), archive, rules=rule(0, "ADT only", EVENT, "EQUALS", "'A08'"))
    outcome = found.run()
    assert (outcome.routing, outcome.declined) == ("FILTERED", ["adt_in_lab", "adt_in_archive"])
    assert set(found.sent(ADT.replace("ADT^A01", "ADT^A08"))) == {"LAB", "ARCHIVE"}


@pytest.mark.parametrize(
    ("script", "left"),
    [
        ("destinationSet.remove('Archive');", {"LAB", "THIRD"}),
        ("destinationSet.remove(['Archive', 'Third']);", {"LAB"}),
        ("destinationSet.remove(2);", {"LAB", "THIRD"}),
        ("destinationSet.removeAllExcept('Third')", {"THIRD"}),
        ("destinationSet.removeAll()", set()),
        (f"if ({CLASS} == 'O') {{ destinationSet.removeAll(); }}", {"LAB", "ARCHIVE", "THIRD"}),
    ],
)
def test_destinations_that_the_source_removes(tmp_path: Path, script: str, left: set[str]) -> None:
    others = [destination(2, "Archive", writer(), "File Writer"), destination(3, "Third", sender())]
    found = of(tmp_path, lab(), *others, steps=javascript(0, "routing", script))
    assert set(found.sent()) == left


# -- the form before 3.5 ---------------------------------------------------------------------------------------------


def test_steps_and_rules_as_they_were_written_before_version_3_5(tmp_path: Path) -> None:
    steps = older_step(0, "mrn", "Mapper", f"channelMap.put('mrn', {MRN});")
    steps += older_step(1, "id", "Message Builder", f"msg['PID']['PID.4']['PID.4.1'] = {MRN};")
    steps += older_step(2, "hub", "JavaScript", "msg['MSH']['MSH.5'] = 'LAB';")
    rules = older_rule(0, "ADT", f'if({EVENT} == "A01")\n{{\nreturn true;\n}}\nelse\n{{\nreturn false;\n}}')
    found = world(
        tmp_path,
        channel(
            "Old One",
            destination(1, "Lab", sender(), steps=transformer(old=True)),
            version="3.4.2",
            steps=transformer(steps, old=True),
            rules=filtering(rules, old=True),
        ),
    )
    assert found.missing == []
    sent = found.sent()["LAB"]
    assert (sent["PID-4"], sent["MSH-5"]) == ("11", "LAB")
    assert found.sent(ADT.replace("ADT^A01", "ADT^A03")) == {}
