"""Bodies that are not HL7 v2."""

import pytest

from messagefoundry.message import BodyError, CharsetError, EncodeError, RawMessage


def test_bytes_and_text() -> None:
    message = RawMessage(b"\xef\xbb\xbfa\xc3\xa9")
    assert message.raw == message.raw_bytes() == message.encode_bytes() == b"\xef\xbb\xbfa\xc3\xa9"
    assert message.text() == message.encode() == "aé"
    assert message.copy().raw == message.raw
    assert not message.edited
    assert RawMessage("é", encoding="latin-1").raw == b"\xe9"
    assert RawMessage.parse(b"\xe9", encoding="latin-1").text() == "é"


def test_what_cannot_be_text() -> None:
    with pytest.raises(BodyError, match="not utf-8 at byte 6") as raised:
        RawMessage(b"SECRET\xff").text()
    assert raised.value.__context__ is None
    with pytest.raises(EncodeError, match="character 2"):
        RawMessage("aé", encoding="ascii")
    with pytest.raises(CharsetError):
        RawMessage(b"", encoding="utf-16")


def test_json() -> None:
    assert RawMessage('\ufeff{"a": [1, "é"]}').json() == {"a": [1, "é"]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"SECRET": }', "line 1, column 12"),
        (b"", "line 1"),
        (b"[" * 200_000, "too deeply"),
        (b"1" * 5000, "too long"),
        (b'"\xff"', "not utf-8"),
    ],
)
def test_what_is_not_json(body: bytes, says: str) -> None:
    with pytest.raises(BodyError, match=says) as raised:
        RawMessage(body).json()
    assert "SECRET" not in str(raised.value)
    assert raised.value.__context__ is None


def test_xml() -> None:
    root = RawMessage(b'<?xml version="1.0" encoding="iso-8859-1"?><a xmlns="urn:x"><b c="1">\xe9&amp;</b></a>').xml()
    assert root.tag == "{urn:x}a"
    assert root[0].text == "é&"
    assert RawMessage('<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>').xml().text == "é"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<a><SECRET></a>", "line 1, column 13"),
        (b"", "not XML"),
        (b"<a/><b/>", "line 1"),
        (b"<!DOCTYPE a><a/>", "document type"),
        (b'<!DOCTYPE a [<!ENTITY b "SECRET">]><a>&b;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b"<a>&SECRET;</a>", "not XML"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "not XML"),
    ],
)
def test_what_is_not_xml_or_refused(body: bytes, says: str) -> None:
    with pytest.raises(BodyError, match=says) as raised:
        RawMessage(body).xml()
    assert "SECRET" not in str(raised.value)
    assert raised.value.__context__ is None


def test_nothing_of_a_body_shows() -> None:
    assert repr(RawMessage(b"SECRET")) == str(RawMessage(b"SECRET")) == "<RawMessage of 6 bytes>"
