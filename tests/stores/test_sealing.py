"""Everything that may hold a patient's data passes the cipher, bound to its own row."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.ciphers import PLAIN, Plaintext, UnreadableValue
from messagefoundry.contracts.units import DeadLetter, Failed, KeepReference, Replay, ReplayDead, Resend, StateWrite
from tests.stores.feed import Feed, dead, delivered, hand_off, refuse, retry

if TYPE_CHECKING:
    from pathlib import Path

_SECRET = b"SECRETNAME"
_MARK = b"\x7f"

SEALED = [
    ("body", "sealed"),
    ("work", "error"),
    ("event", "reply"),
    ("message", "refused_reason"),
    ("state", "sealed"),
    ("reference_set", "sealed"),
]


class Bound:
    """Seals by naming the row and turning the bits over: what is opened as another row's raises."""

    def seal(self, plain: bytes, kind: str, identity: int) -> bytes:
        return _MARK + f"{kind}:{identity}:".encode() + bytes(byte ^ 0xFF for byte in plain)

    def open(self, sealed: bytes, kind: str, identity: int) -> bytes:
        head = _MARK + f"{kind}:{identity}:".encode()
        if not sealed.startswith(head):
            raise UnreadableValue(f"{kind} {identity} was moved")
        return bytes(byte ^ 0xFF for byte in sealed[len(head) :])


@pytest.fixture
def sealed(tmp_path: Path) -> Feed:
    return Feed(tmp_path, cipher=Bound())


def _life(feed: Feed) -> None:
    """Every way by which a value comes into the store."""
    secret = _SECRET.decode()
    unit = refuse()
    unit.reason = secret
    feed.commit(unit)
    message_id, first, second = feed.handed_off("OB", "OTHER", payload=_SECRET)
    for failed in (retry(first, message_id, 5), dead(first, message_id)):
        failed.reply, failed.error = _SECRET, secret
        feed.commit(failed)
    settled = delivered(second, message_id, "OTHER")
    settled.reply = _SECRET
    feed.commit(settled)
    feed.commit(ReplayDead([first], "alice", 50))
    feed.commit(Resend([message_id], "alice", 50, "NEW"))
    feed.commit(DeadLetter(message_id, "alice", "why", 50))
    feed.commit(Replay([message_id], "alice", 50))
    states = [StateWrite("ns", secret, f'"{secret}"')]
    feed.commit(hand_off(message_id, failed=[Failed("routed", "h", secret)], states=states))
    feed.commit(KeepReference("npi", _SECRET, 50))


@pytest.mark.parametrize(("cipher", "mark"), [(Bound(), _MARK), (Plaintext(), PLAIN)])
def test_every_sealed_column_holds_an_envelope(tmp_path: Path, cipher: Bound, mark: bytes) -> None:
    feed = Feed(tmp_path, cipher=cipher)
    _life(feed)
    feed.close()
    connection = sqlite3.connect(feed.location.path)
    for table, column in SEALED:
        values = connection.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
        assert values, table
        assert {value[:1] for (value,) in values} == {mark}
    connection.close()


def test_an_envelope_cannot_be_moved(sealed: Feed) -> None:
    one, other = sealed.received(), sealed.received()
    sealed.store._cursor.execute(
        "UPDATE body SET sealed = (SELECT sealed FROM body WHERE id = ?) WHERE id = ?", (one, other)
    )
    with pytest.raises(UnreadableValue):
        sealed.reader.body(other)
    flow = sealed.flow()
    assert ([message.message_id for message in flow.messages], flow.unreadable) == ([one], [other])
    sealed.close()


def test_state_is_found_by_a_digest_alone(sealed: Feed) -> None:
    sealed.written({"12345678": "1"}, namespace="mrn")
    sealed.store._cursor.execute("SELECT namespace, digest, length(digest) FROM state")
    ((namespace, digest, length),) = sealed.store._cursor.fetchall()
    assert (namespace, length) == ("mrn", 32)
    assert b"12345678" not in digest
    sealed.store._cursor.execute("UPDATE state SET id = id + 1000")
    with pytest.raises(UnreadableValue):
        sealed.reader.state("mrn", "12345678")
    sealed.close()
