"""What reading a message gives."""

import pytest

from messagefoundry.message import CharsetError, DecodeError, HeaderError, Message

ADT = (
    b"MSH|^~\\&|SEND|FAC|RECV|HUB|20260101||ADT^A01^ADT_A01|ID1|P|2.5.1\r"
    b'PID|1||123^^^MERCY&1.2.3&ISO^MR~987^^^USSSA^SS||DOE^JOHN||19700101|M||""\r'
    b"PV1|1|I|W^1\r"
    b"OBX|1|ST|A||one\r"
    b"OBX|2|ST|B||two\r"
    b"ZPI|x\r"
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("MSH-1", "|"),
        ("MSH-2", "^~\\&"),
        ("MSH-2.1", "^~\\&"),
        ("MSH-2.2", None),
        ("MSH-3", "SEND"),
        ("MSH-9.2", "A01"),
        ("MSH-12", "2.5.1"),
        ("MSH-13", None),
        ("PID-1", "1"),
        ("PID-2", ""),
        ("PID-3", "123^^^MERCY&1.2.3&ISO^MR~987^^^USSSA^SS"),
        ("PID-3.1", "123"),
        ("PID-3.2", ""),
        ("PID-3.4", "MERCY&1.2.3&ISO"),
        ("PID-3.4.2", "1.2.3"),
        ("PID-3.4.4", None),
        ("PID-3.6", None),
        ("PID-5.1.1", "DOE"),
        ("PID-10", '""'),
        ("PID-11", None),
        ("OBX-5", "one"),
        ("ZPI-1", "x"),
        ("NK1-1", None),
    ],
)
def test_reading(path: str, expected: str | None) -> None:
    assert Message.parse(ADT)[path] == expected


def test_occurrences_and_repetitions() -> None:
    message = Message.parse(ADT)
    assert message.field("OBX-5", occurrence=2) == "two"
    assert message.field("OBX-5", occurrence=3) is None
    assert message.field("PID-3", repetition=2) == "987^^^USSSA^SS"
    assert message.field("PID-3.4", repetition=2) == "USSSA"
    assert message.field("PID-3.4", repetition=3) is None
    assert message.repetitions("PID-3") == ["123^^^MERCY&1.2.3&ISO^MR", "987^^^USSSA^SS"]
    assert message.repetitions("PID-3.5") == ["MR", "SS"]
    assert message.repetitions("PID-3.4.2") == ["1.2.3", ""]
    assert message.repetitions("PID-2") == message.repetitions("PID-99") == message.repetitions("NK1-2") == []
    assert message.repetitions("MSH-2") == ["^~\\&"]


def test_segments_and_the_names_of_msh_9_and_10() -> None:
    message = Message.parse(ADT)
    assert message.segments() == ["MSH", "PID", "PV1", "OBX", "OBX", "ZPI"]
    assert [message.count_segments(name) for name in ("OBX", "PID", "NK1")] == [2, 1, 0]
    assert message.message_code() == "ADT"
    assert message.trigger_event() == "A01"
    assert message.message_type() == "ADT^A01"
    assert message.control_id() == "ID1"


def test_a_message_without_type() -> None:
    message = Message.parse(b"MSH|^~\\&|A\r")
    assert message.message_type() is None
    assert Message.parse(b"MSH|^~\\&|||||||ACK\r").message_type() == "ACK"
    assert Message.parse(b"MSH:*~\\&:::::::ADT*A01\r").message_type() == "ADT^A01"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "\ufeff", "\r\n\r\n", "\x0b", "\ufeff\n "])
@pytest.mark.parametrize("after", ["", "\x1c", "\x1c\r"])
def test_line_ends_and_what_stands_around_a_message(end: str, before: str, after: str) -> None:
    raw = (before + ADT.decode().replace("\r", end) + after).encode()
    message = Message.parse(raw)
    assert message.encode_bytes() == message.raw == raw
    assert message["MSH-3"] == "SEND"
    assert message.segments()[-1] == "ZPI"
    assert message.encode() == ADT.decode()
    message["MSH-3"] = "OTHER"
    assert message.encode_bytes() == ADT.replace(b"SEND", b"OTHER")
    assert message.raw == raw


def test_mixed_line_ends_blank_lines_and_no_last_terminator() -> None:
    message = Message.parse(b"MSH|^~\\&|A\r\nPID|1\n\nPV1|1\rZZZ|1")
    assert message.segments() == ["MSH", "PID", "PV1", "ZZZ"]
    message["PV1-1"] = "2"
    assert message.encode_bytes() == b"MSH|^~\\&|A\rPID|1\r\rPV1|2\rZZZ|1"


@pytest.mark.parametrize(
    ("msh2", "reads"),
    [
        (b"^~\\&#", {"PID-3": "a^b&c~d", "PID-3.2.2": "c", "PID-4": "&x"}),
        (b"^~\\", {"PID-3.2": "b&c", "PID-3.2.2": None, "PID-4": "\\T\\x"}),
        (b"^~", {"PID-3.2": "b&c", "PID-4": "\\T\\x"}),
        (b"^", {"PID-3.2": "b&c~d", "PID-4": "\\T\\x"}),
        (b"^~\\\\&", {"PID-3.2": "b&c", "PID-4": "\\T\\x"}),
    ],
)
def test_encoding_characters_of_any_number(msh2: bytes, reads: dict[str, str | None]) -> None:
    message = Message.parse(b"MSH|%b|A\rPID|1||a^b&c~d|\\T\\x\r" % msh2)
    assert {path: message[path] for path in reads} == reads
    assert message["MSH-2"] == msh2.decode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PID|1\r",
        b"MSH",
        b"MSH\r",
        b"MSH|",
        b"MSH||A\r",
        b"MSH|^~\\&#!|A\r",
        b"MSH|^~\\|&|".replace(b"|&", b"a&"),
        b"MSHA^~\\&A\r",
        b"MSH ^~\\& A\r",
        b"MSH|\xff\xfe|A\r",
        b"garbage MSH|^~\\&|A\r",
        "MSH|^~\\&|A\r".encode("utf-16"),
        "MSH|^~\\&|A\r".encode("utf-16-le"),
        "MSH|^~\\&|A\r".encode("utf-32-be"),
    ],
)
def test_no_readable_msh(raw: bytes) -> None:
    with pytest.raises(HeaderError):
        Message.parse(raw)


@pytest.mark.parametrize(
    ("msh18", "encoding", "body", "text", "charset"),
    [
        (b"", "utf-8", "é".encode(), "é", "utf-8"),
        (b"", "iso-8859-1", b"\xe9", "é", "iso8859-1"),
        (b"8859/1", "utf-8", b"\xe9", "é", "iso8859-1"),
        (b"8859/1~UNICODE UTF-8", "utf-8", b"\xe9", "é", "iso8859-1"),
        (b"~8859/1", "iso-8859-15", b"\xa4", "€", "iso8859-15"),
        (b"UNICODE UTF-8", "iso-8859-1", "é".encode(), "é", "utf-8"),
        (b"UNICODE UTF-8", "iso-8859-1", b"\xe9", "é", "iso8859-1"),
        (b"ASCII", "utf-8", "é".encode(), "é", "utf-8"),
        (b"8859/2", "utf-8", b"\xb1", "ą", "iso8859-2"),
        (b"GB 18030-2000", "utf-8", "中|".encode("gb18030")[:2], "中", "gb18030"),
        (b"ISO IR87", "utf-8", "山".encode("iso2022_jp"), "山", "iso2022_jp"),
        (b"SOMETHING", "utf-8", "é".encode(), "é", "utf-8"),
        (b"", "utf-8-sig", "é".encode(), "é", "utf-8"),
    ],
)
def test_the_character_set_that_applies(msh18: bytes, encoding: str, body: bytes, text: str, charset: str) -> None:
    raw = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||%b\rPID|1||%b\r" % (msh18, body)
    message = Message.parse(raw, encoding=encoding)
    assert message["PID-3"] == text
    assert message.charset == charset
    assert message.encode_bytes() == raw
    message["PID-1"] = "2"
    assert message.encode_bytes() == raw.replace(b"PID|1", b"PID|2")


def test_delimiters_inside_multibyte_characters_are_not_delimiters() -> None:
    text = "MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||BIG-5\rPID|1||功x許\r"
    raw = text.encode("big5")
    assert b"\\" in raw.split(b"PID")[1]
    assert Message.parse(raw)["PID-3"] == "功x許"


def test_a_byte_order_mark_stands_before_the_setting() -> None:
    raw = "\ufeffMSH|^~\\&|é\r".encode()
    assert Message.parse(raw, encoding="iso-8859-1")["MSH-3"] == "é"


@pytest.mark.parametrize("name", [b"UNICODE UTF-16", b"UNICODE UTF-32"])
def test_utf_16_and_utf_32_are_refused_in_msh_18(name: bytes) -> None:
    with pytest.raises(CharsetError, match="UTF-16"):
        Message.parse(b"MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||%b\r" % name)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32-le", "utf-7", "cp037", "hex", "no-such", "punycode", ""])
def test_character_sets_in_which_ascii_is_not_ascii_are_refused(encoding: str) -> None:
    with pytest.raises(CharsetError):
        Message.parse(b"MSH|^~\\&|A\r", encoding=encoding)


def test_undecodable_bytes_are_named_by_place() -> None:
    raw = b"MSH|^~\\&|A\rPID|1||SECRET^\xe9\r"
    with pytest.raises(DecodeError) as raised:
        Message.parse(raw)
    assert str(raised.value) == "not utf-8 at byte 25, in segment 2 (PID), field 3"
    assert raised.value.__context__ is None


def test_text_is_taken_as_what_it_would_be_in_its_character_set() -> None:
    text = "MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||8859/1\rPID|1||é\r"
    assert Message.parse(text).raw == text.encode("iso8859-1")
    assert Message.parse("\ufeffMSH|^~\\&|é\r").raw == "MSH|^~\\&|é\r".encode()
    with pytest.raises(DecodeError):
        Message.parse(text.replace("é", "Ω"))
    with pytest.raises(DecodeError):
        Message.parse("MSH|^~\\&|\udc80\r")
    with pytest.raises(TypeError, match="not bytearray"):
        Message.parse(bytearray(b"MSH|^~\\&|A\r"))  # type: ignore[arg-type]


def test_a_message_is_not_iterated_over() -> None:
    message = Message.parse(ADT)
    with pytest.raises(TypeError, match="segments"):
        list(message)
