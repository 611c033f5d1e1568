"""Repeats across kills, over PostgreSQL: each message is routed exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.place import place_in
from tests.acceptance.records import records_of
from tests.acceptance.repeating import told_under_kills
from tests.acceptance.test_repeats import repeats_in
from tests.postgres.engine import copy_into_file, environment_of

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.contracts.stores import StoreLocation


def test_repeats_are_told_across_kills(location: StoreLocation, tmp_path: Path) -> None:
    place = place_in(tmp_path)
    sending = told_under_kills(place, environment_of(location))
    copy_into_file(location, place.database)
    records = records_of(place.database)
    assert sorted(records.control_ids) == sorted(sending.accepted), "every message once"
    assert records.delivered("OB_MLLP") == sending.accepted
    assert repeats_in(place.database) >= sending.needless > 0
