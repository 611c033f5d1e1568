"""A whole engine while its database is restarted, crashes, is cut off and does not answer: zero loss, nothing twice."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.place import Place, place_in
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids, sent_ids
from tests.acceptance.waiting import until
from tests.postgres.conftest import options_of
from tests.postgres.engine import copy_into_file, environment_of
from tests.postgres.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from messagefoundry.contracts.stores import StoreLocation
    from tests.postgres.server import Server


@pytest.fixture
def options(server: Server) -> dict[str, object]:
    """These tests do to a server what only a server of their own may suffer."""
    return options_of(server)


FEED = """
inbound("IB", MLLP(port={port}), router="all_to_fan")
soon = RetryPolicy(backoff_seconds=0.1, max_backoff_seconds=0.2)
outbound("OB_MLLP", MLLP(host="127.0.0.1", port={partner}), retry=soon)

@router("all_to_fan")
def all_to_fan(msg):
    return "pass_on"

@handler("pass_on")
def pass_on(msg):
    return Send("OB_MLLP", msg)
"""

MESSAGES = 60
"""that are acknowledged from one trouble to the next"""


def restart(server: Server, proxy: Proxy) -> None:
    server.restart(signal.SIGINT)


def crash(server: Server, proxy: Proxy) -> None:
    server.restart(signal.SIGQUIT)


def cut(server: Server, proxy: Proxy) -> None:
    proxy.cut()
    time.sleep(0.3)
    proxy.heal()


def end_sessions(server: Server, proxy: Proxy) -> None:
    with server.connect() as own:
        own.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'messagefoundry'")


def lose_answers(server: Server, proxy: Proxy) -> None:
    proxy.lose_answers()


def lose_requests(server: Server, proxy: Proxy) -> None:
    proxy.lose_requests()


def black_hole(server: Server, proxy: Proxy) -> None:
    proxy.black_hole()
    time.sleep(1.5)
    proxy.heal()


TROUBLES: dict[str, tuple[Callable[[Server, Proxy], None], ...]] = {
    "server": (restart, end_sessions, crash),
    "network": (lose_answers, cut, lose_requests, black_hole),
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_in(tmp_path)


def _enough(sending: Sending, count: int) -> bool:
    return sending.accepted >= count


@pytest.mark.parametrize("kind", TROUBLES)
def test_nothing_is_lost_or_sent_twice(kind: str, location: StoreLocation, place: Place, server: Server) -> None:
    with Proxy("127.0.0.1", server.port) as proxy, partner() as downstream:
        far = replace(
            location, options={**location.options, "server": "127.0.0.1", "port": proxy.port, "encrypt": False}
        )
        place.configure(FEED, partner=downstream.port)
        with EngineProcess(place, environment=environment_of(far)).ready() as engine:
            sending = Sending(place.port, connections=4, rate=150, count=MESSAGES * 2 * (len(TROUBLES[kind]) + 1))
            for number, trouble in enumerate(TROUBLES[kind], start=1):
                enough = MESSAGES * number
                until(partial(_enough, sending, enough), f"{enough} messages are acknowledged")
                trouble(server, proxy)
            journal = sending.ended()
            until(engine.at_rest, "everything is delivered", within=60)
            assert engine.stop() == 0, engine.output
    copy_into_file(location, place.database)
    records, accepted = records_of(place.database), accepted_ids(journal)
    assert accepted <= set(records.control_ids) <= sent_ids(journal)
    assert len(accepted) > MESSAGES * len(TROUBLES[kind])
    assert set(records.dispositions.values()) == {"PROCESSED"}
    assert records.delivered("OB_MLLP") == set(records.control_ids)
    assert downstream.first_seen() == records.control_ids
    assert downstream.arrivals.duplicates == 0
    print(f"{kind}: {len(accepted)} accepted, {len(records.control_ids)} stored, of {len(sent_ids(journal))} sent")
