"""A whole engine stands still under load, another takes its store over, and it wakes: it sends nothing, and ends."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import Partner, partner
from tests.acceptance.place import place_in
from tests.acceptance.sending import Sending
from tests.acceptance.waiting import until
from tests.postgres.engine import environment_of
from tests.postgres.test_troubled import FEED

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.contracts.stores import StoreLocation
    from tests.acceptance.place import Place

LEASE_SECONDS = 3
"""As in the fixture `location`."""
BACKLOG = 120
ANSWERS_AFTER = 0.02
LONGEST_SECONDS = 20


def started(place: Place, variables: dict[str, str]) -> EngineProcess:
    """The next engine, as soon as it is not refused."""
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        engine = EngineProcess(place, environment=variables)
        until(partial(ready_or_refused, engine), "it is ready or refused")
        if engine.alive:
            return engine
        assert engine.ended() == 2
    raise AssertionError("the take-over was held up")


def ready_or_refused(engine: EngineProcess) -> bool:
    return "wiring started" in engine.output or not engine.alive


def seen(downstream: Partner) -> int:
    return downstream.count() + downstream.arrivals.duplicates


def test_an_engine_that_was_taken_over_sends_nothing_and_ends(location: StoreLocation, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    old, new = (place_in(tmp_path / name) for name in ("first", "second"))
    variables = environment_of(location)
    with partner(answers_after=ANSWERS_AFTER) as downstream:
        for place in (old, new):
            place.configure(FEED, partner=downstream.port)
        with EngineProcess(old, environment=variables).ready() as first:
            journal = Sending(old.port, connections=8, count=BACKLOG).ended()
            assert downstream.count() < BACKLOG, "the lane has work in its memory"
            first.signal(signal.SIGSTOP)
            with started(new, variables) as second:
                until(second.at_rest, "the new engine has delivered everything", within=30)
                before = seen(downstream)
                assert downstream.count() == len(journal) == BACKLOG
                first.signal(signal.SIGCONT)
                try:
                    assert first.ended(within=LONGEST_SECONDS) != 0, "it ends by itself, and says so"
                finally:
                    assert seen(downstream) == before, "nothing was sent after the take-over"
                assert "another engine has taken over the store" in first.output
                assert second.stop() == 0
