"""A whole engine while its database is restarted, crashes, is cut off and does not answer: zero loss, nothing twice."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.place import Place, place_in
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids, sent_ids
from tests.acceptance.waiting import until
from tests.postgres.engine import copy_into_file, environment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from messagefoundry.contracts.stores import StoreLocation
    from tests.postgres.proxy import Proxy
    from tests.postgres.server import Server


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


def restart(server: Server) -> None:
    server.restart(signal.SIGINT)


def crash(server: Server) -> None:
    server.restart(signal.SIGQUIT)


def end_sessions(server: Server) -> None:
    with server.connect() as own:
        own.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'test\\_%'")


def cut(proxy: Proxy) -> None:
    proxy.cut()
    time.sleep(0.3)
    proxy.heal()


def lose_answers(proxy: Proxy) -> None:
    proxy.lose_answers()


def lose_requests(proxy: Proxy) -> None:
    proxy.lose_requests()


def black_hole(proxy: Proxy) -> None:
    proxy.black_hole()
    time.sleep(1.5)
    proxy.heal()


OF_SERVERS = (restart, end_sessions, crash)
OF_NETWORKS = (lose_answers, cut, lose_requests, black_hole)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_in(tmp_path)


def _enough(sending: Sending, count: int) -> bool:
    return sending.accepted >= count


def test_nothing_is_lost_or_sent_twice_by_a_server(far: StoreLocation, place: Place, server: Server) -> None:
    troubled(far, place, [partial(trouble, server) for trouble in OF_SERVERS])


def test_nothing_is_lost_or_sent_twice_by_a_network(far: StoreLocation, proxy: Proxy, place: Place) -> None:
    troubled(far, place, [partial(trouble, proxy) for trouble in OF_NETWORKS])


def troubled(location: StoreLocation, place: Place, troubles: Sequence[Callable[[], None]]) -> None:
    """An engine goes through all troubles under load, and everything it acknowledged arrives once, in order."""
    with partner() as downstream:
        place.configure(FEED, partner=downstream.port)
        with EngineProcess(place, environment=environment_of(location)).ready() as engine:
            sending = Sending(place.port, connections=4, rate=150, count=MESSAGES * 2 * (len(troubles) + 1))
            for number, trouble in enumerate(troubles, start=1):
                enough = MESSAGES * number
                until(partial(_enough, sending, enough), f"{enough} messages are acknowledged")
                trouble()
            journal = sending.ended()
            until(engine.at_rest, "everything is delivered", within=60)
            assert engine.stop() == 0, engine.output
    copy_into_file(location, place.database)
    records, accepted = records_of(place.database), accepted_ids(journal)
    assert accepted <= set(records.control_ids) <= sent_ids(journal)
    assert len(accepted) > MESSAGES * len(troubles)
    assert set(records.dispositions.values()) == {"PROCESSED"}
    assert records.delivered("OB_MLLP") == set(records.control_ids)
    assert downstream.first_seen() == records.control_ids
    assert downstream.arrivals.duplicates == 0
    print(f"{len(accepted)} accepted, {len(records.control_ids)} stored, of {len(sent_ids(journal))} sent")
