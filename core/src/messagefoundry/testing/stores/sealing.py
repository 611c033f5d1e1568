"""Clauses: everything that may hold a patient's data passes the cipher, bound to its own row."""

from __future__ import annotations

from collections import Counter

import pytest

from messagefoundry.contracts.ciphers import UnreadableValue
from messagefoundry.contracts.stores import DeadQuery
from messagefoundry.contracts.units import DeadLetter, Failed, KeepReference, Replay, ReplayDead, Resend, StateWrite
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import (
    Feed,
    dead,
    delivered,
    hand_off,
    receive,
    receive_batch,
    receive_once,
    refuse,
    retry,
)
from messagefoundry.testing.stores.subject import StoreClauses, StoreSubject

SECRET = b"SECRETNAME"


class Binding:
    """A cipher that turns the bits over and binds each value to its row; it counts what it sealed."""

    def __init__(self) -> None:
        self.sealed: Counter[tuple[str, bytes]] = Counter()

    def seal(self, plain: bytes, kind: str, identity: int) -> bytes:
        """The row's name, then every bit turned over."""
        self.sealed[kind, plain] += 1
        return _head(kind, identity) + bytes(byte ^ 0xFF for byte in plain)

    def open(self, sealed: bytes, kind: str, identity: int) -> bytes:
        """What was sealed for this row. Raises UnreadableValue for another's."""
        head = _head(kind, identity)
        if not sealed.startswith(head):
            raise UnreadableValue(f"{kind} {identity} was sealed as another row's")
        return bytes(byte ^ 0xFF for byte in sealed[len(head) :])


def _head(kind: str, identity: int) -> bytes:
    return b"\x7f" + f"{kind}:{identity}:".encode()


def live(feed: Feed) -> list[int]:
    """Bring the secret in on every way there is; the ids of the refused and of the accepted message."""
    secret = SECRET.decode()
    refused = refuse(raw=SECRET)
    refused.reason = secret
    feed.commit(refused)
    received = feed.one(receive(raw=SECRET))
    unit = feed.one(hand_off(received.id, "OB", "OTHER", payload=SECRET, passed=[receive("IB2", SECRET)]))
    first, second = (out.id for out in unit.outgoing)
    for failed in (retry(first, received.id, 5), dead(first, received.id)):
        failed.reply, failed.error = SECRET, secret
        feed.commit(failed)
    settled = delivered(second, received.id, "OTHER", reingressed=receive("IB2", SECRET))
    settled.reply = SECRET
    feed.commit(settled)
    once, whole = receive_once(inbound="IB2"), receive_batch(receive("IB2", SECRET), inbound="IB2")
    once.raw = whole.batch.raw = SECRET
    feed.commit(once)
    feed.commit(whole)
    feed.commit(hand_off(once.id, states=[StateWrite("ns", secret, f'"{secret}"')]))
    feed.commit(KeepReference("npi", SECRET, 40))
    feed.commit(ReplayDead([first], "alice", 50))
    feed.commit(Resend([received.id], "alice", 50, "NEW"))
    feed.commit(DeadLetter(received.id, "alice", "why", 50))
    feed.commit(Replay([received.id], "alice", 50))
    feed.commit(hand_off(received.id, failed=[Failed("routed", "h", secret)]))
    return [refused.id, received.id]


class Losing(Binding):
    """Has lost the keys of some rows."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: set[int] = set()

    def open(self, sealed: bytes, kind: str, identity: int) -> bytes:
        """What was sealed. Raises UnreadableValue for a row that is lost."""
        if identity in self.lost:
            raise UnreadableValue(f"{kind} {identity} cannot be opened")
        return super().open(sealed, kind, identity)


class SealingClauses(StoreClauses):
    """The cipher's seam."""

    @clause
    def test_content_is_sealed(self, subject: StoreSubject) -> None:
        """Bodies are sealed as "body", and so "reply", "error", "reason"; key and value as "state", and "reference"."""
        cipher = Binding()
        feed = Feed(subject.factory, subject.location, cipher)
        live(feed)
        feed.close()
        kinds = {kind for kind, plain in cipher.sealed if SECRET in plain}
        assert kinds == {"body", "reply", "error", "reason", "state", "reference"}

    @clause
    def test_nothing_of_the_content_lies_open(self, subject: StoreSubject) -> None:
        """What the database keeps holds no byte of content outside an envelope."""
        feed = Feed(subject.factory, subject.location, Binding())
        live(feed)
        feed.close()
        kept = subject.at_rest()
        assert b"C1" in kept, "at_rest() does not give what is stored: a control id lies open"
        assert SECRET not in kept

    @clause
    def test_what_was_sealed_is_opened_for_its_own_row(self, subject: StoreSubject) -> None:
        """Every value comes back, opened with the kind and the id of its own row, copies of payloads too."""
        feed = Feed(subject.factory, subject.location, Binding())
        refused, message_id = live(feed)
        reader = feed.reader
        assert reader.trail(refused)[0].detail == "AE 102 SECRETNAME"
        assert (reader.body(refused), reader.body(message_id)) == (SECRET, SECRET)
        outbound = [row for row in reader.work(message_id) if row.stage == "outbound"]
        assert [reader.body(row.id) for row in outbound] == [SECRET] * 4
        replies = [reader.reply(message_id, event.id) for event in reader.trail(message_id) if event.has_reply]
        assert replies == [SECRET] * 3
        assert [row.error for row in reader.dead_letters(DeadQuery(stage="routed"))] == ["SECRETNAME"]
        assert reader.state("ns", "SECRETNAME") == '"SECRETNAME"'
        reference = reader.reference("npi")
        assert reference is not None
        assert reference.content == SECRET
        feed.close()

    @clause
    def test_refills_open_what_was_sealed(self, subject: StoreSubject) -> None:
        """Refills give payloads and raw messages opened."""
        feed = Feed(subject.factory, subject.location, Binding())
        feed.handed_off("OB", payload=SECRET)
        feed.received(raw=SECRET)
        assert [item.payload for item in feed.lane().items] == [SECRET]
        assert [message.raw for message in feed.flow().messages] == [SECRET]
        feed.close()

    @clause
    def test_a_lane_passes_over_what_cannot_be_opened(self, subject: StoreSubject) -> None:
        """`RefillLane`: an item that cannot be opened is named in `unreadable`, stays waiting, and holds nothing up."""
        cipher = Losing()
        feed = Feed(subject.factory, subject.location, cipher)
        (_, first), (lost_message, lost), (_, last) = (feed.handed_off("OB") for _ in range(3))
        cipher.lost.add(lost)
        lane = feed.lane()
        assert ([item.id for item in lane.items], lane.complete, lane.last) == ([first, last], True, last)
        assert (lane.unreadable, lane.unreadable_messages) == ([lost], [lost_message])
        assert feed.states(lost_message) == {lost: "waiting"}
        feed.close()

    @clause
    def test_a_flow_passes_over_what_cannot_be_opened(self, subject: StoreSubject) -> None:
        """`RefillFlow`: a message that cannot be opened is named in `unreadable`, and holds nothing up."""
        cipher = Losing()
        feed = Feed(subject.factory, subject.location, cipher)
        first, lost, last = feed.received(), feed.received(), feed.received()
        cipher.lost.add(lost)
        flow = feed.flow()
        assert ([row.message_id for row in flow.messages], flow.complete, flow.last) == ([first, last], True, last)
        assert (flow.unreadable, flow.unreadable_messages) == ([lost], [lost])
        assert feed.disposition(lost) == "RECEIVED"
        feed.close()

    @clause
    def test_a_payload_that_cannot_be_opened_is_not_queued_again(self, subject: StoreSubject) -> None:
        """`Resend` and `ReplayDead` of a payload that cannot be opened raise UnreadableValue; nothing is applied."""
        cipher = Losing()
        feed = Feed(subject.factory, subject.location, cipher)
        message_id, item = feed.handed_off("OB")
        feed.commit(dead(item, message_id))
        cipher.lost.add(item)
        for unit in (Resend([message_id], "alice", 60), ReplayDead([item], "alice", 60)):
            with pytest.raises(UnreadableValue):
                feed.commit(unit)
        cipher.lost.clear()
        assert (feed.states(message_id), feed.items()) == ({item: "dead"}, [])
        feed.close()
