"""What a backlog of any size adds to an engine's memory over PostgreSQL, and whether it leaves in order.

    python -m tests.postgres.backlog --messages 1000000

An engine writes a small backlog while its partner is away; the server multiplies it; a new engine starts on it, answers
on its pages, and delivers all. Memory is compared with an engine through whose empty store messages pass. The server
is the one of MEFOR_TEST_POSTGRES, or one of the tests' own. Exit code 0 unless more was added than may be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from messagefoundry_postgres.place import place_of
from messagefoundry_postgres.viewing import engine_of
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.fault_feeds import ONE_LANE
from tests.acceptance.place import Place, place_in
from tests.acceptance.sending import Sending
from tests.acceptance.torture_partner import TorturePartner
from tests.acceptance.torture_stores import rows_of
from tests.acceptance.waiting import until
from tests.postgres.conftest import fresh_location
from tests.postgres.engine import environment_of
from tests.postgres.multiplying import multiply
from tests.postgres.server import running
from tests.postgres.target import named_options, options_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from messagefoundry.contracts.stores import StoreLocation
MEBIBYTE = 1 << 20
ADDED_AT_MOST = 50 * MEBIBYTE
SAMPLE = 500
"""Messages that the engine itself writes."""
PASSED = 4000
"""Messages that pass through the engine with which memory is compared."""
STEP = 1000
PAGES = ("/stats", "/connections", "/messages?limit=50", "/messages?disposition=ROUTED&limit=50", "/dead-letters")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What was found. Memory is the peak in bytes so far; times in seconds."""

    waiting: int
    multiplied: float
    passing: int
    """memory without a backlog"""
    ready: float
    held: int
    """memory with the backlog waiting, when every page has been asked for"""
    pages: dict[str, float]
    drained: int
    """memory when all of it has been delivered"""
    draining: float

    @property
    def added(self) -> int:
        return self.drained - self.passing


def measured(locations: Sequence[StoreLocation], directory: Path, *, waiting: int) -> Backlog:
    """Measure over two empty places. Raises AssertionError when a message is lost or leaves out of order."""
    empty, full = locations
    passing = _passing(empty, _placed(directory / "empty"))
    place = _placed(directory / "full")
    partner = TorturePartner()
    try:
        return _Backlog(full, place, partner, passing).found(waiting)
    finally:
        partner.leave()


def _placed(directory: Path) -> Place:
    directory.mkdir()
    return place_in(directory)


def _passing(location: StoreLocation, place: Place) -> int:
    """Peak memory of an engine whose messages never wait for long."""
    partner = TorturePartner()
    place.configure(ONE_LANE, partner=partner.port, receive_timeout=60)
    try:
        with EngineProcess(place, environment=environment_of(location)).ready() as engine:
            Sending(place.port, connections=8, window=4, count=PASSED).ended()
            until(engine.at_rest, "all have passed")
            for path in PAGES:
                engine.page(path)
            peak = engine.peak_memory()
            assert engine.stop() == 0, engine.output
            return peak
    finally:
        partner.leave()


@dataclass(frozen=True)
class _Backlog:
    location: StoreLocation
    place: Place
    partner: TorturePartner
    passing: int

    def found(self, waiting: int) -> Backlog:
        self.place.configure(ONE_LANE, partner=self.partner.port, receive_timeout=60)
        self.partner.leave()
        self._write_sample()
        sample = self._waiting_ids()
        began = time.monotonic()
        number = multiply(self.location, -(-waiting // SAMPLE) - 1)
        found = self._deliver(number, time.monotonic() - began)
        seen = [arrival.control_id for arrival in self.partner.arrivals]
        assert seen == list(islice(cycle(sample), number)), "all come once, in their order"
        assert self._states() == {"delivered": number}
        return found

    def _engine(self) -> AbstractContextManager[EngineProcess]:
        return EngineProcess(self.place, environment=environment_of(self.location))

    def _write_sample(self) -> None:
        with self._engine() as engine:
            engine.ready()
            Sending(self.place.port, connections=8, window=4, count=SAMPLE).ended()
            until(lambda: engine.page("/stats")["messages"] == {"ROUTED": SAMPLE}, "all are routed")
            assert engine.stop() == 0, engine.output

    def _deliver(self, number: int, multiplied: float) -> Backlog:
        began = time.monotonic()
        with self._engine() as engine:
            engine.ready(within=120)
            ready = time.monotonic() - began
            pages = {path: _seconds(engine, path) for path in PAGES}
            held = engine.peak_memory()
            began = time.monotonic()
            self.partner.come_back()
            self._await(number)
            draining = time.monotonic() - began
            until(engine.at_rest, "the last settlement is durable")
            drained = engine.peak_memory()
            assert engine.stop(within=60) == 0, engine.output
        return Backlog(number, multiplied, self.passing, ready, held, pages, drained, draining)

    def _await(self, number: int) -> None:
        """Wait until so many have arrived. Raises AssertionError when few have for a while."""
        while (arrived := len(self.partner.arrivals)) < number:
            enough = min(number, arrived + STEP)
            until(partial(self._have_come, enough), f"{enough} of {number} have arrived")

    def _have_come(self, count: int) -> bool:
        return len(self.partner.arrivals) >= count

    def _waiting_ids(self) -> list[str]:
        query = "SELECT control_id FROM work JOIN message ON message.id = message_id ORDER BY work.id"
        return [control_id for (control_id,) in self._rows(query)]

    def _states(self) -> dict[str, int]:
        return {state: count for state, count in self._rows("SELECT state, count(*) FROM work GROUP BY state")}

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with engine_of(place_of(self.location)).connect() as connection:
            return rows_of(connection, query)


def _seconds(engine: EngineProcess, path: str) -> float:
    began = time.monotonic()
    engine.page(path)
    return time.monotonic() - began


def told(found: Backlog) -> str:
    """In words."""
    pages = ", ".join(f"{path} {seconds * 1000:.0f} ms" for path, seconds in found.pages.items())
    memory = [f"{each / MEBIBYTE:.1f}" for each in (found.passing, found.held, found.drained, found.added)]
    return (
        f"{found.waiting:,} waiting, multiplied in {found.multiplied:.0f} s; an engine ready in {found.ready:.1f} s\n"
        f"peak memory in MiB: {memory[0]} without a backlog, {memory[1]} with it, {memory[2]} when all was delivered "
        f"({found.waiting / found.draining:.0f}/s): {memory[3]} more\n"
        f"first answers: {pages}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.postgres.backlog", description="Measure a backlog.")
    parser.add_argument("--messages", type=int, default=1_000_000, help="that wait (default %(default)s)")
    asked = parser.parse_args(argv)
    with ExitStack() as stack:
        options = named_options() or options_of(stack.enter_context(contextmanager(running)()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        locations = [stack.enter_context(fresh_location(options, folder)) for _ in range(2)]
        found = measured(locations, folder, waiting=asked.messages)
    print(told(found))
    return 0 if found.added <= ADDED_AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
