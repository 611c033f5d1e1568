"""Clauses: batches of messages, received as one."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.errors import StaleUnit, StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.contracts.units import DeadLetter, MarkAttempt, Resend, SweepRemoved, Unit
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import Feed, hand_off, receive, receive_batch, receive_once, refuse
from messagefoundry.testing.stores.subject import StoreClauses, StoreSubject


class BatchClauses(StoreClauses):
    """`ReceiveBatch`."""

    @clause
    def test_the_members_of_a_batch_are_messages(self, feed: Feed) -> None:
        """`ReceiveBatch`: its members wait in their flow, in order; refused ones are ERRORs; all name the batch."""
        first, bad, last = receive(raw=b"1"), refuse(raw=b"2"), receive(raw=b"3", depth=2)
        unit = feed.one(receive_batch(first, bad, last))
        assert feed.waiting() == [first.id, last.id]
        rows = {row.id: row for row in feed.reader.messages(MessageQuery(parent=unit.batch.id))}
        assert list(rows) == [last.id, bad.id, first.id]
        assert [rows[key].disposition for key in (first.id, bad.id, last.id)] == ["RECEIVED", "ERROR", "RECEIVED"]
        assert [feed.reader.body(key) for key in rows] == [b"3", b"2", b"1"]
        assert (rows[bad.id].refusal, rows[last.id].depth) == ("AE", 2)
        assert [row.parent_id for row in feed.flow().messages] == [unit.batch.id] * 2
        assert feed.words(bad.id) == ["refused"]
        assert feed.store.last_id() == feed.last

    @clause
    def test_a_batch_itself_is_done_at_once(self, feed: Feed) -> None:
        """`ReceiveBatch`: the batch is PROCESSED, in no flow, with its bytes, "received" and "split" on its trail."""
        unit = feed.one(receive_batch(receive(), refuse(), receive()))
        row = feed.message(unit.batch.id)
        assert (row.disposition, row.parent_id, row.has_dead, row.refusal) == ("PROCESSED", None, False, "")
        assert feed.reader.body(unit.batch.id) == b"BHS|the batch"
        assert feed.reader.work(unit.batch.id) == []
        _, event = feed.reader.trail(unit.batch.id)
        assert (event.id, event.kind, event.connection, event.detail) == (unit.id, "split", "IB", "3 messages")
        assert feed.reader.dispositions() == {"PROCESSED": 1, "RECEIVED": 2, "REFUSED": 1}
        assert feed.reader.trail(feed.one(receive_batch(receive())).batch.id)[1].detail == "1 message"
        assert feed.disposition(feed.one(receive_batch()).batch.id) == "PROCESSED"

    @clause
    def test_a_batch_comes_whole_or_not_at_all(self, subject: StoreSubject, feed: Feed) -> None:
        """A batch with a member that cannot be stored, and one that meets an outage, leaves nothing."""
        taken = feed.one(receive())
        unit = receive_batch(receive(bookmark="1"), receive(), refuse())
        unit.mint(feed.mint)
        unit.members[1].id = taken.id
        with pytest.raises(UnstorableUnit):
            feed.store.commit([unit])
        unit.members[1].id = feed.mint()
        with subject.outage(), pytest.raises(StoreUnavailable):
            feed.store.commit([unit])
        assert (feed.waiting(), feed.bookmark()) == ([taken.id], "")
        assert feed.reader.count_messages(MessageQuery()) == 1
        feed.store.commit([unit])
        assert feed.waiting() == [taken.id, unit.members[0].id, unit.members[1].id]
        assert feed.bookmark() == "1"

    @clause
    def test_members_may_have_come_before(self, feed: Feed) -> None:
        """A member that is a `ReceiveOnce` may repeat a message, one of its batch too; a `Refuse` counts repeats."""
        first, bad = feed.one(receive_once(1)), feed.one(refuse())
        once = [receive_once(1), receive_once(2), receive_once(2), receive_once(2, b"other")]
        unit = receive_batch(*once[:2], refuse(), *once[2:])
        feed.commit(unit)
        assert feed.reader.trail(unit.batch.id)[-1].detail == "5 messages, 2 of them repeats"
        assert [(member.repeat_of, member.reused) for member in once] == [
            (first.id, False),
            (None, False),
            (once[1].id, False),
            (None, True),
        ]
        assert feed.waiting() == [first.id, once[1].id, once[3].id]
        assert feed.message(bad.id).repeats == 1
        member, behind = receive_once(3), receive_once(3)
        feed.commit(receive_batch(member), behind)
        assert behind.repeat_of == member.id

    @clause
    def test_members_are_told_anew(self, feed: Feed) -> None:
        """What was filled into a member is that of the commit that succeeded, not of one before it that failed."""
        first, member = receive_once(), receive_once()
        unit = receive_batch(member)
        with pytest.raises(StaleUnit):
            feed.commit(first, unit, hand_off(424242))
        feed.store.commit([unit])
        assert (member.repeat_of, feed.waiting()) == (None, [member.id])

    @clause
    def test_a_batch_itself_is_never_run_again(self, feed: Feed) -> None:
        """Replays, resends, dead letters and sweeps pass over a batch; a run of it is stale. Its members are swept."""
        unit = feed.one(receive_batch(receive(), receive()))
        key = unit.batch.id
        assert feed.one(feed.replay(key)).count == 0
        assert feed.one(Resend([key], "alice", 50, "OB")).count == 0
        assert feed.one(DeadLetter(key, "alice", "why", 50)).count == 0
        assert feed.reader.removed([], [], []) == 2
        assert feed.one(SweepRemoved([], [], [], 50)).count == 2
        stale: list[Unit] = [hand_off(key), MarkAttempt(key)]
        for each in stale:
            with pytest.raises(StaleUnit):
                feed.commit(each)
        assert feed.disposition(key) == "PROCESSED"
        assert feed.words(key) == ["received", "split"]
        assert {row.disposition for row in feed.reader.messages(MessageQuery(parent=key))} == {"ERROR"}
