"""What is not translated is kept, fails by name, is warned of by name, and stands in the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.importing.exports import (
    PACKAGE,
    builder,
    channel,
    destination,
    element,
    elements,
    filtering,
    javascript,
    mapper,
    newer,
    rule,
    script_rule,
    sender,
    transformer,
    writer,
)
from tests.importing.world import ADT, world

if TYPE_CHECKING:
    from pathlib import Path

MRN = "msg['PID']['PID.3']['PID.3.1'].toString()"

SCRIPTS = [
    ("for each (seg in msg['OBX']) { seg['OBX.11'] = 'F'; }", "'for' is beyond"),
    ("msg['PID']['PID.3'] = msg['PID']['PID.2'];", "reads the field PID-2 as a whole"),
    ("msg['PID']['PID.3']['PID.3.1'] = msg['PID']['PID.2']['PID.2.1'];", "an element of the message"),
    ("msg['PID']['PID.3']['PID.4.1'] = 'x';", "'PID.4.1' is not a part of PID"),
    ("msg['PID']['PID.3'][1]['PID.3.1'] = 'x';", "a repetition behind the first"),
    ("msg['PID'] = 'x';", "a whole segment"),
    ("msg['MSH']['MSH.2'] = 'x';", "the delimiters"),
    ("msg['PID']['PID.5'] = 'A^B';", "a delimiter of HL7"),
    ("msg['PID']['PID.5']['PID.5.1'] = 'A' + '\\n';", "a delimiter of HL7"),
    ("tmp['PID']['PID.5']['PID.5.1'] = 'x';", "there is no outbound template"),
    ("globalMap.put('count', 'x');", "globalMap keeps values"),
    ("$gc('count', 'x');", "globalChannelMap keeps values"),
    ("msg['PID']['PID.2']['PID.2.1'] = $cfg('site');", "configurationMap is not in the export"),
    ("msg['PID']['PID.2']['PID.2.1'] = $('never put');", "nothing translated puts 'never put'"),
    ("msg['PID']['PID.2']['PID.2.1'] = lookup('x');", "it calls lookup()"),
    ("msg['PID']['PID.2']['PID.2.1'] = other;", "'other' is not known"),
    ("var x = x + 'y';", "'x' is not known"),
    (f"var n = {MRN}.length;", "a number stands where text"),
    (f"msg['PID']['PID.2']['PID.2.1'] = {MRN}.replace('a', 'b');", "it calls replace()"),
    (f"if (parseInt({MRN}) > 3) {{ msg['PID']['PID.2'] = 'x' }}", "it calls parseInt()"),
    ("if (msg['PID']['PID.3']['PID.3.1'] === '11') { msg['PID']['PID.2'] = 'x' }", "=== tells"),
    ("if (msg['PID']['PID.3']['PID.3.1']) { msg['PID']['PID.2'] = 'x' }", "an element of the message"),
    ("if (true) { $c('k', 'v') }\nmsg['PID']['PID.2'] = $c('k');", "nothing translated puts 'k'"),
    ("logger.info(destroy());", "it calls destroy()"),
    ("var a$b = 'x';\nvar a_b = 'y';\nmsg['PID']['PID.2'] = a$b;", "would have one name"),
    (f"if ({MRN} == 'A&B') {{ msg['PID']['PID.2'] = 'x' }}", "a delimiter of HL7 in it is compared"),
    (f"if ({MRN}.startsWith('A^')) {{ msg['PID']['PID.2'] = 'x' }}", "has a delimiter of HL7"),
    ("msg['PID']['PID.2'] = " + " + ".join(["'x'"] * 200), "a chain in it is long"),
    (f"msg['PID']['PID.2'] = {MRN}" + ".trim()" * 200, "a chain in it is long"),
    ("if (true) " * 200 + "msg['PID']['PID.2'] = 'x'", "nested deeply"),
    ("return;", "a step returns early"),
    ("destinationSet.remove('Lab');", "outside of the source transformer"),
    ("msg['PID']['PID.2'] = 010;", "beyond what is translated"),
    ("msg['PID']['PID.2'] = /x/;", "'/' is beyond"),
    ("msg['PID']['PID.2'] = 'x' msg['PID']['PID.4'] = 'y'", "'msg' is beyond"),
    ("(" * 60 + "1" + ")" * 60, "nested deeply"),
    ("'" + "x" * 30_000 + "'", "the script is long"),
]


@pytest.mark.parametrize(("script", "why"), SCRIPTS)
def test_a_script_beyond_what_is_translated_is_kept_and_fails(tmp_path: Path, script: str, why: str) -> None:
    steps = javascript(0, "before", "msg['MSH']['MSH.6'] = 'X';") + javascript(1, "Weird one", script)
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender(), steps=transformer(steps))))
    (missing,) = found.missing
    assert missing.startswith("destination Lab: step 2 'Weird one' (JavaScript): ")
    assert why in missing
    assert all(f"# | {line}" in found.module for line in script.split("\n"))
    named = "ADT In, destination Lab, step 2 'Weird one' (JavaScript)"
    (warning,) = found.graph().warnings
    assert (warning.name, warning.text) == (named, "this is not translated: messages that come to it end in ERROR")
    line = found.module.splitlines()[warning.line - 1]
    assert "raise NotTranslated(" in line
    outcome = found.run()
    assert outcome.outgoing == []
    (failed,) = outcome.failed
    assert failed.error.splitlines()[0].startswith("NotTranslated at IB_ADT_IN.py:")
    assert failed.error.splitlines()[0].endswith(f" in handler adt_in_lab: {named}")


RULES = [
    (script_rule(0, "js", "return isOpen();"), "it calls isOpen()"),
    (script_rule(0, "js", f"return {MRN};"), "text stands where true or false"),
    (script_rule(0, "js", f"return {MRN} && true;"), "text stands where true or false"),
    (script_rule(0, "js", "msg['MSH']['MSH.5'] = 'x'; return true;"), "a rule writes to the message"),
    (script_rule(0, "js", "channelMap.put('k', 'v'); return true;"), "a rule puts a value into a map"),
    (script_rule(0, "js", ""), "its script is empty"),
    (rule(0, "field", "msg['PID']['PID.3']", "EXISTS"), "the field PID-3 as a whole"),
    (rule(0, "element", "msg['PID']['PID.3']['PID.3.1']", "EXISTS"), "whether an element of the message exists"),
    (rule(0, "odd", MRN, "MATCHES", "'x'"), "its condition 'MATCHES' is not known"),
    (rule(0, "computed", MRN, "EQUALS", MRN), "a value of it is computed"),
    (rule(0, "none", MRN, "EQUALS"), "a value of it is computed, missing"),
    (newer("scriptfilerule.ExternalScriptRule", 0, "file", {"scriptPath": "a.js"}), "this kind of rule"),
]


@pytest.mark.parametrize(("rules", "why"), RULES)
def test_a_rule_beyond_what_is_translated_fails_instead_of_passing(tmp_path: Path, rules: str, why: str) -> None:
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender()), rules=filtering(rules)))
    (missing,) = found.missing
    assert why in missing
    (failed,) = found.run().failed
    assert "ADT In, source, rule 1" in failed.error.splitlines()[0]
    assert [warning.name.startswith("ADT In, source, rule 1") for warning in found.graph().warnings] == [True]


def test_a_rule_that_filters_before_an_untranslated_one_still_filters(tmp_path: Path) -> None:
    rules = rule(0, "ADT only", "msg['MSH']['MSH.9']['MSH.9.1'].toString()", "EQUALS", "'ADT'")
    rules += script_rule(1, "open", "return isOpen();")
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender()), rules=filtering(rules)))
    assert found.run(ADT.replace("ADT^A01^ADT_A01", "ORU^R01")).declined == ["adt_in_lab"]
    assert len(found.run().failed) == 1


def test_rules_joined_by_an_unknown_operator_fail(tmp_path: Path) -> None:
    rules = rule(0, "a", MRN, "EXISTS") + rule(1, "b", MRN, "EXISTS", operator="XOR")
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender()), rules=filtering(rules)))
    assert "its operator 'XOR' is not known" in found.missing[0]
    assert len(found.run().failed) == 1


REPLACED = "<org.acme.Pair><left>a</left><right>'b'</right></org.acme.Pair>"
ITERATED = f"<properties><children>{javascript(0, 'inner', 'deep();')}</children></properties>"
STEPS = [
    (mapper(0, "x", MRN, scope="GLOBAL"), "a map that no Handler has (GLOBAL)"),
    (mapper(0, "x", MRN, more=REPLACED), "regular expressions"),
    (mapper(0, "x", "new Date()"), "'new' is beyond"),
    (builder(0, "x", "out", MRN), "not a place of the message"),
    (newer("xsltstep.XsltStep", 0, "x", {"template": "<xsl/>"}), "this kind of step"),
    (f"<{PACKAGE}.model.IteratorStep><name>x</name>{ITERATED}</{PACKAGE}.model.IteratorStep>", "this kind of step"),
    ("<com.acme.Unheard><name>x</name><secretSauce>deep</secretSauce></com.acme.Unheard>", "this kind of step"),
]


@pytest.mark.parametrize(("steps", "why"), STEPS)
def test_a_step_of_the_editor_that_is_not_translated(tmp_path: Path, steps: str, why: str) -> None:
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender()), steps=transformer(steps)))
    (missing,) = found.missing
    assert why in missing
    (failed,) = found.run().failed
    assert "ADT In, source, step 1 'x'" in failed.error.splitlines()[0]
    assert ("deep" in steps) == ("deep" in found.module)


def test_steps_after_an_untranslated_one_are_there_when_it_has_been_written(tmp_path: Path) -> None:
    steps = javascript(0, "odd", "odd();") + javascript(1, "hub", "msg['MSH']['MSH.5'] = 'LAB';")
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender(), steps=transformer(steps))))
    path = found.home / "config" / "IB_ADT_IN.py"
    text = path.read_text()
    statement = "    raise NotTranslated(\"ADT In, destination Lab, step 1 'odd' (JavaScript)\")\n"
    path.write_text(text.replace(statement, ""))
    assert path.read_text() != text
    assert found.sent()["LAB"]["MSH-5"] == "LAB"


@pytest.mark.parametrize("strict", ["useStrictParser", "handleRepetitions", "handleSubcomponents"])
def test_places_are_not_translated_where_they_mean_something_else(tmp_path: Path, strict: str) -> None:
    xml = channel("ADT In", destination(1, "Lab", sender()), steps=transformer(mapper(0, "x", MRN)))
    for usual, unusual in (("true", "false"), ("false", "true")):
        xml = xml.replace(f"<{strict}>{usual}</{strict}>", f"<{strict}>!{unusual}</{strict}>")
    found = world(tmp_path, xml.replace(">!", ">"))
    assert [f"with {strict} = " in each for each in found.missing] == [True]


def test_a_conversion_to_another_data_type_fails(tmp_path: Path) -> None:
    lab = destination(1, "Lab", sender(), steps=transformer(out="XML"))
    found = world(tmp_path, channel("ADT In", lab, destination(2, "Copy", writer(), "File Writer")))
    assert found.missing == ["destination Lab: data types: it makes XML of HL7V2"]
    outcome = found.run()
    assert [each.lane for each in outcome.outgoing] == ["OB_ADT_IN_COPY"]
    assert len(outcome.failed) == 1


@pytest.mark.parametrize("word", ["preprocessing", "postprocessing", "deploy", "undeploy"])
def test_the_channels_own_scripts_are_kept_and_fail(tmp_path: Path, word: str) -> None:
    names = ("preprocessing", "postprocessing", "deploy", "undeploy")
    scripts = elements({f"{name}Script": "strange();" if name == word else "return;" for name in names})
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender()), more=scripts))
    assert len(found.missing) == 1
    assert "# | strange();" in found.module
    assert len(found.run().failed) == 1
    assert len(found.graph().warnings) == 1


def test_a_response_transformer_is_kept_and_fails(tmp_path: Path) -> None:
    response = transformer(javascript(0, "reply", "route(msg);"), tag="responseTransformer")
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender(), response=response)))
    assert "response transformer, step 1 'reply'" in found.missing[0]
    assert len(found.run().failed) == 1


def test_a_disabled_step_is_kept_and_does_not_fail(tmp_path: Path) -> None:
    steps = javascript(0, "old", "whatever();", enabled="false")
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender(), steps=transformer(steps))))
    assert found.missing == []
    assert "# | whatever();" in found.module
    assert set(found.sent()) == {"LAB"}


def test_code_templates_and_metadata_columns_are_in_the_report(tmp_path: Path) -> None:
    template = f"<codeTemplate>{element('name', 'pad()')}</codeTemplate>"
    more = f"<exportData><codeTemplateLibraries>{template}</codeTemplateLibraries></exportData>"
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender()), more=more))
    assert any(each.startswith("channel: code template pad()") for each in found.said_left_out)


def test_secrets_in_scripts_are_blanked_and_said(tmp_path: Path) -> None:
    script = (
        "var c = DatabaseConnectionFactory.createDatabaseConnection('com.x.Driver',\n    'jdbc:x://db/a',\n"
        "    'root', 'hunter2');\nvar password = \"hunter3\";\nget('https://me:hunter4@host/x?token=hunter5&a=1');"
    )
    steps = transformer(javascript(0, "db", script))
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender(), steps=steps)))
    assert not any("hunter" in text for text in found.found.files.values())
    assert any("what looks like a secret is ***" in each for each in found.said_left_out)


@pytest.mark.parametrize(
    "steps",
    [
        javascript(0, "login", "$c('password', 'hunter2');"),
        mapper(0, "apiToken", "'hunter2'"),
        mapper(0, "x", "msg['PID']['PID.3']['PID.3.1'].toString()", "'hunter2' /* password */"),
        builder(0, "secret", "msg['MSH']['MSH.8']['MSH.8.1']", "'hunter2'"),
    ],
)
def test_a_literal_that_looks_like_a_secret_becomes_no_code(tmp_path: Path, steps: str) -> None:
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender(), steps=transformer(steps))))
    assert "a text of it looks like a secret" in found.missing[0]
    assert not any("hunter2" in text for text in found.found.files.values())


def test_names_on_a_line_that_speaks_of_a_secret_are_kept(tmp_path: Path) -> None:
    script = "var token = msg['PID']['PID.3']['PID.3.1'].toString() + $('mrn') + salted(1);"
    steps = transformer(javascript(0, "s", script))
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender(), steps=steps)))
    assert f"# | {script}" in found.module
