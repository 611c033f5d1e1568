"""What writing a message changes, and what it leaves."""

import copy
import pickle
import re

import pytest

from messagefoundry.message import EditError, EncodeError, HeaderError, Message, MissingSegmentError, PathError

ADT = "MSH|^~\\&|SEND|FAC|RECV|HUB|20260101||ADT^A01|ID1|P|2.5.1\rPID|1||123^^^M&1&ISO^MR~987||DOE^JOHN\rPV1|1|I\r"


def written(path: str, value: str | None, *, line: str = "ZZZ|1|", repetition: int | None = None) -> str:
    """The line ZZZ after one write."""
    message = Message.parse(f"MSH|^~\\&|A\r{line}\r")
    message.set(path, value, repetition=repetition)
    return message.encode().split("\r")[1]


@pytest.mark.parametrize(
    ("path", "value", "line", "expected"),
    [
        ("ZZZ-1", "2", "ZZZ|1|", "ZZZ|2|"),
        ("ZZZ-4", "x", "ZZZ|1|", "ZZZ|1|||x"),
        ("ZZZ-1.2", "x", "ZZZ|1|", "ZZZ|1^x|"),
        ("ZZZ-2.3", "x", "ZZZ|1|", "ZZZ|1|^^x"),
        ("ZZZ-2.2.2", "x", "ZZZ|1|", "ZZZ|1|^&x"),
        ("ZZZ-1.1", "x", "ZZZ|a^b~c^d", "ZZZ|x^b~c^d"),
        ("ZZZ-1", "x", "ZZZ|a^b~c^d", "ZZZ|x"),
        ("ZZZ-1", None, "ZZZ|a^b~c^d|", "ZZZ||"),
        ("ZZZ-1.2", None, "ZZZ|a^b^c", "ZZZ|a^^c"),
        ("ZZZ-1", "", "ZZZ|a|b", "ZZZ||b"),
        ("ZZZ-9", "", "ZZZ|a|b", "ZZZ|a|b"),
        ("ZZZ-1.4", None, "ZZZ|a|b", "ZZZ|a|b"),
        ("ZZZ-1", '""', "ZZZ|a|b", 'ZZZ|""|b'),
        ("ZZZ-1", "x", "ZZZ", "ZZZ|x"),
    ],
)
def test_where_a_value_goes(path: str, value: str | None, line: str, expected: str) -> None:
    assert written(path, value, line=line) == expected


@pytest.mark.parametrize(
    ("value", "as_field", "as_component", "as_subcomponent"),
    [
        ("A^B&C", "A^B&C", r"A\S\B\T\C", r"A\S\B\T\C"),
        ("A|B", r"A\F\B", r"A\F\B", r"A\F\B"),
        ("A~B", r"A\R\B", r"A\R\B", r"A\R\B"),
        ("A^B~C", r"A^B\R\C", r"A\S\B\R\C", r"A\S\B\R\C"),
        ("A\rB\nC", r"A\X0D\B\X0A\C", r"A\X0D\B\X0A\C", r"A\X0D\B\X0A\C"),
        (
            "A^\r\nMSH|",
            r"A^\X0D\\X0A\MSH\F\ ".strip(),
            r"A\S\\X0D\\X0A\MSH\F\ ".strip(),
            r"A\S\\X0D\\X0A\MSH\F\ ".strip(),
        ),
        ("\x0b\x1c\0", r"\X0B\\X1C\\X00\ ".strip(), r"\X0B\\X1C\\X00\ ".strip(), r"\X0B\\X1C\\X00\ ".strip()),
        ("a\tb", "a\tb", "a\tb", "a\tb"),
        ("C:\\", r"C:\E\ ".strip(), r"C:\E\ ".strip(), r"C:\E\ ".strip()),
        (
            r"a\.br\b\H\c\Z1\d\P\ ".strip(),
            r"a\.br\b\H\c\Z1\d\P\ ".strip(),
            r"a\.br\b\H\c\Z1\d\P\ ".strip(),
            r"a\.br\b\H\c\Z1\d\P\ ".strip(),
        ),
        (r"a\T\b", r"a\E\T\E\b", r"a\E\T\E\b", r"a\E\T\E\b"),
        (r"a\T\b^c", r"a\T\b^c", r"a\E\T\E\b\S\c", r"a\E\T\E\b\S\c"),
        (r"\X41\ ".strip(), r"\E\X41\E\ ".strip(), r"\E\X41\E\ ".strip(), r"\E\X41\E\ ".strip()),
        ("x\u2028y\x85z", "x\u2028y\x85z", "x\u2028y\x85z", "x\u2028y\x85z"),
    ],
)
def test_what_a_value_becomes(value: str, as_field: str, as_component: str, as_subcomponent: str) -> None:
    assert written("ZZZ-1", value) == f"ZZZ|{as_field}|"
    assert written("ZZZ-1", value, repetition=1) == f"ZZZ|{as_field}|"
    assert written("ZZZ-1.2", value) == f"ZZZ|1^{as_component}|"
    assert written("ZZZ-1.1.2", value) == f"ZZZ|1&{as_subcomponent}|"


def test_repetitions_are_written_by_number_and_added() -> None:
    message = Message.parse(ADT)
    message.set("PID-3.1", "X", repetition=2)
    assert message["PID-3"] == "123^^^M&1&ISO^MR~X"
    message.set("PID-3", "Y^Z", repetition=4)
    assert message["PID-3"] == "123^^^M&1&ISO^MR~X~~Y^Z"
    message.add_repetition("PID-3", "a~b^c")
    assert message["PID-3"] == r"123^^^M&1&ISO^MR~X~~Y^Z~a\R\b^c"
    message.add_repetition("PID-2", "first")
    message.add_repetition("PID-20", "late")
    assert message["PID-2"] == "first"
    assert message["PID-20"] == "late"
    with pytest.raises(EditError, match="PID-3"):
        message.add_repetition("PID-3.1", "x")
    with pytest.raises(EditError, match="too far"):
        message.set("PID-3", "x", repetition=1_000_000_000)


def test_an_absent_segment_is_a_mistake_that_is_named() -> None:
    message = Message.parse(ADT)
    with pytest.raises(
        MissingSegmentError, match=re.escape("NK1-2.1 cannot be written: the message has no segment NK1")
    ) as raised:
        message["NK1-2.1"] = "SECRET"
    assert "add_segment" in str(raised.value)
    assert "SECRET" not in str(raised.value)
    with pytest.raises(MissingSegmentError, match="fewer than 2 segments PID"):
        message.set("PID-1", "2", occurrence=2)
    with pytest.raises(MissingSegmentError):
        message.add_repetition("NK1-2", "x")
    message["NK1-2"] = None
    message["NK1-2"] = ""
    assert not message.edited


def test_only_text_is_written() -> None:
    message = Message.parse(ADT)
    with pytest.raises(EditError, match="not int"):
        message["PID-1"] = 5  # type: ignore[assignment]


def test_writing_what_is_there_is_no_edit() -> None:
    raw = b"MSH|^~\\&|A\nPID|1\n"
    message = Message.parse(raw)
    message["PID-1"] = "1"
    message["MSH-1"] = "|"
    message["MSH-2"] = "^~\\&"
    assert not message.edited
    assert message.encode_bytes() == message.encode_bytes("iso-8859-1") == raw


@pytest.mark.parametrize("path", ["MSH-1", "MSH-2", "MSH-1.1", "MSH-2.2"])
def test_the_delimiters_are_not_written_as_fields(path: str) -> None:
    with pytest.raises(EditError, match="redelimit"):
        Message.parse(ADT)[path] = "#"


@pytest.mark.parametrize(
    ("notation", "text"),
    [
        (r"A\T\B", "A&B"),
        (r"\F\\S\\T\\R\\E\ ".strip(), "|^&~\\"),
        (r"\X41\\X0d0A\ ".strip(), "A\r\n"),
        (r"\XC3A9\ ".strip(), "é"),
        (r"\XFF\\X4\\X\\Xzz\ ".strip(), r"\XFF\\X4\\X\\Xzz\ ".strip()),
        (r"\H\a\N\\.br\\.sp 3\\.in+4\\Z99\\C2842\\M824041\\P\\Q\\unknown\ ".strip(), None),
        ("C:\\dir", "C:\\dir"),
        ("\\", "\\"),
        (r"50\ \T\ ".strip(), "50\\ &"),
        (r"a\S\b^c\T\d\F\e", r"a\S\b^c\T\d|e"),
        (r"a\S\b\R\c~d\F\ ".strip(), r"a\S\b\R\c~d|"),
        (r"a\R\b^c", "a~b^c"),
        (r"\E\T\E\ ".strip(), r"\T\ ".strip()),
    ],
)
def test_values_are_unescaped_when_read_and_go_back_as_they_were(notation: str, text: str | None) -> None:
    raw = f"MSH|^~\\&|A\nZZZ|{notation}|\n".encode()
    message = Message.parse(raw)
    value = message["ZZZ-1"]
    assert value == (notation if text is None else text)
    message["ZZZ-1"] = value
    assert message.encode_bytes() == raw
    message["ZZZ-2"] = value
    assert message.encode() == f"MSH|^~\\&|A\rZZZ|{notation}|{notation}\r"


def test_components_are_unescaped_whole() -> None:
    message = Message.parse("MSH|^~\\&|A\rZZZ|a\\S\\b^c\\T\\d&e\\F\\^f\\.br\\g\r")
    assert message["ZZZ-1.1"] == "a^b"
    assert message["ZZZ-1.2"] == "c&d&e|"
    assert message["ZZZ-1.2.1"] == "c&d"
    assert message["ZZZ-1.3"] == "f\\.br\\g"


def test_structure_goes_where_it_fits_and_is_text_elsewhere() -> None:
    message = Message.parse("MSH|^~\\&|A\rZZZ|a\\T\\b^c&d~e|||||\r")
    whole, first, component = message["ZZZ-1"], message.field("ZZZ-1", repetition=1), message["ZZZ-1.2"]
    message["ZZZ-2"] = whole
    message["ZZZ-3"] = component
    message["ZZZ-4.2"] = component
    message["ZZZ-5.2"] = first
    message["ZZZ-6.1.2"] = component
    message.add_repetition("ZZZ-6", component or "")
    assert message.encode().split("\r")[1] == (r"ZZZ|a\T\b^c&d~e|a\T\b^c&d~e|c&d|^c&d|^a\E\T\E\b\S\c\T\d|&c\T\d~c&d")


def test_structure_is_translated_for_a_message_with_other_delimiters() -> None:
    message = Message.parse("MSH|^~\\&|A\rZZZ|a\\T\\b\\.br\\:*^c&d~e\\\r")
    other = Message.parse("MSH:*%!$\rZZZ:\r")
    other["ZZZ-1"] = message["ZZZ-1"]
    assert other.encode().split("\r")[1] == "ZZZ:a&b!.br!!F!!S!*c$d%e\\"
    assert other["ZZZ-1.1"] == "a&b!.br!:*"
    message["ZZZ-2"] = other["ZZZ-1"]
    assert message.encode().split("\r")[1].split("|")[2] == "a\\T\\b\\.br\\:*^c&d~e\\E\\"


def test_text_copied_between_character_sets_is_the_same_text() -> None:
    latin = Message.parse(b"MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||8859/1\rZZZ|a\\XE9\\b^c\r")
    utf8 = Message.parse("MSH|^~\\&|A\rZZZ|\r")
    utf8["ZZZ-1"] = latin["ZZZ-1"]
    assert utf8["ZZZ-1"] == "aéb^c"


def test_what_is_computed_from_a_value_is_plain_text() -> None:
    value = Message.parse("MSH|^~\\&|A\rZZZ|a\\T\\b\r")["ZZZ-1"]
    assert value is not None
    for plain in (value.strip() + "", f"{value}", pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):
        assert plain == "a&b"
        assert type(plain) is str


def test_a_message_without_escape_character_says_what_it_cannot_carry() -> None:
    message = Message.parse("MSH|^~|A\rZZZ|a\r")
    message["ZZZ-1"] = "b^c\\d&e"
    assert message.encode() == "MSH|^~|A\rZZZ|b^c\\d&e\r"
    for value in ("x|y", "x\ry"):
        with pytest.raises(EditError, match="no escape character"):
            message["ZZZ-1"] = value
    with pytest.raises(EditError, match="no subcomponent separator"):
        message["ZZZ-1.1.2"] = "x"


def test_segments_are_added_in_the_notation_of_the_message() -> None:
    message = Message.parse(ADT)
    message.add_segment("ZPI|1|a^b")
    message.add_segment("EVN|A01\r", index=1)
    message.add_segment("NTE", index=4)
    assert message.segments() == ["MSH", "EVN", "PID", "PV1", "NTE", "ZPI"]
    assert message["ZPI-2.2"] == "b"
    assert message.encode().endswith("\rNTE\rZPI|1|a^b\r")
    message["NTE-3"] = "text"
    assert message["NTE-3"] == "text"


def test_a_segment_behind_a_last_one_without_terminator() -> None:
    message = Message.parse("MSH|^~\\&|A\rPID|1")
    message.add_segment("PV1|1")
    assert message.encode() == "MSH|^~\\&|A\rPID|1\rPV1|1"


@pytest.mark.parametrize(
    ("line", "index", "says"),
    [
        ("NTE|1\rPID|2", None, "line break"),
        ("NTE|1\nPID|2", None, "line break"),
        ("MSH|^~\\&|B", None, "one MSH"),
        ("NTE^1", None, "field separator"),
        ("NTEX|1", None, "field separator"),
        ("NTE|1", 0, "behind MSH"),
        ("NTE|1", 4, "to 3"),
        ("NTE|1", -1, "behind MSH"),
    ],
)
def test_lines_that_are_no_segment_to_add(line: str, index: int | None, says: str) -> None:
    message = Message.parse(ADT)
    with pytest.raises(EditError, match=says):
        message.add_segment(line, index=index)
    assert not message.edited


@pytest.mark.parametrize("line", ["nte|1", "N|1", "", "1TE|x"])
def test_lines_without_a_segment_id(line: str) -> None:
    with pytest.raises((EditError, PathError)):
        Message.parse(ADT).add_segment(line)


def test_segments_are_deleted_by_id() -> None:
    message = Message.parse("MSH|^~\\&|A\rNTE|1\rPID|1\rNTE|2\r")
    assert message.delete_segments("ZZZ") == 0
    assert not message.edited
    assert message.delete_segments("NTE") == 2
    assert message.encode() == "MSH|^~\\&|A\rPID|1\r"
    with pytest.raises(EditError, match="MSH"):
        message.delete_segments("MSH")


def test_the_outgoing_character_set() -> None:
    message = Message.parse("MSH|^~\\&|A\rPID|1||é\r")
    assert message.encode_bytes("iso-8859-1") == message.raw
    message["PID-1"] = "2"
    assert message.encode_bytes() == "MSH|^~\\&|A\rPID|2||é\r".encode()
    assert message.encode_bytes("latin-1") == b"MSH|^~\\&|A|||||||||||||||8859/1\rPID|2||\xe9\r"
    assert message.encode_bytes("utf-8") == "MSH|^~\\&|A|||||||||||||||UNICODE UTF-8\rPID|2||é\r".encode()
    assert message["MSH-18"] is None


def test_msh_18_is_emptied_for_a_character_set_without_a_name_and_kept_when_right() -> None:
    message = Message.parse(b"MSH|^~\\&|||||||ADT|1|P|2.5||||||8859/1~8859/2\rPID|1\r")
    message["PID-1"] = "2"
    assert b"|8859/1~8859/2\r" in message.encode_bytes("iso-8859-1")
    assert message.encode_bytes("cp1252").startswith(b"MSH|^~\\&|||||||ADT|1|P|2.5||||||\r")


def test_an_unencodable_character_is_named_by_place() -> None:
    message = Message.parse(b"MSH|^~\\&|||||||ADT|1|P|2.5||||||ASCII\rPID|1||||A\r")
    message["PID-5.2"] = "SECRETé"
    with pytest.raises(EncodeError) as raised:
        message.encode_bytes()
    assert str(raised.value) == "ascii does not have a character that stands in segment 2 (PID), field 5"
    assert raised.value.__context__ is None
    assert message.encode_bytes("utf-8").endswith("SECRETé\r".encode())


def test_copies_are_independent() -> None:
    message = Message.parse(ADT)
    message["PID-5.1"] = "FIRST"
    sent = message.copy()
    message["PID-5.1"] = "SECOND"
    message["PV1-2"] = "O"
    sent.add_segment("ZZZ|1")
    later = copy.deepcopy(sent)
    later["PID-5.1"] = "THIRD"
    assert (message["PID-5.1"], sent["PID-5.1"], later["PID-5.1"]) == ("SECOND", "FIRST", "THIRD")
    assert (message["PV1-2"], sent["PV1-2"]) == ("O", "I")
    assert (message.count_segments("ZZZ"), sent.count_segments("ZZZ")) == (0, 1)
    assert sent.edited


def test_a_message_survives_a_pickle() -> None:
    message = Message.parse(ADT)
    message["PID-5.1"] = "X"
    again = pickle.loads(pickle.dumps(message))
    assert again.encode() == message.encode()
    assert again.raw == message.raw


def test_other_delimiters_for_the_whole_message() -> None:
    message = Message.parse("MSH|^~\\&|A:B\rPID|1||a\\T\\b^c&d~e||\\.br\\\r\rZZZ\r")
    before = {path: message[path] for path in ("MSH-3", "PID-3.1", "PID-3.2.2", "ZZZ-1")}
    message.redelimit(":*%!$")
    assert message.encode() == "MSH:*%!$:A!F!B\rPID:1::a&b*c$d%e::!.br!\r\rZZZ\r"
    assert {path: message[path] for path in before} == before
    message.redelimit("|^~\\&")
    assert message.encode() == "MSH|^~\\&|A:B\rPID|1||a\\T\\b^c&d~e||\\.br\\\r\rZZZ\r"
    with pytest.raises(HeaderError):
        message.redelimit("|")


def test_delimiters_that_cannot_carry_the_message_change_nothing() -> None:
    message = Message.parse("MSH|^~\\&|A\rPID|a\r\rZZZ|b:c\r")
    with pytest.raises(EditError):
        message.redelimit(":^~")
    assert message.encode() == "MSH|^~\\&|A\rPID|a\r\rZZZ|b:c\r"
    assert not message.edited


def test_groups_count_within_themselves_and_edit_the_message() -> None:
    message = Message.parse("MSH|^~\\&|A\rPID|1\rOBR|1\rOBX|1||||a\rOBX|2||||b\rOBR|2\rOBX|1||||c\rNTE|1\r")
    first, second = message.groups()
    assert first.segments() == ["OBR", "OBX", "OBX"]
    assert second.segments() == ["OBR", "OBX", "NTE"]
    assert first.field("OBX-5", occurrence=2) == "b"
    assert second["OBX-5"] == "c"
    assert second.field("OBX-5", occurrence=2) is None
    assert second["PID-1"] is None
    assert (first.count_segments("OBX"), second.count_segments("OBX")) == (2, 1)
    second["OBX-5"] = "z"
    first.set("OBX-5", "y", occurrence=2)
    assert message.field("OBX-5", occurrence=3) == "z"
    assert message.field("OBX-5", occurrence=2) == "y"
    with pytest.raises(MissingSegmentError):
        first["NTE-1"] = "x"
    assert message.groups("ORC") == []
    assert [group.segments() for group in message.groups("NTE")] == [["NTE"]]


def test_a_group_does_not_outlive_the_segments_it_counted() -> None:
    message = Message.parse("MSH|^~\\&|A\rOBR|1\rOBX|1\r")
    (group,) = message.groups()
    message.add_segment("OBX|2")
    with pytest.raises(EditError, match="groups"):
        group["OBX-1"]


def test_nothing_of_a_message_shows() -> None:
    message = Message.parse(ADT.replace("OBR", "OBX"))
    message.add_segment("OBR|SECRET")
    for value in (message, message.groups("PID")[0], message.copy()):
        for shown in (repr(value), str(value), f"{value}"):
            assert not re.search("SECRET|DOE|SEND|ADT", shown)
