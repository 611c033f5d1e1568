"""The line of `status` for a head that is tried again by itself: what it met, when it goes on, what can be done."""

from __future__ import annotations

import dataclasses

import pytest

from messagefoundry.cli.live import Seen
from messagefoundry.cli.status import Lane
from messagefoundry.contracts.stores import WorkRow

HEAD = WorkRow(1, 17, "IB", "outbound", "OB", "", "waiting", 5, 0, "", False, 0, 9, "A4711", "ADT^A01")
SEEN = Seen(
    "OB", "outbound", "MLLP", "", "running", doing="waiting to retry", next_try=1_795_319_548_000_000, waiting=2
)


def lane(error: str, **changes: object) -> Lane:
    return Lane(dataclasses.replace(SEEN, **changes), dataclasses.replace(HEAD, error=error))  # type: ignore[arg-type]


def test_a_head_that_was_rejected_for_now_is_tried_again_can_be_looked_at_and_given_up() -> None:
    rejected = lane("the partner answered AE (204)\nmore")
    parts = rejected.line().split("; ")
    assert parts[2] == "tried 5 times, last: the partner answered AE (204)"
    assert parts[3].startswith("it is tried again by itself, next try 20")
    assert parts[4:] == [
        "to see the reply: messagefoundry messages show 17 --body --show-phi",
        "to give this message up: messagefoundry messages dead-letter 17 --to OB",
    ]
    assert rejected.facts()["unblock"] == "messagefoundry messages dead-letter 17 --to OB"


@pytest.mark.parametrize("error", ["directory /feeds/out does not exist", "lab:2575: Connection refused"])
def test_what_the_last_attempt_met_is_said_in_the_connectors_own_words(error: str) -> None:
    parts = lane(error).line().split("; ")
    assert parts[2] == f"tried 5 times, last: {error}"
    assert parts[3].startswith("it is tried again by itself, next try 20")
    assert parts[4:] == ["it goes on when that is mended", "to look now: messagefoundry connections test OB"]


def test_a_lane_that_was_stopped_is_not_said_to_try_again() -> None:
    line = lane("the partner answered AE", state="stopped", held=True, next_try=0).line()
    assert "tried again" not in line
    assert line.endswith("to unblock: messagefoundry connections start OB")


@pytest.mark.parametrize(("due", "said"), [(1, False), (4_102_444_800_000_000, True)])
def test_a_try_that_is_under_way_is_no_next_one(due: int, said: bool) -> None:
    found = lane("lab:2575: Connection refused", doing="sending", next_try=0)
    found = dataclasses.replace(found, head=dataclasses.replace(HEAD, due=due, error="gone"))
    assert ("next try" in found.line()) is said
    assert (found.facts()["next_try"] is not None) is said
