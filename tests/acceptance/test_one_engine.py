"""One engine for each store, and none that a dead one keeps away."""

from __future__ import annotations

import socket
from datetime import datetime

from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.place import FAN_OUT, Place


def test_second_engine_is_refused_until_the_first_is_dead(place: Place) -> None:
    with partner() as downstream:
        place.configure(FAN_OUT, partner=downstream.port)
        with EngineProcess(place).ready() as first:
            with EngineProcess(place) as second:
                assert second.ended() == 2
            (said,) = (line for line in second.output.splitlines() if line.startswith("Error:"))
            assert f"on host {socket.gethostname()}, pid {first.pid}, started " in said
            started = datetime.fromisoformat(said.rpartition("started ")[2])
            assert 0 <= (datetime.now().astimezone() - started).total_seconds() < 60
            assert first.page("/health") == {"status": "ok"}, "the first goes on"
            first.kill()
        with EngineProcess(place).ready() as third:
            assert third.page("/health") == {"status": "ok"}
            assert third.stop() == 0
