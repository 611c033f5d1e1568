"""A partner that is away while thousands of messages arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from tests.acceptance.place import Place

MESSAGES = 3000
"""More than a window holds (1000), so that the lane spills and refills."""

MEGABYTE = 1 << 20

FEED = """
inbound("IB", MLLP(port={port}), router="all")
outbound("OB", MLLP(host="127.0.0.1", port={partner}), retry=RetryPolicy(backoff_seconds=0.1, max_backoff_seconds=0.2))

@router("all")
def all(msg):
    return "pass_on"

@handler("pass_on")
def pass_on(msg):
    return Send("OB", msg)
"""


def test_backlog_is_delivered_in_order_and_not_kept_in_memory(place: Place) -> None:
    (port,) = free_ports(1)
    place.configure(FEED, partner=port)
    with EngineProcess(place).ready() as engine:
        at_start = engine.peak_memory()
        journal = Sending(place.port, connections=16, window=4, count=MESSAGES).ended()
        assert len(accepted_ids(journal)) == MESSAGES, "a partner's outage refuses nothing"
        with_backlog = engine.peak_memory()
        with partner(port) as downstream:
            until(lambda: downstream.count() == MESSAGES, "the backlog arrives", within=60)
            until(engine.at_rest, "the last settlement is durable")
            drained = engine.peak_memory()
            until(engine.holds_nothing, "what is delivered is not in memory any more", within=5)
            assert engine.stop() == 0, engine.output
    records = records_of(place.database)
    assert records.in_commit_order(downstream.first_seen())
    assert records.delivered("OB") == set(records.control_ids) == accepted_ids(journal)
    assert downstream.arrivals.duplicates == 0
    print(
        f"peak memory {at_start // MEGABYTE} MB at the start, {with_backlog // MEGABYTE} with {MESSAGES} waiting, "
        f"{drained // MEGABYTE} in the end"
    )
    assert drained - at_start < 100 * MEGABYTE
