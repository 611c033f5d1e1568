"""The finalizer's truth table, every row of it. Sequences of units are in tests/fuzz/test_stores.py."""

from __future__ import annotations

import itertools

import pytest

from messagefoundry.contracts.units import Failed, ReplayDead, Routing
from tests.stores.feed import Feed, hand_off

_ROUTINGS: tuple[Routing, ...] = ("UNROUTED", "FILTERED", "PROCESSED")
_BATCH = "SPLIT"
_FATES = ("waiting", "delivered", "dead", "replayed", "done")


@pytest.mark.parametrize("routing", [*_ROUTINGS, _BATCH, None, "REFUSED"])
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
    if "dead" in fates:
        return "ERROR"
    return "PROCESSED" if routing == _BATCH else routing
