"""Repeats and state in batches of any shape: as the model has it, whatever is committed together."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from messagefoundry.contracts.stores import MessageQuery, StoreLocation
from messagefoundry.contracts.units import Failed, HandOff, Receive, ReceiveOnce, StateWrite, Unit
from messagefoundry.testing import MemoryStores
from messagefoundry.testing.stores import feed as kit
from messagefoundry.testing.stores.feed import receive, receive_once
from tests.stores.feed import Feed, hand_off

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEYS = ("a", "b", "c")


@dataclass(frozen=True)
class Comes:
    """A message that may have come before, within so many ids, or one that comes plainly."""

    identity: int
    digest: bytes
    within: int
    plain: bool

    def unit(self, last: int) -> Receive:
        since, bookmark = max(0, last - self.within), f"{last}.{self.identity}"
        once = receive_once(self.identity, self.digest, since, bookmark=bookmark)
        return receive(bookmark=f"{bookmark} plain") if self.plain else once


@dataclass(frozen=True)
class Ends:
    """One of the messages that wait is handed off, and writes state."""

    place: int
    fails: bool
    writes: tuple[tuple[str, int], ...]

    def unit(self, message_id: int) -> HandOff:
        failed = [Failed("routed", "h", "boom")] if self.fails else []
        return hand_off(message_id, failed=failed, states=[StateWrite("ns", key, str(n)) for key, n in self.writes])


coming = st.builds(
    Comes, st.integers(0, 2), st.sampled_from([b"x", b"y"]), st.sampled_from([0, 5, 1000]), st.booleans()
)
ending = st.builds(
    Ends, st.integers(0, 5), st.booleans(), st.tuples(*[st.tuples(st.sampled_from(KEYS), st.integers(0, 99))] * 2)
)
batches = st.lists(st.lists(coming | ending, min_size=1, max_size=6), max_size=8)


@contextmanager
def both() -> Iterator[tuple[Feed, kit.Feed]]:
    with tempfile.TemporaryDirectory() as folder:
        feed = Feed(Path(folder))
        yield feed, kit.Feed(MemoryStores(), StoreLocation(path="model"))
        feed.close()


def units_of(feed: kit.Feed, batch: Sequence[Comes | Ends]) -> list[Unit]:
    """Units with their ids; no two of them for one message."""
    waiting = feed.waiting()
    units: list[Unit] = []
    for step in batch:
        if isinstance(step, Comes):
            units.append(step.unit(feed.last))
        elif waiting:
            units.append(step.unit(waiting.pop(step.place % len(waiting))))
    for unit in units:
        unit.mint(feed.mint)
    return units


def looked_up(feed: kit.Feed) -> list[object]:
    rows = feed.reader.messages(MessageQuery(limit=1000))
    trails = [sorted(event.id for event in feed.reader.trail(row.id)) for row in rows]
    return [rows, trails, feed.waiting(), feed.bookmark(), [feed.reader.state("ns", key) for key in KEYS]]


def told(units: Sequence[Unit]) -> dict[int, tuple[int | None, bool]]:
    return {unit.id: (unit.repeat_of, unit.reused) for unit in units if isinstance(unit, ReceiveOnce)}


@settings(max_examples=30, deadline=None)
@given(batches=batches)
def test_a_batch_does_what_its_units_do_one_by_one(batches: list[list[Comes | Ends]]) -> None:
    """Those received once come first in a batch: what becomes of others in it nobody knows yet."""
    with both() as (feed, model):
        for batch in batches:
            feed.last = model.last = max(feed.last, model.last)
            units, same = units_of(feed, batch), units_of(model, batch)
            feed.store.commit(units)
            for unit in in_turn(same):
                model.store.commit([unit])
            assert told(units) == told(same)
            assert looked_up(feed) == looked_up(model)
        assert feed.store.last_id() == model.store.last_id()


def in_turn(units: Sequence[Unit]) -> list[Unit]:
    """As they take effect: the last bookmark counts, whatever comes first."""
    for unit in [unit for unit in units if isinstance(unit, Receive)][:-1]:
        unit.bookmark = ""
    return sorted(units, key=lambda unit: not isinstance(unit, ReceiveOnce))


@settings(max_examples=15, deadline=None)
@given(batches=batches)
def test_units_committed_one_by_one_do_what_the_model_does(batches: list[list[Comes | Ends]]) -> None:
    with both() as (feed, model):
        for step in (step for batch in batches for step in batch):
            feed.last = model.last = max(feed.last, model.last)
            for each in (feed, model):
                units = units_of(each, [step])
                each.store.commit(units)
            assert looked_up(feed) == looked_up(model)
