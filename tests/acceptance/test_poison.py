"""A message that kills the process: dead-lettered at its third death, while everybody else gets through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from messagefoundry.harness.mllp import read_acknowledgment
from tests.acceptance.engine_process import EngineProcess, run_command
from tests.acceptance.partner import exchange, partner
from tests.acceptance.records import records_of
from tests.acceptance.sending import adt
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from tests.acceptance.place import Place

FEED = """
import time

inbound("IB", MLLP(port={port}), router="all")
outbound("OB", MLLP(host="127.0.0.1", port={partner}))

@router("all")
def all(msg):
    return "deadly"

@handler("deadly")
def deadly(msg):
    if msg["MSH-10"] == "SLOW":
        time.sleep(2.2)
    if msg["MSH-10"] == "POISON":
        time.sleep({fuse})
        {death}
    return Send("OB", msg)
"""
"""With a fuse, what comes after the poison is acknowledged before the process dies."""

DEATHS = 3
BEFORE = [f"BEFORE{number}" for number in range(5)]
AFTER = [f"AFTER{number}" for number in range(20)]


def accepted(port: int, control_ids: list[str]) -> list[str]:
    """Send one after another on one connection; those that were answered AA, fewer when the engine dies."""
    answers = map(read_acknowledgment, exchange(port, map(adt, control_ids)))
    return [answer.control_id for answer in answers if answer.code == "AA"]


def deaths_until_one_survives(place: Place, code: int) -> int:
    """Start engine after engine until one has worked off everything; how many died of it, each with `code`."""
    for deaths in range(10):
        with EngineProcess(place) as engine:
            until(lambda: not engine.alive or engine.quietly_at_rest(), "the engine dies, or all is done", within=90)
            if engine.alive:
                assert engine.stop() == 0, engine.output
                return deaths
            assert engine.ended() == code
    raise AssertionError("engines die without end")


@pytest.mark.parametrize(
    ("death", "code"), [("os.kill(os.getpid(), signal.SIGKILL)", -9), ("os._exit(7)", 7)], ids=["SIGKILL", "_exit"]
)
def test_poison_is_dead_lettered_and_everybody_else_gets_through(place: Place, death: str, code: int) -> None:
    with partner() as downstream:
        place.configure(FEED, partner=downstream.port, death=death, fuse=0.2)
        with EngineProcess(place).ready() as engine:
            taken = accepted(place.port, [*BEFORE, "POISON", *AFTER])
            assert engine.ended() == code
        assert len(taken) > len(BEFORE) + 1, "some are acknowledged that wait behind the poison"
        assert deaths_until_one_survives(place, code) == DEATHS - 1, "one has died already"
    assert_poison_alone_is_dead(place, taken, downstream.first_seen())


def test_deaths_behind_a_slow_message_are_counted_too(place: Place) -> None:
    """A flow that overruns its turn is routed by a thread of its own, after an unclean stop as carefully."""
    with partner() as downstream:
        place.configure(FEED, partner=downstream.port, death="os._exit(7)", fuse=0)
        with EngineProcess(place).ready() as engine:
            taken = accepted(place.port, ["SLOW", "POISON", *AFTER])
            engine.kill()
        assert len(taken) == 2 + len(AFTER)
        assert deaths_until_one_survives(place, 7) == DEATHS - 1, "the kill counts as the first"
    assert_poison_alone_is_dead(place, taken, downstream.first_seen())


def assert_poison_alone_is_dead(place: Place, taken: list[str], first_seen: list[str]) -> None:
    records = records_of(place.database)
    assert {name for name, found in records.dispositions.items() if found != "PROCESSED"} == {"POISON"}
    assert set(taken) <= set(records.control_ids)
    assert first_seen == [control_id for control_id in records.control_ids if control_id != "POISON"]
    (dead,) = json.loads(run_command(place, "dead-letters", "list", "--json").stdout)["dead_letters"]
    assert dead["stage"] == "ingress"
    assert f"died {DEATHS} times" in dead["error"]
