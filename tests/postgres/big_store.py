"""A big store in which everything occurs that an engine writes, so that a planner has something to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.contracts.units import KeepReference, MarkAttempt, NoteConnection, ReplayDead
from messagefoundry.testing.stores.feed import Feed, dead, delivered, hand_off, receive, receive_once, refuse, retry
from messagefoundry_postgres.factory import POSTGRES
from tests.postgres.multiplying import multiply

if TYPE_CHECKING:
    from messagefoundry.contracts.stores import StoreLocation

LATE = 10**15
"""The ids of the sample: those of the copies are below, and above 0."""

SAMPLE = 1000
ORDINARY = SAMPLE - 12
"""Messages of the sample that were delivered, all with a label. Of dead letters there are few: where one message in a
hundred is dead, PostgreSQL is right to look at all messages for the types of the dead ones."""


def fill(location: StoreLocation, messages: int) -> int:
    """Make a store of at least so many messages, most of them PROCESSED; returns how many there are."""
    feed = Feed(POSTGRES, location, last=LATE)
    try:
        _sample(feed)
    finally:
        feed.close()
    return multiply(location, -(-messages // SAMPLE) - 1)


def _sample(feed: Feed) -> None:
    """Of each unusual kind one."""
    received = [receive() for _ in range(ORDINARY)]
    feed.commit(*received)
    handed = [hand_off(unit.id, "OB", meta={"site": "B"}) for unit in received]
    feed.commit(*handed)
    feed.commit(*(delivered(unit.outgoing[0].id, unit.message_id) for unit in handed))
    feed.commit(refuse(), receive_once())
    feed.commit(receive(parent=received[0].id))
    feed.labelled(site="A", kind="x")
    feed.written({"k": "1"})
    feed.commit(KeepReference("npi", b"", 1))
    for routing in ("FILTERED", "UNROUTED"):
        feed.commit(hand_off(feed.received(), routing=routing))
    feed.handed_off("OB")  # waits to be delivered
    message_id, item = feed.handed_off("OTHER")
    feed.commit(retry(item, message_id, due=LATE))
    message_id, item = feed.handed_off("OB")
    feed.commit(dead(item, message_id))
    _, work_id = feed.failed()
    feed.commit(ReplayDead([work_id], "alice", 60))
    feed.commit(MarkAttempt(feed.received()))  # waits to be routed
    feed.commit(*(NoteConnection(name, "started", "", 10) for name in ("IB", "OB", "OTHER")))
