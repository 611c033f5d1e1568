"""An engine that is stopped while nobody can say what became of its last commit ends all the same."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.place import place_in
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids
from tests.acceptance.waiting import until
from tests.postgres.engine import copy_into_file, environment_of
from tests.postgres.test_troubled import FEED

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.contracts.stores import StoreLocation
    from tests.postgres.proxy import Proxy

SHUTDOWN_SECONDS = 1


def test_a_stop_does_not_wait_for_a_database_that_stays_away(
    location: StoreLocation, far: StoreLocation, proxy: Proxy, tmp_path: Path
) -> None:
    place = place_in(tmp_path)
    variables = environment_of(far) | {"MEFOR_ENGINE_SHUTDOWN_TIMEOUT_SECONDS": str(SHUTDOWN_SECONDS)}
    with partner() as downstream:
        place.configure(FEED, partner=downstream.port)
        with EngineProcess(place, environment=variables).ready() as engine:
            sending = Sending(place.port, connections=2, rate=100, count=100)
            until(partial(accepted_at_least, sending, 20), "20 messages are acknowledged")
            proxy.cut()
            until(lambda: "cannot commit" in engine.output or sending.accepted >= 100, "the loss is seen")
            assert engine.stop(within=45) == 0, engine.output
            journal = sending.ended()
        assert "Traceback" not in engine.output
    copy_into_file(location, place.database)
    assert accepted_ids(journal) <= set(records_of(place.database).control_ids)


def accepted_at_least(sending: Sending, count: int) -> bool:
    return sending.accepted >= count
