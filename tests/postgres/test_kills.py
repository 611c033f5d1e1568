"""kill -9 at random moments under load, over PostgreSQL: what was acknowledged is delivered everywhere, in order.

`make torture STORE=postgres` is the long form, and ACCEPTANCE_KILLS=12 a longer one, of all situations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.torture_short import KILLS, kept
from tests.acceptance.torture_situations import SITUATIONS, Situation
from tests.postgres.torture_store import PostgresStore

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.contracts.stores import StoreLocation

WITHIN_EVERYTHING = {"files", "retries"}
"""What goes on in these goes on in `everything` as well: the shortest form has that alone."""


@pytest.mark.parametrize(
    "situation",
    [situation for situation in SITUATIONS if KILLS or situation.name not in WITHIN_EVERYTHING],
    ids=lambda situation: situation.name,
)
def test_nothing_acknowledged_is_lost_by_kills(situation: Situation, location: StoreLocation, tmp_path: Path) -> None:
    kept(situation, tmp_path, PostgresStore(location))
