"""Backlogs of partners that are down: kept on disk, then delivered in order, none missing where a window ends.

ACCEPTANCE_BACKLOG makes the one long: with 200000 it takes some minutes.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.fault_feeds import ONE_LANE
from tests.acceptance.partner import partner
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from messagefoundry.harness.journal import Journal
    from tests.acceptance.partner import Partner
    from tests.acceptance.place import Place

BACKLOG = int(os.environ.get("ACCEPTANCE_BACKLOG", "2500"))
MEBIBYTE = 1 << 20
ADDED_AT_MOST = 50 * MEBIBYTE
PATIENCE = 30 + BACKLOG / 100
"""Seconds for a backlog to come or go."""


def test_a_backlog_adds_little_memory_and_leaves_in_order(place: Place) -> None:
    (port,) = free_ports(1)
    place.configure(ONE_LANE, partner=port, receive_timeout=60)
    with EngineProcess(place).ready() as engine:
        at_start = engine.peak_memory()
        journal = Sending(place.port, connections=8, window=4, count=BACKLOG).ended(within=PATIENCE)
        until(lambda: "RECEIVED" not in engine.page("/stats")["messages"], "all are routed", within=PATIENCE)
        waiting = engine.peak_memory()
        with partner(port) as downstream:
            until(lambda: downstream.count() == BACKLOG, "the backlog arrives", within=PATIENCE)
            until(engine.at_rest, "the last settlement is durable")
            drained = engine.peak_memory()
            until(engine.holds_nothing, "what is delivered is not in memory any more", within=5)
            assert engine.stop() == 0, engine.output
    records = records_of(place.database)
    assert journal.codes() == {"AA": BACKLOG}
    assert records.delivered("OB") == set(records.control_ids) == accepted_ids(journal)
    assert downstream.first_seen() == records.control_ids
    assert downstream.arrivals.duplicates == 0
    print(
        f"backlog of {BACKLOG}: peak memory {at_start / MEBIBYTE:.1f} MiB when ready, "
        f"{waiting / MEBIBYTE:.1f} with all of it waiting, {drained / MEBIBYTE:.1f} after it was delivered"
    )
    arrivals, sent_at = list(downstream.arrivals.first_ns.values()), [entry.sent_ns for entry in journal]
    print(f"taken at {rate(sent_at):.0f}/s, delivered at {rate(arrivals):.0f}/s")
    assert drained - at_start <= ADDED_AT_MOST


def rate(times: list[int]) -> float:
    """Events a second, from their times in ns."""
    return len(times) / (times[-1] - times[0]) * 1e9


WINDOW = 20
SMALL_WINDOWS = f"""
from messagefoundry.pipeline.window import Window

Window.__init__.__kwdefaults__["max_items"] = {WINDOW}
"""
"""There is no setting for it: the default is changed before the engine uses it."""

SIZES = [
    *(WINDOW + each for each in (-1, 0, 1)),
    *(WINDOW + WINDOW // 4 + each for each in (0, 1)),
    *(2 * WINDOW + each for each in (-1, 0, 1)),
    *(3 * WINDOW + each for each in (0, 1)),
]
"""Backlogs one short of a window, exactly one, one more; likewise where a lane asks for more, and later windows."""

LANES = """
def wire(name, port, partner):
    inbound(f"IB_{{name}}", MLLP(port=port), router=f"to_{{name}}")
    outbound(f"OB_{{name}}", MLLP(host="127.0.0.1", port=partner), retry=soon)

    @router(f"to_{{name}}")
    def route(msg):
        return f"pass_{{name}}"

    @handler(f"pass_{{name}}")
    def pass_on(msg):
        return Send(f"OB_{{name}}", msg)

soon = RetryPolicy(backoff_seconds=0.1, max_backoff_seconds=0.2)
for name, ports in {lanes}.items():
    wire(name, *ports)
"""


def test_none_is_missing_where_a_window_ends(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice: with the backlog there at the start of the lane, and with one that grows while its partner is away."""
    (place.directory / "site").mkdir()
    (place.directory / "site" / "sitecustomize.py").write_text(SMALL_WINDOWS)
    monkeypatch.setenv("PYTHONPATH", str(place.directory / "site"), prepend=os.pathsep)
    free = free_ports(2 * len(SIZES))
    ports, partners = free[: len(SIZES)], free[len(SIZES) :]
    place.configure(LANES, lanes=dict(zip(SIZES, zip(ports, partners, strict=True), strict=True)))
    with EngineProcess(place).ready() as engine:
        first = send_all(ports)
        assert engine.stop() == 0, engine.output
    with EngineProcess(place).ready() as engine:
        with all_open(partners) as before:
            assert_all_come(engine, before)
        second = send_all(ports)
        with all_open(partners) as after:
            assert_all_come(engine, after)
        assert engine.stop() == 0, engine.output
    records = records_of(place.database)
    for number, size in enumerate(SIZES):
        for journals, downstreams in ((first, before), (second, after)):
            assert set(downstreams[number].first_seen()) == accepted_ids(journals[number]), f"all {size} come"
            assert records.in_commit_order(downstreams[number].first_seen())
            assert downstreams[number].arrivals.duplicates == 0
    assert not records.not_final()


def send_all(ports: list[int]) -> list[Journal]:
    """To each lane its backlog."""
    sending = [Sending(port, connections=2, count=size) for port, size in zip(ports, SIZES, strict=True)]
    return [each.ended() for each in sending]


@contextmanager
def all_open(ports: list[int]) -> Iterator[list[Partner]]:
    """Every partner is there for the length of a block."""
    with ExitStack() as stack:
        yield [stack.enter_context(partner(port)) for port in ports]


def assert_all_come(engine: EngineProcess, downstreams: list[Partner]) -> None:
    """Each partner gets as many as are meant for it."""
    until(lambda: [downstream.count() for downstream in downstreams] == SIZES, "all backlogs arrive")
    until(engine.at_rest, "everything is settled")
