"""A disk that fills: intake says so in time, lanes go on as long as they can, and everything goes on by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.engine.disk import LOW_WATER_BYTES
from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.fault_disk import MEBIBYTE, DiskPlace, SmallDisk, small_disk
from tests.acceptance.fault_feeds import ONE_LANE, answer, is_healthy
from tests.acceptance.partner import Partner, partner
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.place import Place

ENOUGH = LOW_WATER_BYTES + 64 * MEBIBYTE
LOW = LOW_WATER_BYTES - 64 * MEBIBYTE
UNSETTLED = 4
SETTINGS = f"[pipeline]\nunsettled = {UNSETTLED}\n"
BACKLOG = 2000


@pytest.fixture
def disk(place: Place) -> Iterator[SmallDisk]:
    """A disk with enough space."""
    with small_disk(place.directory / "disk", ENOUGH) as mounted:
        yield mounted


@pytest.fixture
def on_disk(place: Place, disk: SmallDisk) -> DiskPlace:
    """A place with its store there."""
    return DiskPlace(place.directory, place.port, place.api_port, disk.path)


def test_below_the_mark_nothing_is_accepted_while_lanes_go_on(on_disk: DiskPlace, disk: SmallDisk) -> None:
    (port,) = free_ports(1)
    on_disk.configure(ONE_LANE, partner=port, receive_timeout=60)
    with EngineProcess(on_disk).ready() as engine:
        journal = Sending(on_disk.port, count=200).ended()
        disk.leave(LOW)
        until(lambda: "disk low" in engine.output, "the engine notices")
        code, raw = answer(on_disk.port, "REFUSED")
        with partner(port) as downstream:
            until(lambda: downstream.count() == 200, "the lane goes on")
            until(engine.at_rest, "and settles")
            assert "disk recovered" not in engine.output
            disk.leave(ENOUGH)
            until(lambda: "disk recovered" in engine.output, "the engine notices that too")
            assert answer(on_disk.port, "WELCOME")[0] == "AA"
            until(engine.at_rest, "all is delivered")
            assert engine.stop() == 0, engine.output
    assert code == "AE"
    assert b"207" in raw
    assert "ALERT disk low store: " in engine.output
    records = records_of(on_disk.database)
    assert set(records.control_ids) == accepted_ids(journal) | {"WELCOME"}
    assert downstream.first_seen() == records.control_ids
    assert downstream.arrivals.duplicates == 0


@pytest.mark.parametrize("killed", [False, True], ids=["recovers", "killed"])
def test_without_any_space_lanes_stop_until_there_is_some(on_disk: DiskPlace, disk: SmallDisk, killed: bool) -> None:
    """A delivery whose settlement the full disk refuses is settled later, not sent again, unless the engine dies."""
    (port,) = free_ports(1)
    on_disk.configure(ONE_LANE, partner=port, receive_timeout=60, settings=SETTINGS)
    with EngineProcess(on_disk).ready() as engine:
        journal = Sending(on_disk.port, connections=16, window=4, count=BACKLOG).ended()
        disk.leave(0)
        with partner(port) as downstream:
            seen_full = stopped_by_full_disk(engine, downstream)
            until(lambda: "disk low" in engine.output, "the engine notices")
            assert answer(on_disk.port, "REFUSED")[0] == "AE"
            if killed:
                engine.kill()
                disk.leave(ENOUGH)
                with EngineProcess(on_disk).ready() as again:
                    assert_goes_on(again, on_disk, downstream)
            else:
                assert downstream.count() == seen_full, "no lane sends while nothing can be settled"
                disk.leave(ENOUGH)
                until(lambda: "disk recovered" in engine.output, "the engine notices that too")
                assert_goes_on(engine, on_disk, downstream)
    assert "ALERT store_unavailable store: the disk of the store" in engine.output
    assert "Traceback" not in engine.output
    records = records_of(on_disk.database)
    assert records.damage == []
    assert set(records.control_ids) == accepted_ids(journal) | {"WELCOME"}
    assert records.delivered("OB") == set(records.control_ids)
    assert downstream.first_seen() == records.control_ids
    assert downstream.arrivals.duplicates <= (UNSETTLED if killed else 0)


def stopped_by_full_disk(engine: EngineProcess, downstream: Partner) -> int:
    """Wait until the lane cannot settle any more; how many the partner has then."""
    until(lambda: not is_healthy(engine), "the engine cannot commit")
    seen = downstream.count()
    assert seen < BACKLOG, "the disk had room for everything"
    until(lambda: engine.page("/stats")["messages"], "its pages are served all the same")
    return downstream.count()


def assert_goes_on(engine: EngineProcess, place: Place, downstream: Partner) -> None:
    """Everything is delivered, new messages are accepted, and it stops in order."""
    until(lambda: downstream.count() == BACKLOG, "the backlog is delivered")
    assert answer(place.port, "WELCOME")[0] == "AA"
    until(engine.at_rest, "all is settled")
    assert is_healthy(engine)
    assert engine.stop() == 0, engine.output
