"""What is built in and handles values keeps its clauses: codecs, the logging sink, the plain cipher."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest

from messagefoundry.alerts.logging_sink import LoggingSink, log
from messagefoundry.codecs import hl7v2, raw
from messagefoundry.contracts.ciphers import Plaintext, UnreadableValue
from messagefoundry.testing import (
    AlertSinkConformance,
    AlertSinkSubject,
    CipherConformance,
    CipherSubject,
    CodecConformance,
    CodecSubject,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from messagefoundry.message import Message

ADT = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|C1|P|2.5.1\rPID|1||77||SECRETNAME\r"


class Hl7v2(CodecSubject):
    codec = hl7v2.HL7V2
    good = (ADT, ADT.replace(b"\r", b"\r\n"), ADT.replace(b"|2.5.1", b"|2.3||||||8859/1").replace(b"77", b"M\xfcller"))
    bad = (b"", b"SECRETNAME", ADT.replace(b"77", b"\xff"), ADT + ADT, b"BHS|^~\\&|A\r" + ADT)
    answers = True

    def edit(self, message: Message) -> None:
        message["PID-3"] = "changed"


class Json(CodecSubject):
    codec = raw.JSON
    good = (b'{"name": "SECRETNAME"}', b'["SECRETNAME", 1.50]')
    bad = (b"{SECRETNAME}", b"\xff", b"")


class Xml(CodecSubject):
    codec = raw.XML
    good = (b"<name>SECRETNAME</name>", b'<?xml version="1.0"?>\n<a b="SECRETNAME"/>\n')
    bad = (b"<SECRETNAME>", b'<!DOCTYPE a [<!ENTITY b "SECRETNAME">]><a>&b;</a>', b"")


class Text(CodecSubject):
    codec = raw.TEXT
    good = ("SECRETNAME für".encode(), b"SECRETNAME")
    bad = (b"SECRETNAME\xff",)


class Binary(CodecSubject):
    codec = raw.BINARY
    good = (b"SECRETNAME\xff\x00",)


class TestHl7v2(CodecConformance):
    @pytest.fixture
    def subject(self) -> Hl7v2:
        return Hl7v2()


class TestJson(CodecConformance):
    @pytest.fixture
    def subject(self) -> Json:
        return Json()


class TestXml(CodecConformance):
    @pytest.fixture
    def subject(self) -> Xml:
        return Xml()


class TestText(CodecConformance):
    @pytest.fixture
    def subject(self) -> Text:
        return Text()


class TestBinary(CodecConformance):
    @pytest.fixture
    def subject(self) -> Binary:
        return Binary()


class Log(AlertSinkSubject, logging.Handler):
    """The log is the place, and is always there."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def sink(self) -> LoggingSink:
        return LoggingSink()

    async def arrived(self) -> list[str]:
        return self._lines

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        raise NotImplementedError
        yield


class TestLoggingSink(AlertSinkConformance):
    not_applicable: ClassVar = {
        "test_lets_itself_be_cancelled": "the log of the process is always there and never waits",
        "test_sends_again_after_a_failure": "the log of the process is always there and never waits",
    }

    @pytest.fixture
    def subject(self) -> Iterator[Log]:
        place = Log()
        log.addHandler(place)
        yield place
        log.removeHandler(place)


class Open(CipherSubject):
    def cipher(self) -> Plaintext:
        return Plaintext()

    def stranger(self) -> Plaintext:
        return Plaintext()


_NOT_ENCRYPTED = "the plain form does not encrypt"


class TestPlaintext(CipherConformance):
    not_applicable: ClassVar = {
        "test_nothing_lies_open": _NOT_ENCRYPTED,
        "test_no_two_envelopes_are_alike": _NOT_ENCRYPTED,
        "test_an_envelope_belongs_to_its_row": _NOT_ENCRYPTED,
        "test_a_changed_envelope_is_not_opened": _NOT_ENCRYPTED,
        "test_a_cut_envelope_is_not_opened": _NOT_ENCRYPTED,
        "test_another_key_opens_nothing": _NOT_ENCRYPTED,
    }

    @pytest.fixture
    def subject(self) -> Open:
        return Open()


class Toy:
    """Encrypts and authenticates with nothing but SHA-256; for tests of the kit, never for patients."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, plain: bytes, kind: str, identity: int) -> bytes:
        nonce = secrets.token_bytes(16)
        content = b"\x01" + nonce + self._mixed(plain, nonce)
        return content + self._tag(content, kind, identity)

    def open(self, sealed: bytes, kind: str, identity: int) -> bytes:
        content, tag = sealed[:-32], sealed[-32:]
        if len(content) < 17 or not hmac.compare_digest(tag, self._tag(content, kind, identity)):
            raise UnreadableValue(f"{kind} {identity} cannot be opened with the key that is configured")
        return self._mixed(content[17:], content[1:17])

    def _mixed(self, text: bytes, nonce: bytes) -> bytes:
        stream = hashlib.shake_256(self._key + nonce).digest(len(text))
        mixed = int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")
        return mixed.to_bytes(len(text), "big")

    def _tag(self, content: bytes, kind: str, identity: int) -> bytes:
        return hmac.digest(self._key, f"{kind} {identity} ".encode() + content, "sha256")


class Encrypting(CipherSubject):
    def cipher(self) -> Toy:
        return Toy(b"key")

    def stranger(self) -> Toy:
        return Toy(b"another")


class TestEncrypting(CipherConformance):
    """Every clause can be kept."""

    @pytest.fixture
    def subject(self) -> Encrypting:
        return Encrypting()
