"""Feeds of the fault tests, and what several of them ask of an engine."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from messagefoundry.harness.mllp import read_acknowledgment
from tests.acceptance.partner import exchange
from tests.acceptance.sending import adt

if TYPE_CHECKING:
    from tests.acceptance.engine_process import EngineProcess

ONE_LANE = """
inbound("IB", MLLP(port={port}, receive_timeout={receive_timeout}), router="all")
outbound("OB", MLLP(host="127.0.0.1", port={partner}), retry=RetryPolicy(backoff_seconds=0.1, max_backoff_seconds=0.2))

@router("all")
def all(msg):
    return "pass_on"

@handler("pass_on")
def pass_on(msg):
    return Send("OB", msg)
"""
"""An inbound whose senders wait half of `receive_timeout` for the store, a lane that tries again at once."""


def answer(port: int, control_id: str, *, within: float = 30) -> tuple[str, bytes]:
    """Send one message on a connection of its own: MSA-1, and the whole answer."""
    (raw,) = exchange(port, [adt(control_id)], within=within)
    return read_acknowledgment(raw).code, raw


def is_healthy(engine: EngineProcess) -> bool:
    """What a load balancer sees."""
    connection = HTTPConnection("127.0.0.1", engine.place.api_port, timeout=10)
    with closing(connection):
        connection.request("GET", "/health", headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()
    status = response.status
    assert status in (200, 503)
    return status == 200
