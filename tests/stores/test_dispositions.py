"""The finalizer's truth table, every row of it, and any sequence of units against a model."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from messagefoundry.contracts.errors import StaleUnit
from messagefoundry.contracts.stores import DeadQuery, MessageQuery
from messagefoundry.contracts.units import DeadLetter, Failed, Replay, ReplayDead, Resend, Routing, SweepRemoved
from tests.stores.feed import Feed, dead, delivered, hand_off, receive, refuse, retry
from tests.stores.model import Message, Model

_ROUTINGS: tuple[Routing, ...] = ("UNROUTED", "FILTERED", "PROCESSED")
_FATES = ("waiting", "delivered", "dead", "replayed", "done")


@pytest.mark.parametrize("routing", [*_ROUTINGS, None, "REFUSED"])
def test_the_truth_table(feed: Feed, routing: str | None) -> None:
    """All combinations of the states of a message's work, up to three rows of it."""
    for size in range(4):
        for fates in itertools.combinations_with_replacement(_FATES, size):
            assert _finalized(feed, routing, fates) == _expected(routing, fates), fates


def _finalized(feed: Feed, routing: str | None, fates: tuple[str, ...]) -> str:
    """The disposition after a unit that changes nothing else in the table: a `routed` row of the message is done."""
    execute = feed.store._cursor.execute
    message_id = feed.received()
    unit = feed.one(hand_off(message_id, *["OB"] * len(fates), failed=[Failed("routed", "h", "boom")]))
    again = feed.one(ReplayDead([unit.failed[0].id], "alice", 1)).ids[0]
    for out, fate in zip(unit.outgoing, fates, strict=True):
        execute("UPDATE work SET state = ? WHERE id = ?", (fate, out.id))
    column, value = ("refusal", "AE") if routing == "REFUSED" else ("routing", routing)
    execute(f"UPDATE message SET disposition = 'none', {column} = ? WHERE id = ?", (value, message_id))
    feed.commit(hand_off(message_id, routed_id=again, routing="FILTERED"))
    return feed.disposition(message_id)


def _expected(routing: str | None, fates: tuple[str, ...]) -> str:
    if routing == "REFUSED":
        return "ERROR"
    if routing is None:
        return "RECEIVED"
    if "waiting" in fates:
        return "ROUTED"
    return "ERROR" if "dead" in fates else routing


_LANES = ("OB", "OTHER")
_to = st.sampled_from(("", *_LANES, "NEW"))
_outgoing = st.lists(st.sampled_from(_LANES), max_size=3)
_failed = st.lists(st.sampled_from(("h1", "h2")), max_size=1)
_pick = st.integers(0, 10_000)


class Sequences(RuleBasedStateMachine):
    """Any units in any order: the store and the model agree on everything that can be looked up."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.feed = Feed(Path(self.folder.name))
        self.model = Model()

    def teardown(self) -> None:
        self.feed.close()
        self.folder.cleanup()

    @rule(count=st.integers(1, 4))
    def receive(self, count: int) -> None:
        units = [receive() for _ in range(count)]
        self.feed.commit(*units)
        for unit in units:
            self.model.messages[unit.id] = Message(unit.id, unit.id)

    @rule(digest=st.sampled_from((b"1", b"2")))
    def refuse(self, digest: bytes) -> None:
        unit = self.feed.one(refuse(digest=digest))
        known = [message for message in self.model.messages.values() if message.digest == digest]
        if known:
            known[0].repeats += 1
        else:
            self.model.messages[unit.id] = Message(unit.id, unit.id, refused=True, digest=digest)

    @precondition(lambda self: self.model.unrouted())
    @rule(pick=_pick, lanes=_outgoing, failed=_failed, routing=st.sampled_from(_ROUTINGS), more=st.booleans())
    def hand_off(self, pick: int, lanes: list[str], failed: list[str], routing: Routing, more: bool) -> None:
        unrouted = self.model.unrouted()
        keys = [unrouted[pick % len(unrouted)]]
        if more:
            keys = unrouted
        units = [
            hand_off(key, *lanes, routing=routing, failed=[Failed("routed", name, "boom") for name in failed])
            for key in keys
        ]
        self.feed.commit(*units)
        for unit in units:
            self.model.hand_off(unit)

    @precondition(lambda self: self.model.unrouted())
    @rule(pick=_pick)
    def fail_at_ingress(self, pick: int) -> None:
        unrouted = self.model.unrouted()
        failed = [Failed("ingress", "", "boom")]
        unit = self.feed.one(hand_off(unrouted[pick % len(unrouted)], routing="UNROUTED", failed=failed))
        self.model.hand_off(unit)

    @precondition(lambda self: self.model.waiting("routed"))
    @rule(pick=_pick, lanes=_outgoing, failed=_failed, routing=st.sampled_from(("FILTERED", "PROCESSED")))
    def hand_off_again(self, pick: int, lanes: list[str], failed: list[str], routing: Routing) -> None:
        waiting = self.model.waiting("routed")
        row = waiting[pick % len(waiting)]
        dead_rows = [Failed("routed", name, "boom") for name in failed]
        unit = hand_off(row.message_id, *lanes, routing=routing, failed=dead_rows, routed_id=row.id)
        self.feed.commit(unit)
        self.model.hand_off(unit)

    @precondition(lambda self: self.model.waiting("outbound"))
    @rule(pick=_pick, fate=st.sampled_from(("delivered", "dead", "waiting")), more=st.booleans())
    def settle(self, pick: int, fate: Literal["delivered", "dead", "waiting"], more: bool) -> None:
        waiting = self.model.waiting("outbound")
        rows = waiting if more else [waiting[pick % len(waiting)]]
        make = {"delivered": delivered, "dead": dead}
        self.feed.commit(
            *(
                make[fate](row.id, row.message_id, row.lane, row.attempts + 1)
                if fate in make
                else retry(row.id, row.message_id, 500 + row.id, row.attempts + 1, row.lane)
                for row in rows
            )
        )
        for row in rows:
            row.state, row.attempts = fate, row.attempts + 1

    @precondition(lambda self: any(row.state != "waiting" for row in self.model.work.values()))
    @rule(pick=_pick)
    def settle_what_does_not_wait(self, pick: int) -> None:
        rows = [row for row in self.model.work.values() if row.state != "waiting"]
        row = rows[pick % len(rows)]
        with pytest.raises(StaleUnit):
            self.feed.commit(receive(), delivered(row.id, row.message_id))

    @precondition(lambda self: self.model.messages)
    @rule(picks=st.lists(_pick, min_size=1, max_size=3))
    def replay(self, picks: list[int]) -> None:
        keys = [list(self.model.messages)[pick % len(self.model.messages)] for pick in picks]
        unit = self.feed.one(Replay(keys, "alice", 1))
        count, superseded = 0, []
        for key, new_id in zip(keys, unit.ids, strict=True):
            if key in self.model.routed():
                superseded += self.model.of(key, "waiting")
                for row in self.model.of(key, "waiting", "dead"):
                    row.state = "replayed"
                self.model.replay(key, new_id)
                count += 1
        assert (unit.count, unit.work_ids) == (count, [row.id for row in superseded])
        assert unit.lanes == {row.lane for row in superseded if row.lane}

    @precondition(lambda self: self.model.work)
    @rule(picks=st.lists(_pick, min_size=1, max_size=3))
    def replay_dead(self, picks: list[int]) -> None:
        keys = [list(self.model.work)[pick % len(self.model.work)] for pick in picks]
        unit = self.feed.one(ReplayDead(keys, "alice", 1))
        count = 0
        for key, new_id in zip(keys, unit.ids, strict=True):
            if self.model.work[key].state == "dead":
                self.model.replay_dead(self.model.work[key], new_id)
                count += 1
        assert unit.count == count

    @precondition(lambda self: self.model.messages)
    @rule(pick=_pick, to=_to)
    def resend(self, pick: int, to: str) -> None:
        key = list(self.model.messages)[pick % len(self.model.messages)]
        first_id = self.feed.last + 1
        unit = self.feed.one(Resend([key], "alice", 1, to))
        assert unit.count == self.model.resend(key, to, first_id)

    @precondition(lambda self: self.model.messages)
    @rule(pick=_pick, to=_to)
    def dead_letter(self, pick: int, to: str) -> None:
        key = list(self.model.messages)[pick % len(self.model.messages)]
        unit = self.feed.one(DeadLetter(key, "alice", "why", 1, to))
        assert sorted(unit.work_ids) == self.model.kill(key, to, unit.work_ids)

    @rule()
    def sweep(self) -> None:
        keys = self.model.lane("NEW")
        assert self.feed.reader.removed(["IB"], _LANES, ["h", "h1", "h2"]) == len(keys)
        unit = self.feed.one(SweepRemoved(["IB"], _LANES, ["h", "h1", "h2"], 1))
        assert unit.count == len(keys)
        for key in keys:
            self.model.work[key].state = "dead"

    @invariant()
    def dispositions_agree(self) -> None:
        rows = self.feed.reader.messages(MessageQuery(limit=10_000))
        expected = {
            key: (self.model.disposition(key), bool(self.model.of(key, "dead")), message.repeats)
            for key, message in self.model.messages.items()
        }
        assert {row.id: (row.disposition, row.has_dead, row.repeats) for row in rows} == expected

    @invariant()
    def work_agrees(self) -> None:
        rows = [row for key in self.model.messages for row in self.feed.reader.work(key)]
        found = {row.id: (row.message_id, row.stage, row.lane, row.state, row.attempts) for row in rows}
        assert found == {
            row.id: (row.message_id, row.stage, row.lane, row.state, row.attempts) for row in self.model.work.values()
        }

    @invariant()
    def queues_agree(self) -> None:
        for lane in (*_LANES, "NEW"):
            refill = self.feed.lane(lane, limit=10_000)
            assert [item.id for item in refill.items] == self.model.lane(lane)
            assert refill.complete
            unordered = self.feed.lane(lane, limit=10_000, unordered=True, now=10**9)
            assert sorted(item.id for item in unordered.items) == self.model.lane(lane)
        assert [message.order for message in self.feed.flow(limit=10_000).messages] == self.model.flow()
        assert sum(backlog.depth for backlog in self.feed.reader.backlogs()) == self.model.depth()

    @invariant()
    def dead_letters_agree(self) -> None:
        rows = self.feed.reader.dead_letters(DeadQuery(limit=10_000))
        assert [row.id for row in rows] == sorted(row.id for row in self.model.work.values() if row.state == "dead")
        assert self.feed.reader.count_dead(DeadQuery()) == len(rows)

    @invariant()
    def ids_agree(self) -> None:
        assert self.feed.store.last_id() <= self.feed.last
        assert self.feed.store.last_id() >= max([*self.model.messages, *self.model.work], default=0)


TestSequences = Sequences.TestCase
TestSequences.settings = settings(
    max_examples=40, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
