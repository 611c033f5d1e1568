"""A backlog on a server adds little to the engine's memory and leaves in order: the short form of `backlog.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.postgres.backlog import ADDED_AT_MOST, measured, told
from tests.postgres.conftest import fresh_location

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.contracts.stores import StoreLocation
    from tests.postgres.target import Options

WAITING = 50_000


def test_a_backlog_adds_little_memory_and_leaves_in_order(
    location: StoreLocation, options: Options, tmp_path: Path
) -> None:
    with fresh_location(options, tmp_path) as other:
        found = measured((other, location), tmp_path, waiting=WAITING)
    print(told(found))
    assert found.waiting == WAITING
    assert found.added <= ADDED_AT_MOST
