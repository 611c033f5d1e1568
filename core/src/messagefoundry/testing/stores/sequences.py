"""Clauses: any units in any order do what they do to the model, `MemoryStore`."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.stores import DeadQuery, MessageQuery, StoreLocation, WorkRow
from messagefoundry.contracts.units import (
    DeadLetter,
    Failed,
    HandOff,
    Replay,
    ReplayDead,
    Resend,
    Routing,
    StateWrite,
    SweepRemoved,
)
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.memory.store import MemoryStores
from messagefoundry.testing.stores.feed import Feed, dead, delivered, hand_off, receive, receive_batch, refuse, retry
from messagefoundry.testing.stores.subject import StoreClauses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from messagefoundry.contracts.units import Unit

STEPS = 41
LOOK_EVERY = 4
"""Steps from one comparison to the next."""
LANES = ("OB", "OTHER", "NEW")
KEYS = ("a", "b", "c")
EVERYTHING = 10_000


@dataclass
class Pair:
    """The store and the model, given the same units.

    Work is named by (message, stage, lane, Handler, which of them), for a store may mint ids in another order than the
    model where it mints them itself.
    """

    subject: Feed
    choice: random.Random
    model: Feed = field(default_factory=lambda: Feed(MemoryStores(), StoreLocation(path="model")))

    def commit(self, make: Callable[[Feed], Sequence[Unit]]) -> None:
        """Give both the units that `make` makes for each."""
        self.subject.last = self.model.last = max(self.subject.last, self.model.last)
        told = [_told(feed, make(feed)) for feed in (self.subject, self.model)]
        assert told[0] == told[1]

    def messages(self, *dispositions: str) -> list[int]:
        """The ids of messages, of some dispositions or of all."""
        rows = self.model.reader.messages(MessageQuery(limit=EVERYTHING))
        return sorted(row.id for row in rows if not dispositions or row.disposition in dispositions)

    def names(self, *states: str, stage: str = "") -> list[Any]:
        """The names of pieces of work in some states."""
        named = work(self.model)
        return sorted(name for name, row in named.items() if row.state in states and stage in ("", row.stage))

    def some(self, things: Sequence[Any], most: int = 3) -> list[Any]:
        """A few of them."""
        return self.choice.sample(things, min(len(things), self.choice.randint(1, most)))


def work(feed: Feed) -> dict[Any, WorkRow]:
    """Every piece of work by its name."""
    found: dict[Any, WorkRow] = {}
    for message in feed.reader.messages(MessageQuery(limit=EVERYTHING)):
        for row in feed.reader.work(message.id):
            place = (row.message_id, row.stage, row.lane, row.handler)
            found[*place, sum(name[:4] == place for name in found)] = row
    return found


def _told(feed: Feed, units: Sequence[Unit]) -> list[Any]:
    """Commit, and give what the store filled in and is the same for every store."""
    feed.commit(*units)
    return [
        (getattr(unit, "count", 0), sorted(getattr(unit, "lanes", ())) if hasattr(unit, "count") else ())
        for unit in units
        if not isinstance(unit, SweepRemoved)
    ]


def seen(feed: Feed) -> list[object]:
    """All that can be looked up, without the ids that a store mints itself."""
    reader = feed.reader
    messages = reader.messages(MessageQuery(limit=EVERYTHING))
    return [
        messages,
        {name: replace(row, id=0) for name, row in work(feed).items()},
        {name: reader.body(row.id) for name, row in work(feed).items()},
        {row.id: sorted((event.kind, event.connection) for event in reader.trail(row.id)) for row in messages},
        [[(item.message_id, item.payload) for item in feed.lane(lane, limit=EVERYTHING).items] for lane in LANES],
        [(row.message_id, row.handler) for row in feed.flow(limit=EVERYTHING).messages],
        [[item.message_id for item in feed.lane(lane, limit=EVERYTHING, unordered=True).items] for lane in LANES],
        [
            (row.message_id, row.stage, row.lane, row.handler)
            for row in reader.dead_letters(DeadQuery(limit=EVERYTHING))
        ],
        reader.count_dead(DeadQuery()),
        reader.dispositions(),
        sorted((row.stage, row.connection, row.depth) for row in reader.backlogs()),
        reader.removed(["IB"], ["OB", "OTHER"], ["h", "h1"]),
        [reader.state("ns", key) for key in KEYS],
    ]


def step(pair: Pair) -> None:
    """One unit, or a few of a kind, chosen among those that have something to do."""
    choice, received = pair.choice, pair.messages("RECEIVED")
    waiting, dying = pair.names("waiting", stage="outbound"), pair.names("dead")
    ways: list[tuple[bool, Callable[[Feed], Sequence[Unit]]]] = []
    count, digest, seed = choice.randint(1, 3), choice.choice([b"1", b"2"]), choice.random()
    handed, settled, replayed = (pair.some(things) if things else [] for things in (received, waiting, pair.messages()))
    again, routed = (pair.some(things) if things else [] for things in (dying, pair.names("waiting", stage="routed")))
    to = choice.choice(["", *LANES])
    ways = [
        (True, lambda feed: [receive() for _ in range(count)]),
        (True, lambda feed: [receive_batch(*(receive() for _ in range(count)), refuse(digest=digest))]),
        (True, lambda feed: [refuse(digest=digest)]),
        (bool(handed), lambda feed: [_handed(key, seed) for key in handed]),
        (bool(routed), lambda feed: [_again(work(feed)[routed[0]], seed)]),
        (bool(settled), lambda feed: [_settled(work(feed)[name], seed) for name in settled]),
        (bool(replayed), lambda feed: [Replay(replayed, "alice", 1)]),
        (bool(again), lambda feed: [ReplayDead([work(feed)[name].id for name in again], "alice", 1)]),
        (bool(replayed), lambda feed: [Resend(replayed[:1], "alice", 1, to)]),
        (bool(replayed), lambda feed: [DeadLetter(replayed[0], "alice", "why", 1, to)]),
        (True, lambda feed: [SweepRemoved(["IB"], ["OB", "OTHER"], ["h", "h1"], 1)]),
    ]
    weights = [3, 1, 1, 6, 4, 6, 2, 3, 2, 2, 1]
    pair.commit(
        choice.choices(*zip(*[(way, w) for (use, way), w in zip(ways, weights, strict=True) if use], strict=True))[0]
    )


def _handed(message_id: int, seed: float) -> HandOff:
    choice = random.Random(seed)
    lanes = choice.choices(LANES[:2], k=choice.randint(0, 3))
    failed = [Failed(choice.choice(["routed", "ingress"]), "h1", "boom")] if choice.random() < 0.3 else []
    routing: Routing = choice.choice(["UNROUTED", "FILTERED", "PROCESSED"])
    unit = hand_off(message_id, *lanes, routing=routing, failed=failed, payload=b"%d" % message_id)
    if choice.random() < 0.2:
        unit.passed = [receive(parent=message_id, depth=1)]
    unit.states = [StateWrite("ns", key, str(choice.random())) for key in choice.choices(KEYS, k=choice.randint(0, 2))]
    unit.meta = {key: str(choice.random()) for key in choice.choices(KEYS, k=choice.randint(0, 2))}
    return unit


def _again(row: WorkRow, seed: float) -> HandOff:
    return replace(_handed(row.message_id, seed), routed_id=row.id)


def _settled(row: WorkRow, seed: float) -> Unit:
    choice = random.Random(seed * row.size)
    attempt = row.attempts + 1
    fate = choice.randrange(4)
    if fate == 0:
        return retry(row.id, row.message_id, 500, attempt, row.lane)
    if fate == 1:
        return dead(row.id, row.message_id, row.lane, attempt)
    answered = receive(parent=row.message_id, depth=2) if choice.random() < 0.2 else None
    return delivered(row.id, row.message_id, row.lane, attempt, answered)


class SequenceClauses(StoreClauses):
    """The model is `MemoryStore`: read it to see what a clause means."""

    @clause
    @pytest.mark.parametrize("seed", range(5))
    def test_any_sequence_of_units_does_what_the_model_does(self, feed: Feed, seed: int) -> None:
        """Any units in any order: the store and `MemoryStore` agree on everything that can be looked up."""
        pair = Pair(feed, random.Random(seed))
        for number in range(STEPS):
            step(pair)
            if number % LOOK_EVERY == 0:
                assert seen(pair.subject) == seen(pair.model), f"after step {number} of seed {seed}"
