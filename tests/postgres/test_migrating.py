"""A store of the first release is brought to today's schema, and everything works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.testing.stores.feed import Feed as AnyFeed
from messagefoundry_postgres.connecting import WRITING, connect
from messagefoundry_postgres.factory import POSTGRES
from messagefoundry_postgres.fencing import make_schema
from messagefoundry_postgres.place import place_of
from messagefoundry_postgres.viewing import schema_change
from messagefoundry_sql.revisions import THIS
from tests.stores.feed import Feed
from tests.stores.old_store import check, fill, live, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.contracts.stores import StoreLocation


def test_a_store_of_the_first_release_works_on(location: StoreLocation, tmp_path: Path) -> None:
    today = Feed(tmp_path)
    live(today)
    place = place_of(location)
    with connect(place, WRITING) as own:
        make_schema(own, place)
    with schema_change(place) as connection:
        fill(connection, rows_of(today.location))
    assert (POSTGRES.state(location).revision, "state" in POSTGRES.state(location).tables) == (1, False)
    with pytest.raises(ConfigurationError, match="start the engine once"):
        POSTGRES.reader(location, Plaintext())
    migrated = AnyFeed(POSTGRES, location, last=today.last)
    check(migrated, today)
    migrated.close()
    today.close()
    assert POSTGRES.state(location).revision == THIS.version.number
