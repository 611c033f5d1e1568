"""What tells a message and its repeats from all others."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from messagefoundry.contracts.units import Receive, ReceiveOnce
from messagefoundry.message import HeaderError, peek
from messagefoundry.pipeline.dedupe import Repeats, digest_of, first_id
from messagefoundry.wiring.values import Dedupe
from tests.strategies.hl7 import anything, headed_messages, messages

if TYPE_CHECKING:
    from messagefoundry.message import Header
    from messagefoundry.pipeline.flow import Flow

RAW = b"MSH|^~\\&|APP|FAC|C|D|20260101120000||ADT^A01|77|P|2.5.1\rPID|1||A1^^^MRN|B^C|D\\F\\E\r"
RECEIVED_AT = 10**15


def of_inbound(name: str) -> Flow:
    return cast("Flow", SimpleNamespace(inbound=SimpleNamespace(name=name), repeats=0))


def once(raw: bytes, *, key: str = "MSH-10", inbound: str = "IB", window_seconds: float = 60) -> Receive:
    """The unit that receives a message."""
    dedupe = Dedupe(key=key, window_seconds=window_seconds)
    return Repeats(dedupe, of_inbound(inbound), no_note).once(received(raw, inbound), peek(raw))


def no_note(connection: str, kind: str, detail: str, *, alert: bool = False) -> None:
    """Nobody is told here."""


def received(raw: bytes, inbound: str = "IB") -> Receive:
    return Receive(inbound, raw, "hl7v2", "utf-8", "77", "ADT^A01", "10.0.0.1:5", RECEIVED_AT, 3, "mark", depth=2)


def marks(raw: bytes, **options: Any) -> tuple[int, bytes]:
    """Identity and digest."""
    unit = once(raw, **options)
    assert isinstance(unit, ReceiveOnce)
    return unit.identity, unit.digest


def header_of(raw: bytes) -> Header:
    """MSH; messages without one do not come this far."""
    try:
        return peek(raw)
    except HeaderError:
        assume(False)
        raise


def with_timestamp(raw: bytes, stamp: bytes) -> bytes:
    """The message with another MSH-7, written in bytes alone; without one, the message itself."""
    header = peek(raw)
    line, end = raw[header.start :], len(raw)
    for terminator in b"\r", b"\n":
        found = line.find(terminator)
        end = min(end, found) if found >= 0 else end
    fields = line[:end].split(header.separator)
    if len(fields) > 6:
        fields[6] = stamp
    return raw[: header.start] + header.separator.join(fields) + line[end:]


def test_the_unit_says_all_that_the_plain_one_does() -> None:
    unit = once(RAW, window_seconds=2.5)
    plain = received(RAW)
    assert isinstance(unit, ReceiveOnce)
    assert all(getattr(unit, each.name) == getattr(plain, each.name) for each in fields(Receive))
    assert unit.since == RECEIVED_AT - 2_500_000
    assert -(2**63) <= unit.identity < 2**63
    assert len(unit.digest) <= 32


def test_another_msh_7_is_the_same_message() -> None:
    assert marks(RAW) == marks(RAW.replace(b"20260101120000", b"20260101120001"))
    assert marks(RAW) == marks(RAW.replace(b"20260101120000", b""))


def test_what_stands_behind_msh_7_counts() -> None:
    carriage, line = b"MSH|^~\\&|A|B|C|D|1\rPID|1", b"MSH|^~\\&|A|B|C|D|2\nPID|1"
    assert digest_of(carriage, peek(carriage)) != digest_of(line, peek(line))


DIFFERENT = {
    "sending application": RAW.replace(b"APP", b"APQ"),
    "sending facility": RAW.replace(b"FAC", b"FAD"),
    "key": RAW.replace(b"|77|", b"|78|"),
    "what is nearly the same key": RAW.replace(b"|77|", b"|77 |"),
    "fields shifted": RAW.replace(b"|APP|FAC|", b"|APPFAC||"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_another_identity(what: str) -> None:
    identity, digest = marks(DIFFERENT[what])
    assert identity != marks(RAW)[0]
    assert digest != marks(RAW)[1]


@pytest.mark.parametrize("old", [b"|C|", b"|P|", b"D\\F", b"2.5.1", b"A1^^^MRN", b"\r", b"ADT^A01"])
def test_the_same_identity_with_other_content(old: bytes) -> None:
    identity, digest = marks(RAW.replace(old, old + b"#", 1) if old != b"\r" else RAW.replace(old, b"\r\n", 1))
    assert identity == marks(RAW)[0]
    assert digest != marks(RAW)[1]


def test_the_same_message_to_another_inbound() -> None:
    assert marks(RAW)[0] != marks(RAW, inbound="IB2")[0]
    assert marks(RAW, inbound="I")[0] != marks(RAW.replace(b"|APP|", b"|BAPP|"), inbound="I")[0]


@pytest.mark.parametrize("key", [b"", b'""', b"   "])
def test_an_empty_key_tells_nothing(key: bytes) -> None:
    assert type(once(RAW.replace(b"|77|", b"|" + key + b"|"))) is Receive


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("MSH-12", b"2.5.1", b"2.4"),
        ("MSH-9.2", b"A01", b"A04"),
        ("PID-3", b"MRN", b"SSN"),
        ("PID-3.1", b"A1", b"A2"),
        ("PID-5", b"\\F\\", b"\\S\\"),
    ],
)
def test_keys_of_the_authors_choice(key: str, old: bytes, new: bytes) -> None:
    assert marks(RAW, key=key)[0] == marks(RAW.replace(b"|77|", b"|78|"), key=key)[0]
    assert marks(RAW, key=key)[0] != marks(RAW.replace(old, new), key=key)[0]


@pytest.mark.parametrize("key", ["PID-2", "PID-30", "ZZZ-1", "PID-3.3.2", "MSH-18", "MSH-40"])
def test_a_key_that_is_not_there_tells_nothing(key: str) -> None:
    assert type(once(RAW, key=key)) is Receive


def test_a_key_in_a_message_that_cannot_be_read_tells_nothing() -> None:
    raw = RAW.replace(b"B^C", b"\xff")
    assert type(once(raw, key="PID-3")) is Receive
    assert type(once(raw)) is ReceiveOnce


def test_the_id_to_answer_with() -> None:
    plain = received(RAW)
    unit = once(RAW)
    assert isinstance(unit, ReceiveOnce)
    plain.id = unit.id = 9
    assert (first_id(plain), first_id(unit)) == (9, 9)
    unit.repeat_of = 4
    assert first_id(unit) == 4


stamps = st.text(st.sampled_from("0123456789+-. \x0bA\x00é"), max_size=20).map(str.encode)


@given(messages | headed_messages(), stamps)
def test_property_another_msh_7_changes_nothing(raw: bytes, stamp: bytes) -> None:
    header = header_of(raw)
    assume(header.separator not in stamp)
    other = with_timestamp(raw, stamp)
    assert digest_of(other, peek(other)) == digest_of(raw, header)


@given(messages | headed_messages(), st.data())
def test_property_any_other_byte_changes_the_digest(raw: bytes, data: st.DataObject) -> None:
    header = header_of(raw)
    position = data.draw(st.integers(0, len(raw) - 1))
    other = bytearray(raw)
    other[position] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[position]))
    changed = bytes(other)
    after = header_of(changed)
    if with_timestamp(changed, b"") == with_timestamp(raw, b""):
        return
    assert digest_of(changed, after) != digest_of(raw, header)


@given(anything, st.sampled_from(["MSH-10", "MSH-9.1", "PID-3", "MSH-2", "OBX-5.1.2"]))
def test_property_whatever_comes_can_be_told(raw: bytes, key: str) -> None:
    header_of(raw)
    first, second = once(raw, key=key), once(raw, key=key)
    assert type(first) is type(second)
    if isinstance(first, ReceiveOnce) and isinstance(second, ReceiveOnce):
        assert (first.identity, first.digest) == (second.identity, second.digest)
